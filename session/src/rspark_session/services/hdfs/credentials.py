"""What sessions hold: one delegation token for each generation of a session, written down so that a restart forgets none."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.hdfs.kerberos import STEWARD
from rspark_session.services.hdfs.namenode import NameNode, Refused


@dataclass(frozen=True, kw_only=True)
class Credential:
    """The token of a generation; `renewed` is when it was got or renewed last, in seconds since 1970."""

    session: str
    generation: int
    user: str
    token: str
    renewed: float

    @property
    def key(self) -> str:
        """The name of the generation."""
        return f"{self.session}.{self.generation}"


class Credentials:
    """The tokens that were given out, each for one person.

    What was written down last is what counts: a token that was got and not written down is renewed by nobody, and ends by itself.
    """

    def __init__(self, namenode: NameNode, file: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._namenode = namenode
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._known = self._read()

    def open(self, session: str, generation: int, user: str) -> Credential:
        """Return the credential of a generation; get a token in its person's name where it has none.

        Raises
        ------
        Refused, Away
            When the NameNode gives none.
        """
        with self._lock:
            known = self._known.get(f"{session}.{generation}")
            if known is not None and known.user == user and self._still_good(known):
                return self._known[known.key]
            answer = self._namenode.ask("GET", "/", "GETDELEGATIONTOKEN", principal=STEWARD, doas=user, renewer=STEWARD)
            token = str(answer["Token"]["urlString"])
            credential = Credential(session=session, generation=generation, user=user, token=token, renewed=self._clock())
            self._known[credential.key] = credential
            self._write()
            return credential

    def renew(self, session: str, generation: int) -> bool:
        """Renew a token; False where there is none, or it can't be renewed any more.

        Raises
        ------
        Away
            When the NameNode doesn't answer.
        """
        with self._lock:
            known = self._known.get(f"{session}.{generation}")
            return known is not None and self._still_good(known)

    def revoke(self, session: str, generation: int) -> None:
        """Cancel a token, after which it opens nothing. There may be none.

        Raises
        ------
        Away
            When the NameNode doesn't answer.
        """
        with self._lock:
            self._revoke([known for key, known in self._known.items() if key == f"{session}.{generation}"])

    def revoke_of(self, user: str) -> None:
        """Cancel all tokens of a person.

        Raises
        ------
        Away
            When the NameNode doesn't answer.
        """
        with self._lock:
            self._revoke([known for known in self._known.values() if known.user == user])

    def holds(self, token: str) -> bool:
        """Return whether a token was given out and not taken back."""
        with self._lock:
            return any(known.token == token for known in self._known.values())

    def _still_good(self, credential: Credential) -> bool:
        """Renew a token; return whether the NameNode still knows it."""
        try:
            self._namenode.ask("PUT", "/", "RENEWDELEGATIONTOKEN", principal=STEWARD, token=credential.token)
        except Refused:
            return False
        self._known[credential.key] = replace(credential, renewed=self._clock())
        self._write()
        return True

    def _revoke(self, credentials: list[Credential]) -> None:
        for credential in credentials:
            try:
                self._namenode.ask("PUT", "/", "CANCELDELEGATIONTOKEN", principal=STEWARD, token=credential.token)
            except Refused as problem:  # it has ended by itself
                print(f"The token of {credential.key} could not be cancelled: {problem}", flush=True)
            del self._known[credential.key]
            self._write()

    def _read(self) -> dict[str, Credential]:
        try:
            credentials = [Credential(**fields) for fields in json.loads(self._file.read_text())]
        except FileNotFoundError:
            return {}
        return {credential.key: credential for credential in credentials}

    def _write(self) -> None:
        write_whole(self._file, json.dumps([asdict(credential) for credential in self._known.values()]))
