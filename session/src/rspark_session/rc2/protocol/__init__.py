"""The protocol of Rc²: every message between a client and the server in a session, as pydantic models.

They are the source: `scripts/make-web-types` makes the web client's TypeScript types of them, and `make docs` the page
`docs/reference/rc2-protocol.md`. A client talks over one websocket at `rc2/api/socket`, a JSON object a frame. It sends `hello`
first. What the server sends is either an *event*, which has a sequence number and is recorded, or a *notice*, which is neither.
A client that comes back says the last number it saw, and gets the rest, in order, once. Fields that are unknown are ignored on
both sides; a message whose type is unknown is refused by its name.
"""

from rspark_session.rc2.protocol.answers import *
from rspark_session.rc2.protocol.archives import *
from rspark_session.rc2.protocol.connections import *
from rspark_session.rc2.protocol.debugger import *
from rspark_session.rc2.protocol.events import *
from rspark_session.rc2.protocol.git import *
from rspark_session.rc2.protocol.language_servers import *
from rspark_session.rc2.protocol.model import *
from rspark_session.rc2.protocol.notebooks import *
from rspark_session.rc2.protocol.notices import *
from rspark_session.rc2.protocol.preferences import *
from rspark_session.rc2.protocol.profile import *
from rspark_session.rc2.protocol.requests import *
from rspark_session.rc2.protocol.search import *
from rspark_session.rc2.protocol.spark import *
