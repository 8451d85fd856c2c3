"""Whose databases are which, and which sessions may use them: written down, so that a restart forgets nothing.

A person's database has their id for a name, a group's `group_` and its own; what Hive doesn't take in a name is `_`, and who
comes second has a number behind it. A name that was given stays its owner's for ever.
"""

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rspark_session.files import write_whole
from rspark_session.services.hive.metastore import Metastore
from rspark_session.services.hive.tokens import sasl_name, sasl_password

_RESERVED = frozenset({"default", "global_temp", "information_schema", "sys", "system", "builtin", "session"})


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a generation of a session signs in with; `token` is that of its person on HDFS, empty until the session brought it."""

    session: str
    generation: int
    user: str
    secret: str
    token: str = ""

    @property
    def key(self) -> str:
        """The name of the generation."""
        return f"{self.session}.{self.generation}"


@dataclass(kw_only=True)
class _State:
    """All of it, as the file has it. `place` is where HDFS is, `hdfs://host:port`."""

    place: str = ""
    users: dict[str, str] = field(default_factory=dict)  # a person's id → their database
    groups: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)  # a person's id → their groups
    credentials: dict[str, Credential] = field(default_factory=dict)


class Accounts:
    """The accounts on one metastore. Each step may be done again, and by two at once."""

    def __init__(self, metastore: Metastore, file: Path) -> None:
        self._metastore, self._file = metastore, file
        self._lock = threading.RLock()
        self._state = _read(file)

    def replay(self) -> None:
        """Send a metastore that has just started all who are let in.

        Raises
        ------
        ServiceProblem
            When the metastore does not take it.
        """
        with self._lock:
            self._metastore.ask(do="place", uri=self._state.place)
            for credential in self._state.credentials.values():
                self._announce(credential)

    def ensure(self, user: str, *, groups: Sequence[str], place: str) -> None:
        """Make the databases of a person and of their groups, or mend what is there; they are in these groups and no others.

        Raises
        ------
        ServiceProblem
            When the metastore does not do it.
        """
        with self._lock:
            state = self._state
            self._move(place)
            if user not in state.users:
                state.users[user] = self._free(user)
            for group in groups:
                if group not in state.groups:
                    state.groups[group] = self._free(f"group_{group}")
            before, state.members[user] = state.members.get(user), list(groups)
            self._write()
            self._metastore.ask(do="database", name=state.users[user], owner=user, location=f"{place}/user/{user}/hive")
            for group in groups:
                name = state.groups[group]
                self._metastore.ask(do="database", name=name, owner=f"@{group}", location=f"{place}/group/{group}/hive")
            if before != state.members[user]:
                for credential in self._of(user):
                    self._announce(credential)

    def databases(self, user: str) -> list[str]:
        """Return the names of a person's databases: their own first, then those of their groups."""
        with self._lock:
            state = self._state
            return [state.users[user], *(state.groups[group] for group in state.members[user])]

    def open(self, session: str, generation: int, *, user: str, secret: str) -> list[str]:
        """Let a generation of a session in; return its person's databases.

        Raises
        ------
        ServiceProblem
            When the metastore does not do it.
        KeyError
            When the person has no account.
        """
        with self._lock:
            found = self.databases(user)
            credential = Credential(session=session, generation=generation, user=user, secret=secret)
            known = self._state.credentials.get(credential.key)
            if known is not None and known.user == user and known.secret == secret:
                credential = known
            self._state.credentials[credential.key] = credential
            self._write()
            self._announce(credential)
            return found

    def find(self, session: str, generation: int) -> Credential | None:
        """Return what a generation of a session signs in with."""
        with self._lock:
            return self._state.credentials.get(f"{session}.{generation}")

    def set_token(self, credential: Credential, token: str) -> None:
        """Write down a session's token of HDFS, and send it to the metastore, which works there by it when that session asks.

        Raises
        ------
        ServiceProblem
            When the metastore does not take it.
        """
        with self._lock:
            if self._state.credentials.get(credential.key) == credential:
                changed = self._state.credentials[credential.key] = replace(credential, token=token)
                self._write()
                self._announce(changed)

    def revoke(self, session: str, generation: int) -> None:
        """Let a generation of a session in no more. It may be unknown.

        Raises
        ------
        ServiceProblem
            When the metastore does not do it.
        """
        with self._lock:
            found = self.find(session, generation)
            self._forget([found] if found is not None else [])

    def close(self, user: str) -> None:
        """Let no session of a person in any more.

        Raises
        ------
        ServiceProblem
            When the metastore does not do it.
        """
        with self._lock:
            self._forget(self._of(user))

    def describe(self, user: str) -> list[Any]:
        """Return what tables a person has in their own database, as JSON.

        Raises
        ------
        ServiceProblem
            When the metastore does not say it.
        """
        with self._lock:
            return self._describe(self._state.users.get(user))

    def describe_group(self, group: str) -> list[Any]:
        """Return what tables a group has in its database, as JSON.

        Raises
        ------
        ServiceProblem
            When the metastore does not say it.
        """
        with self._lock:
            return self._describe(self._state.groups.get(group))

    def remove(self, user: str) -> None:
        """Delete a person's database, but for its files, which are in their home.

        Raises
        ------
        ServiceProblem
            When the metastore does not do it.
        """
        with self._lock:
            self.close(user)
            if (name := self._state.users.get(user)) is not None:
                self._metastore.ask(do="drop", name=name)
                del self._state.users[user]
            self._state.members.pop(user, None)
            self._write()

    def remove_group(self, group: str) -> None:
        """Delete a group's database, but for its files, which are in its folder; who is in it still is so no more.

        Raises
        ------
        ServiceProblem
            When the metastore does not do it.
        """
        with self._lock:
            state = self._state
            left = [user for user, groups in state.members.items() if group in groups]
            for user in left:
                state.members[user].remove(group)
                for credential in self._of(user):
                    self._announce(credential)
            if (name := state.groups.get(group)) is not None:
                self._metastore.ask(do="drop", name=name)
                del state.groups[group]
            self._write()

    def names(self) -> dict[str, Any]:
        """Return whose databases are which, for a backup."""
        with self._lock:
            state = self._state
            return {"place": state.place, "users": dict(state.users), "groups": dict(state.groups)}

    def restore_names(self, names: dict[str, Any]) -> None:
        """Take what `names` returned; sessions of people who had a database then are let in as before."""
        with self._lock:
            before, self._state = self._state, _State(**names)
            state = self._state
            state.members = {user: before.members.get(user, []) for user in state.users}
            for groups in state.members.values():
                groups[:] = [group for group in groups if group in state.groups]
            state.credentials = {key: each for key, each in before.credentials.items() if each.user in state.users}
            self._write()

    def _describe(self, name: str | None) -> list[Any]:
        found: list[Any] = self._metastore.ask(do="describe", name=name)["tables"] if name is not None else []
        return found

    def _move(self, place: str) -> None:
        state = self._state
        if place == state.place:
            return
        if state.place:
            self._metastore.ask(do="move", **{"from": state.place, "to": place})
        state.place = place
        self._write()
        self.replay()

    def _free(self, wanted: str) -> str:
        name = re.sub(r"[^a-z0-9_]", "_", wanted.lower())
        taken = {*self._state.users.values(), *self._state.groups.values(), *_RESERVED}
        number, found = 2, name
        while found in taken:
            found, number = f"{name}_{number}", number + 1
        return found

    def _of(self, user: str) -> list[Credential]:
        return [credential for credential in self._state.credentials.values() if credential.user == user]

    def _announce(self, credential: Credential) -> None:
        name = sasl_name(credential.user, credential.session, credential.generation)
        password, databases = sasl_password(credential.secret), self.databases(credential.user)
        more = {"token": credential.token} if credential.token else {}
        self._metastore.ask(do="session", name=name, password=password, user=credential.user, databases=databases, **more)

    def _forget(self, credentials: Sequence[Credential]) -> None:
        for credential in credentials:
            self._metastore.ask(do="forget", name=sasl_name(credential.user, credential.session, credential.generation))
            del self._state.credentials[credential.key]
            self._write()

    def _write(self) -> None:
        write_whole(self._file, json.dumps(asdict(self._state)))


def _read(file: Path) -> _State:
    try:
        members: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return _State()
    credentials = {key: Credential(**fields) for key, fields in members.pop("credentials").items()}
    return _State(**members, credentials=credentials)
