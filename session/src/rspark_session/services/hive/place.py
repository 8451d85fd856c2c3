"""Where a session's Hive is, and what the session shows to it."""

import http.client
import json
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields
from rspark_session.services.hive.tokens import token_file

_WORD = reading.verbatim(4096)
_PORT = reading.integer(1, 65535)
_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the metastore and its steward are, and which generation of a session this is; nothing of it is secret."""

    host: str
    port: int
    steward: int
    certificate: str
    user: str
    session: str
    generation: int

    @classmethod
    def parse(cls, value: object) -> "Place":
        """Read it; raise `Unreadable` when it isn't as expected."""
        fields = Fields(value)
        return cls(
            host=fields.required("host", _WORD),
            port=fields.required("port", _PORT),
            steward=fields.required("steward", _PORT),
            certificate=fields.required("certificate", _WORD),
            user=fields.required("user", reading.name),
            session=fields.required("session", _WORD),
            generation=fields.required("generation", reading.integer(0, 2**62)),
        )


def write_token(place: Place, folder: Path, *, secret: str) -> None:
    """Write the token file that Hive's clients show to the metastore."""
    path = folder / "token.hdts"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(token_file(place.user, place.session, place.generation, secret))


def lend_token(place: Place, *, secret: str, token: str) -> None:
    """Hand the metastore the session's token of HDFS, with which it works there when this session asks for it.

    Raises
    ------
    OSError
        When it does not take it.
    """
    context = ssl.create_default_context(cadata=place.certificate)
    connection = http.client.HTTPSConnection(place.host, place.steward, context=context, timeout=_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {secret}"}
        connection.request("PUT", f"/tokens/{place.session}/{place.generation}", json.dumps({"token": token}), headers)
        if (status := connection.getresponse().status) != HTTPStatus.OK:
            raise OSError(f"it answered {status}")
    except http.client.HTTPException as problem:
        raise OSError(f"it answered what can't be read: {problem}") from problem
    finally:
        connection.close()
