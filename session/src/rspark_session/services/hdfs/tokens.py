"""Delegation tokens: as WebHDFS writes one, and as a token file has it (`org.apache.hadoop.security.Credentials`)."""

import base64
import binascii
from dataclasses import dataclass, replace

_MAGIC = b"HDTS\x00"
#: What a token may be used for is not signed: one and the same opens the NameNode's protocol and WebHDFS.
_RPC, _WEB = b"HDFS_DELEGATION_TOKEN", b"SWEBHDFS delegation"


class TokenInvalid(ValueError):
    """What should be a token is none."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """A delegation token; `service` says of which address it is, `ip:port`."""

    identifier: bytes
    password: bytes
    kind: bytes
    service: bytes

    @classmethod
    def decode(cls, text: str) -> "Token":
        """Read `urlString`; raise `TokenInvalid` when it is none."""
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (ValueError, binascii.Error) as problem:
            raise TokenInvalid("it is no base64") from problem
        fields = []
        for _ in range(4):
            field, data = _take(data)
            fields.append(field)
        identifier, password, kind, service = fields
        return cls(identifier=identifier, password=password, kind=kind, service=service)

    def to_bytes(self) -> bytes:
        """Return it as Hadoop writes it."""
        return b"".join(_length(len(part)) + part for part in (self.identifier, self.password, self.kind, self.service))


def token_file(text: str, *, rpc: str, web: str) -> bytes:
    """Return the content of a token file that opens the NameNode's protocol at `rpc` and WebHDFS at `web`, both `ip:port`.

    Raises
    ------
    TokenInvalid
        When the text is no token.
    """
    token = Token.decode(text)
    tokens = (
        replace(token, kind=_RPC, service=rpc.encode()),
        replace(token, kind=_WEB, service=web.encode()),
    )
    named = [(each.service, each.to_bytes()) for each in tokens]
    body = b"".join(_length(len(alias)) + alias + written for alias, written in named)
    return _MAGIC + _length(len(tokens)) + body + _length(0)


def _length(number: int) -> bytes:
    """Write a length as `WritableUtils.writeVInt`."""
    if number < 128:
        return bytes([number])
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([(-112 - len(body)) % 256]) + body


def _take(data: bytes) -> tuple[bytes, bytes]:
    """Return the field at the beginning, and what follows it."""
    if not data:
        raise TokenInvalid("it ends too soon")
    first, at = data[0], 1
    length = first
    if first >= 128:
        width = 256 - 112 - first
        if not 1 <= width <= 4:
            raise TokenInvalid("it has a length that can't be")
        length, at = int.from_bytes(data[1 : 1 + width], "big"), 1 + width
    if len(data) < at + length:
        raise TokenInvalid("it ends too soon")
    return data[at : at + length], data[at + length :]
