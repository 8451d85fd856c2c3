"""What a session's clients show to the metastore: a token of Hive's kind, made of the secret that the hub gave to the session.

Hive's clients speak SASL's DIGEST-MD5 with what is in the token: its identifier is the name, its password the password.
"""

import base64

_MAGIC = b"HDTS\x00"
_KIND = b"HIVE_DELEGATION_TOKEN"


def sasl_name(user: str, session: str, generation: int) -> str:
    """Return the name by which a session's token is known to the metastore."""
    return base64.b64encode(_identifier(user, session, generation)).decode()


def sasl_password(secret: str) -> str:
    """Return the password that goes with it."""
    return base64.b64encode(secret.encode()).decode()


def token_file(user: str, session: str, generation: int, secret: str) -> bytes:
    """Return the content of a token file (`org.apache.hadoop.security.Credentials`) with the session's token."""
    fields = (_identifier(user, session, generation), secret.encode(), _KIND, b"")
    token = b"".join(_text(field) for field in fields)
    return _MAGIC + _length(1) + _text(b"hive") + token + _length(0)


def _identifier(user: str, session: str, generation: int) -> bytes:
    """Return what Hadoop can read as an identifier: version, owner, renewer, real user, and four numbers."""
    return b"\x00" + _text(user.encode()) + _text(f"{session}.{generation}".encode()) + _text(b"") + b"\x00" * 4


def _text(value: bytes) -> bytes:
    return _length(len(value)) + value


def _length(number: int) -> bytes:
    """Write a length as `WritableUtils.writeVInt`."""
    if number < 128:
        return bytes([number])
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([(-112 - len(body)) % 256]) + body
