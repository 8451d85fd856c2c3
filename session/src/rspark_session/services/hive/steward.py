"""What the hub and sessions ask of the metastore, over HTTPS.

PUT    /accounts/<user>                    {"groups": […], "hdfs": "hdfs://host:port"}   make or mend databases
POST   /accounts/<user>/close              let no session of a person in any more
GET    /accounts/<user>/tables             what is in a person's database: {"tables": […]}
DELETE /accounts/<user>                    delete a person's database, but for its files
GET    /groups/<group>/tables              what is in a group's database: {"tables": […]}
DELETE /groups/<group>                     delete a group's database, but for its files
PUT    /credentials/<session>/<generation> {"user": …, "secret": …}   let a session in: {"databases": […]}
DELETE /credentials/<session>/<generation> let it in no more
GET    /backup                             the metastore as a tar file
PUT    /backup                             make it what a tar file has
PUT    /tokens/<session>/<generation>      {"token": …}   the session's own token of HDFS; it shows its secret, not the hub's
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, ClassVar

from rspark_contract import reading
from rspark_contract.reading import Fields
from rspark_session.services import steward
from rspark_session.services.hive.accounts import Accounts
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.steward import StewardHandler, StewardServer

_PLACE = re.compile(r"hdfs://[a-z0-9.-]{1,253}:[0-9]{1,5}")


class BackupInvalid(ValueError):
    """What should be a backup of Hive is none."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the steward works with; `accounts` are those of the metastore that runs now."""

    accounts: Callable[[], Accounts]
    back_up: Callable[[IO[bytes]], None]
    restore: Callable[[IO[bytes]], None]


def start(work: Work, *, host: str, port: int, certificate: Path, key: Path, secret: str) -> StewardServer:
    """Start the steward in threads of its own; return its server."""
    server = _Server(_Handler, host=host, port=port, certificate=certificate, key=key, secret=secret)
    server.work = work
    server.start()
    return server


class _Server(StewardServer):
    work: Work


class _Handler(StewardHandler):
    server: _Server
    statuses: ClassVar[tuple[tuple[type[Exception], HTTPStatus], ...]] = (
        (BackupInvalid, HTTPStatus.UNPROCESSABLE_ENTITY),
        (KeyError, HTTPStatus.CONFLICT),
        *StewardHandler.statuses,
    )

    def answer(self, words: tuple[str, ...], query: str) -> None:
        """Do what the hub asks; take a token of HDFS from the session whose it is."""
        if self.command == "PUT" and len(words) == 3 and words[0] == "tokens":
            self._take_token(words[1], steward.number(words[2]))
        elif not self.is_hub():
            self.refuse()
        elif (self.command, *words) == ("PUT", "backup"):
            self.server.work.restore(self.content())
            self.send(HTTPStatus.OK, {})
        elif (self.command, *words) == ("GET", "backup"):
            self.send_tar(self.server.work.back_up, (ServiceProblem, OSError), what="Hive")
        else:
            self._do(words, self.body())

    def _take_token(self, session: str, generation: int) -> None:
        body = self.body()
        credential = self.server.work.accounts().find(session, generation)
        if credential is None or not hmac.compare_digest(self.bearer().encode(), credential.secret.encode()):
            self.send(HTTPStatus.UNAUTHORIZED, {"problem": "It takes the session's secret."})
            return
        self.server.work.accounts().set_token(credential, body.required("token", reading.text(4096)))
        self.send(HTTPStatus.OK, {})

    def _do(self, words: tuple[str, ...], body: Fields) -> None:
        accounts = self.server.work.accounts()
        answer: dict[str, object] = {}
        match (self.command, *words):
            case ("PUT", "accounts", user):
                groups = body.required("groups", reading.items(reading.matching(steward.GROUP), most=1000))
                accounts.ensure(steward.user(user), groups=groups, place=body.required("hdfs", reading.matching(_PLACE)))
            case ("POST", "accounts", user, "close"):
                accounts.close(steward.user(user))
            case ("GET", "accounts", user, "tables"):
                answer = {"tables": accounts.describe(steward.user(user))}
            case ("DELETE", "accounts", user):
                accounts.remove(steward.user(user))
            case ("GET", "groups", group, "tables"):
                answer = {"tables": accounts.describe_group(steward.group(group))}
            case ("DELETE", "groups", group):
                accounts.remove_group(steward.group(group))
            case ("PUT", "credentials", session, generation):
                user, secret = steward.user(body.required("user", reading.text(64))), body.required("secret", reading.text(4096))
                answer = {"databases": accounts.open(session, steward.number(generation), user=user, secret=secret)}
            case ("DELETE", "credentials", session, generation):
                accounts.revoke(session, steward.number(generation))
            case _:
                self.send(HTTPStatus.NOT_FOUND, {"problem": "There is nothing here."})
                return
        self.send(HTTPStatus.OK, answer)
