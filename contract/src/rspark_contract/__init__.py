"""What the hub and the agent of a session agree on, typed, in one place. Both import it, and it imports neither.

- `ensemble`: the file `ensemble.json`, by which a backend tells an agent what to run;
- `status`: what an agent reports while it runs, as a file and over HTTP;
- `record`: what it leaves when it has ended; `saved` what was in memory and was kept, or brought back, or lost;
- `http`: its paths and headers; `notification`: the datagram that says that a status has changed;
- `minimal_page`: the page by which either says what is wrong, where no other can be shown;
- `reading`: how JSON that comes from a session is read, within bounds;
- `previous`: what the version before writes and reads.

A session outlives an upgrade of its hub, and on Kubernetes its image may be older or newer than the hub. So each document
carries the version of the contract as `contract`, and a hub works with agents of the version before, and the other way round.
"""

#: The version of all documents that this package writes. A document without one is of version 1.
VERSION = 2
