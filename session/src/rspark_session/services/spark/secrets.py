"""What keeps a driver's ports for its own session: every account of the machine can reach what listens on its loopback address.

Spark's pages ask for a token that is signed with a key (`JWSFilter`), its other ports for a secret. Both are in the session's
folder of configuration, which nobody else reads.
"""

import base64
import hashlib
import hmac
import os


class DriverSecrets:
    """The secrets of the drivers of one session: for pages a key, and for all else a word, which may be given."""

    def __init__(self, word: str | None = None) -> None:
        self._key = os.urandom(32)
        self._word = word or os.urandom(32).hex()

    def settings_of_pages(self) -> dict[str, str]:
        """Return what lets only those see the pages who carry the token."""
        name = "org.apache.spark.ui.JWSFilter"
        return {"spark.ui.filters": name, f"spark.{name}.param.secretKey": _encoded(self._key)}

    def settings_of_ports(self) -> dict[str, str]:
        """Return what lets only those speak to a driver who know the word."""
        return {"spark.authenticate": "true", "spark.authenticate.secret": self._word}

    def settings_of_connect(self) -> dict[str, str]:
        """Return what lets only those use Spark Connect who know its token."""
        return {"spark.connect.authenticate.token": self.token}

    @property
    def token(self) -> str:
        """The token of Spark Connect; each client has it in its address, so it is no other word."""
        return hmac.new(self._key, b"connect", hashlib.sha256).hexdigest()

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the header with the token."""
        return ((b"authorization", self.authorization().encode()),)

    def authorization(self) -> str:
        """Return what stands in that header (RFC 7515, HS256)."""
        signed = ".".join(map(_encoded, (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"rspark"}')))
        mark = hmac.new(self._key, signed.encode(), hashlib.sha256).digest()
        return f"Bearer {signed}.{_encoded(mark)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
