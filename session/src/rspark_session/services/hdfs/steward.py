"""The steward: does for the hub what takes Kerberos, over HTTPS with one secret.

So the hub has no principal, needs no Kerberos programs, and can be replaced at any time; the keys stay where the servers are.

PUT    /accounts/<user>                    {"groups": […]}   make or mend a home
PUT    /accounts/<user>/quota              {"quota": bytes}   limit what it takes
POST   /accounts/<user>/close              cancel all tokens of a person
GET    /accounts/<user>/archive            the home as a tar file
DELETE /accounts/<user>                    delete the home
GET    /groups/<group>/archive             the folder of a group as a tar file
DELETE /groups/<group>                     delete the folder of a group
PUT    /credentials/<session>/<generation> {"user": …}        the token of a generation: {"token": …}
POST   /credentials/<session>/<generation>/renew
DELETE /credentials/<session>/<generation> cancel it
GET    /keys                               the files that every server has: {"files": {name: base64}}
GET    /datanodes                          which DataNodes live: {"live": [host]}
GET    /backup                             what all people have as a tar file
PUT    /backup                             make it what a tar file has
GET    /jmx?qry=…                          how the file system is, for whoever shows a token
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import parse_qs

from rspark_contract import reading
from rspark_contract.reading import Fields
from rspark_session.services import steward
from rspark_session.services.hdfs.archive import TREES, Archive, ArchiveInvalid
from rspark_session.services.hdfs.certificate import Certificate
from rspark_session.services.hdfs.credentials import Credentials
from rspark_session.services.hdfs.homes import Homes, folder_of, home_of
from rspark_session.services.hdfs.kerberos import SUPERUSER
from rspark_session.services.hdfs.namenode import Away, NameNode, Refused
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.steward import StewardHandler, StewardServer

#: What the NameNode's pages show of the file system as a whole; nothing of a person is in it.
_BEANS = frozenset(
    {
        "Hadoop:service=NameNode,name=NameNodeInfo",
        "Hadoop:service=NameNode,name=NameNodeStatus",
        "Hadoop:service=NameNode,name=FSNamesystem",
        "Hadoop:service=NameNode,name=FSNamesystemState",
        "Hadoop:service=NameNode,name=BlockStats",
        "Hadoop:service=NameNode,name=ReplicatedBlocksState",
        "Hadoop:service=NameNode,name=ECBlockGroupsState",
        "java.lang:type=Memory",
    }
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the steward works with; `keys` returns the files that every server has, and `secret` is the hub's."""

    namenode: NameNode
    homes: Homes
    archive: Archive
    credentials: Credentials
    keys: Callable[[], Mapping[str, bytes]]
    secret: str


def start(work: Work, certificate: Certificate, *, host: str, port: int) -> StewardServer:
    """Start the steward in threads of its own; return its server."""
    server = _Server(_Handler, host=host, port=port, certificate=certificate.pem, key=certificate.key, secret=work.secret)
    server.work = work
    server.start()
    return server


class _Server(StewardServer):
    work: Work


class _Handler(StewardHandler):
    server: _Server
    statuses: ClassVar[tuple[tuple[type[Exception], HTTPStatus], ...]] = (
        (ArchiveInvalid, HTTPStatus.UNPROCESSABLE_ENTITY),
        (Refused, HTTPStatus.CONFLICT),
        (Away, HTTPStatus.SERVICE_UNAVAILABLE),
        *StewardHandler.statuses,
    )

    def answer(self, words: tuple[str, ...], query: str) -> None:
        """Do what the hub asks; show beans to whoever has a token."""
        if (self.command, *words) == ("GET", "jmx"):
            self._show_bean(parse_qs(query).get("qry", [""])[0])
        elif not self.is_hub():
            self.refuse()
        elif (self.command, *words) == ("PUT", "backup"):
            self.server.work.archive.read(self.content())
            self.send(HTTPStatus.OK, {})
        elif self.command == "GET":
            self._show(words)
        else:
            self._do(words, self.body())

    def _show(self, words: tuple[str, ...]) -> None:
        work = self.server.work
        match words:
            case ("accounts", user, "archive"):
                self._send_archive(home_of(steward.user(user)))
            case ("groups", group, "archive"):
                self._send_archive(folder_of(steward.group(group)))
            case ("keys",):
                files = {name: base64.b64encode(content).decode() for name, content in work.keys().items()}
                self.send(HTTPStatus.OK, {"files": files})
            case ("datanodes",):
                self.send(HTTPStatus.OK, {"live": work.namenode.live_datanodes()})
            case ("backup",):
                self._send_tar({tree.strip("/"): tree for tree in TREES})
            case _:
                self.send(HTTPStatus.NOT_FOUND, {"problem": "There is nothing here."})

    def _do(self, words: tuple[str, ...], body: Fields) -> None:
        work = self.server.work
        match (self.command, *words):
            case ("PUT", "accounts", user):
                groups = body.required("groups", reading.items(reading.matching(steward.GROUP), most=1000))
                work.homes.ensure(steward.user(user), groups=groups)
                self.send(HTTPStatus.OK, {})
            case ("PUT", "accounts", user, "quota"):
                work.homes.set_quota(steward.user(user), body.required("quota", reading.integer(0, 2**62)))
                self.send(HTTPStatus.OK, {})
            case ("POST", "accounts", user, "close"):
                work.credentials.revoke_of(steward.user(user))
                self.send(HTTPStatus.OK, {})
            case ("DELETE", "accounts", user):
                work.credentials.revoke_of(steward.user(user))
                work.homes.remove(steward.user(user))
                self.send(HTTPStatus.OK, {})
            case ("DELETE", "groups", group):
                work.homes.remove_group(steward.group(group))
                self.send(HTTPStatus.OK, {})
            case ("PUT", "credentials", session, generation):
                owner = steward.user(body.required("user", reading.text(64)))
                credential = work.credentials.open(session, steward.number(generation), owner)
                self.send(HTTPStatus.OK, {"token": credential.token})
            case ("POST", "credentials", session, generation, "renew"):
                self.send(HTTPStatus.OK, {"renewed": work.credentials.renew(session, steward.number(generation))})
            case ("DELETE", "credentials", session, generation):
                work.credentials.revoke(session, steward.number(generation))
                self.send(HTTPStatus.OK, {})
            case _:
                self.send(HTTPStatus.NOT_FOUND, {"problem": "There is nothing here."})

    def _show_bean(self, name: str) -> None:
        if not (self.is_hub() or self.server.work.credentials.holds(self.bearer())):
            self.send(HTTPStatus.UNAUTHORIZED, {"problem": "It takes a token."})
        elif name not in _BEANS:
            self.send(HTTPStatus.NOT_FOUND, {"problem": "Nothing is shown by that name."})
        else:
            shown = json.loads(self.server.work.namenode.page(f"/jmx?qry={name}", principal=SUPERUSER))
            for bean in shown["beans"]:
                bean.pop("CorruptFiles", None)  # their paths are people's own
            self.send(HTTPStatus.OK, shown)

    def _send_archive(self, path: str) -> None:
        """Send a person's or a group's folder, by the name that it has in `/user` or `/group`."""
        if self.server.work.homes.exists(path):
            self._send_tar({path.rpartition("/")[2]: path})
        else:
            self.send(HTTPStatus.NOT_FOUND, {"problem": "There is no such folder."})

    def _send_tar(self, trees: Mapping[str, str]) -> None:
        archive = self.server.work.archive
        failures = (Refused, Away, ServiceProblem, OSError)
        self.send_tar(lambda to: archive.write(trees, to), failures, what=", ".join(trees.values()))
