"""The Python client of the API.

`AsyncHub` is the client; `Hub` is the same without `await`. Both raise the errors of `rsparkhub.domain.errors`.

>>> with Hub("http://localhost:8000", token=token) as hub:
...     session = hub.sessions.start("rspark")
...     session = hub.sessions.wait(session.id)
...     print(session.url)
"""

from rsparkhub.client.hub import AsyncHub
from rsparkhub.client.sync import Hub

__all__ = ["AsyncHub", "Hub"]
