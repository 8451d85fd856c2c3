"""The client without `await`: each call is the one of the same name in `AsyncHub`, run to its end."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import EllipsisType
from typing import Any, Literal, Self

import httpx

from rsparkhub.client.environments import Environments
from rsparkhub.client.hub import AsyncHub
from rsparkhub.client.records import Records
from rsparkhub.client.sessions import Sessions
from rsparkhub.client.thread import LoopThread
from rsparkhub.client.users import Groups, Tokens, Users
from rsparkhub.client.waiting import News
from rsparkhub.domain.event import EventKind
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import State
from rsparkhub.domain.share import Role
from rsparkhub.domain.user import Data
from rsparkhub.wire.course import CourseView
from rsparkhub.wire.coursework import CourseFolderView, DataFileView, HandInView, ReturnedView
from rsparkhub.wire.environment import EnvironmentView
from rsparkhub.wire.handout import NewLink
from rsparkhub.wire.record import EventView, Usage
from rsparkhub.wire.session import SessionView
from rsparkhub.wire.share import SharedSessionView, ShareView
from rsparkhub.wire.users import BrowserView, CreatedToken, GroupView, Me, RosterResult, SignedIn, SignInLink, TokenView, UserView


class Hub:
    """The API of one hub. Use it in a `with`, or call `close`."""

    def __init__(self, url: str, *, token: str | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._thread = LoopThread()
        self._hub = AsyncHub(url, token=token, transport=transport)
        self.environments = SyncEnvironments(self._thread, self._hub.environments)
        self.sessions = SyncSessions(self._thread, self._hub.sessions)
        self.users = SyncUsers(self._thread, self._hub.users)
        self.groups = SyncGroups(self._thread, self._hub.groups)
        self.tokens = SyncTokens(self._thread, self._hub.tokens)
        self.records = SyncRecords(self._thread, self._hub.records)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._thread.run(self._hub.aclose())
        self._thread.close()

    @property
    def url(self) -> str:
        return self._hub.url

    def login(self, name: str, password: str) -> SignedIn:
        return self._thread.run(self._hub.login(name, password))

    def logout(self) -> None:
        self._thread.run(self._hub.logout())

    def me(self) -> Me:
        return self._thread.run(self._hub.me())


class SyncEnvironments:
    def __init__(self, thread: LoopThread, environments: Environments) -> None:
        self._thread, self._environments = thread, environments

    def list(self) -> list[EnvironmentView]:
        return self._thread.run(self._environments.list())

    def get(self, name: str) -> EnvironmentView:
        return self._thread.run(self._environments.get(name))


class SyncSessions:
    def __init__(self, thread: LoopThread, sessions: Sessions) -> None:
        self._thread, self._sessions = thread, sessions

    def start(
        self,
        environment: str,
        *,
        name: str | None = None,
        project: str | None = None,
        options: Mapping[str, Any] | None = None,
        reuse: bool = False,
        owner: str | None = None,
        idempotency_key: str | None = None,
    ) -> SessionView:
        call = self._sessions.start(
            environment,
            name=name,
            project=project,
            options=options,
            reuse=reuse,
            owner=owner,
            idempotency_key=idempotency_key,
        )
        return self._thread.run(call)

    def show(self, session_id: str) -> SessionView:
        return self._thread.run(self._sessions.show(session_id))

    def suspend(self, session_id: str, *, confirm: bool = False, force: bool = False) -> SessionView:
        return self._thread.run(self._sessions.suspend(session_id, confirm=confirm, force=force))

    def resume(self, session_id: str) -> SessionView:
        return self._thread.run(self._sessions.resume(session_id))

    def extend(self, session_id: str, *, by: timedelta = timedelta(hours=2)) -> SessionView:
        return self._thread.run(self._sessions.extend(session_id, by=by))

    def rename(self, session_id: str, name: str) -> SessionView:
        return self._thread.run(self._sessions.rename(session_id, name))

    def stop(self, session_id: str, *, confirm: bool = False) -> SessionView:
        return self._thread.run(self._sessions.stop(session_id, confirm=confirm))

    def delete(self, session_id: str, *, confirm: bool = False) -> SessionView:
        return self._thread.run(self._sessions.delete(session_id, confirm=confirm))

    def share(
        self,
        session_id: str,
        name: str,
        *,
        kind: Literal["person", "group"] = "person",
        role: Role = Role.VIEWER,
        expires: datetime | None = None,
    ) -> ShareView:
        call = self._sessions.share(session_id, name, kind=kind, role=role, expires=expires)
        return self._thread.run(call)

    def shares(self, session_id: str) -> builtins.list[ShareView]:
        return self._thread.run(self._sessions.shares(session_id))

    def unshare(self, session_id: str, share_id: str) -> None:
        self._thread.run(self._sessions.unshare(session_id, share_id))

    def shared(self) -> builtins.list[SharedSessionView]:
        return self._thread.run(self._sessions.shared())

    def log_services(self, session_id: str) -> list[str]:
        return self._thread.run(self._sessions.log_services(session_id))

    def logs(
        self, session_id: str, *, service: str = "interface", follow: bool = False, tail: int | None = None
    ) -> Iterator[str]:
        return self._thread.iterate(self._sessions.logs(session_id, service=service, follow=follow, tail=tail))

    def events(self, session_id: str, *, after: str | None = None, watch: bool = False) -> Iterator[tuple[News, str | None]]:
        return self._thread.iterate(self._sessions.events(session_id, after=after, watch=watch))

    def wait(
        self,
        session_id: str,
        *,
        until: State | None = None,
        timeout: float | None = None,
        progress: Callable[[News], None] | None = None,
    ) -> SessionView:
        """Wait as `Sessions.wait` does; `progress` is called in the client's thread."""
        return self._thread.run(self._sessions.wait(session_id, until=until, timeout=timeout, progress=progress))

    def wait_until_gone(self, session_id: str, *, timeout: float | None = None) -> None:
        self._thread.run(self._sessions.wait_until_gone(session_id, timeout=timeout))

    def list(self, *, everybody: bool = False, owner: str | None = None, states: tuple[State, ...] = ()) -> list[SessionView]:
        return self._thread.run(self._sessions.list(everybody=everybody, owner=owner, states=states))


class SyncUsers:
    def __init__(self, thread: LoopThread, users: Users) -> None:
        self._thread, self._users = thread, users

    def list(self) -> list[UserView]:
        return self._thread.run(self._users.list())

    def get(self, name: str) -> UserView:
        return self._thread.run(self._users.get(name))

    def add(self, name: str, *, admin: bool = False, password: str | None = None, groups: Sequence[str] = ()) -> UserView:
        return self._thread.run(self._users.add(name, admin=admin, password=password, groups=groups))

    def add_all(self, text: str, *, links: bool = True, check: bool = False) -> RosterResult:
        return self._thread.run(self._users.add_all(text, links=links, check=check))

    def remove(self, name: str, *, data: Data = Data.KEEP) -> None:
        self._thread.run(self._users.remove(name, data=data))

    def disable(self, name: str) -> UserView:
        return self._thread.run(self._users.disable(name))

    def enable(self, name: str) -> UserView:
        return self._thread.run(self._users.enable(name))

    def browsers(self, name: str) -> builtins.list[BrowserView]:
        return self._thread.run(self._users.browsers(name))

    def sign_out(self, name: str, browser_id: str) -> None:
        self._thread.run(self._users.sign_out(name, browser_id))

    def tokens(self, name: str) -> builtins.list[TokenView]:
        return self._thread.run(self._users.tokens(name))

    def end_token(self, name: str, token_id: str) -> None:
        self._thread.run(self._users.end_token(name, token_id))

    def set_password(self, name: str, password: str, *, current: str | None = None, end_tokens: bool = False) -> None:
        self._thread.run(self._users.set_password(name, password, current=current, end_tokens=end_tokens))

    def link(self, name: str, *, minutes: int | None = None) -> SignInLink:
        return self._thread.run(self._users.link(name, minutes=minutes))


class SyncGroups:
    def __init__(self, thread: LoopThread, groups: Groups) -> None:
        self._thread, self._groups = thread, groups

    def list(self) -> list[GroupView]:
        return self._thread.run(self._groups.list())

    def add(self, name: str, members: Sequence[str] = ()) -> GroupView:
        return self._thread.run(self._groups.add(name, members))

    def set_members(self, name: str, members: Sequence[str]) -> GroupView:
        return self._thread.run(self._groups.set_members(name, members))

    def set_instructors(self, name: str, instructors: Sequence[str]) -> GroupView:
        return self._thread.run(self._groups.set_instructors(name, instructors))

    def set_rule(self, name: str, *, instructors_view: bool) -> GroupView:
        return self._thread.run(self._groups.set_rule(name, instructors_view=instructors_view))

    def get(self, name: str) -> CourseView:
        return self._thread.run(self._groups.get(name))

    def sessions(self, name: str) -> builtins.list[SessionView]:
        return self._thread.run(self._groups.sessions(name))

    def join(self, name: str, people: Sequence[str]) -> CourseView:
        return self._thread.run(self._groups.join(name, people))

    def add_all(self, name: str, text: str, *, links: bool = True, check: bool = False) -> RosterResult:
        return self._thread.run(self._groups.add_all(name, text, links=links, check=check))

    def announce(self, name: str, text: str | None, *, work: NewLink | None = None) -> CourseView:
        return self._thread.run(self._groups.announce(name, text, work=work))

    def set_course_folder(
        self,
        name: str,
        *,
        course_folder: bool | None = None,
        due: datetime | EllipsisType | None = ...,
        assignments: Mapping[str, datetime | None] | None = None,
    ) -> CourseView:
        return self._thread.run(
            self._groups.set_course_folder(name, course_folder=course_folder, due=due, assignments=assignments)
        )

    def courses(self, *, data: bool = True) -> builtins.list[CourseFolderView]:
        return self._thread.run(self._groups.courses(data=data))

    def give(self, name: str, file: Path, path: str) -> DataFileView:
        return self._thread.run(self._groups.give(name, file, path))

    def take_away(self, name: str, file_id: str) -> None:
        self._thread.run(self._groups.take_away(name, file_id))

    def hand_in(self, name: str, file: Path) -> HandInView:
        return self._thread.run(self._groups.hand_in(name, file))

    def hand_ins(self, name: str, *, own: bool = False) -> builtins.list[HandInView]:
        return self._thread.run(self._groups.hand_ins(name, own=own))

    def give_back(self, name: str, hand_in: str, file: Path) -> ReturnedView:
        return self._thread.run(self._groups.give_back(name, hand_in, file))

    def remove_hand_in(self, name: str, hand_in: str) -> None:
        self._thread.run(self._groups.remove_hand_in(name, hand_in))

    def collect(self, name: str, file: Path, *, removed: bool = False) -> None:
        self._thread.run(self._groups.collect(name, file, removed=removed))

    def remove(self, name: str) -> None:
        self._thread.run(self._groups.remove(name))


class SyncTokens:
    def __init__(self, thread: LoopThread, tokens: Tokens) -> None:
        self._thread, self._tokens = thread, tokens

    def list(self) -> list[TokenView]:
        return self._thread.run(self._tokens.list())

    def create(self, name: str, *, days: int | None = None, scopes: Sequence[Scope] | None = None) -> CreatedToken:
        return self._thread.run(self._tokens.create(name, days=days, scopes=scopes))

    def remove(self, token_id: str) -> None:
        self._thread.run(self._tokens.remove(token_id))


class SyncRecords:
    def __init__(self, thread: LoopThread, records: Records) -> None:
        self._thread, self._records = thread, records

    def usage(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        everybody: bool = False,
        owner: str | None = None,
    ) -> Usage:
        return self._thread.run(self._records.usage(since=since, until=until, everybody=everybody, owner=owner))

    def audit(
        self,
        *,
        person: str | None = None,
        session: str | None = None,
        kinds: Sequence[EventKind] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int | None = None,
    ) -> Iterator[EventView]:
        return self._thread.iterate(
            self._records.audit(person=person, session=session, kinds=kinds, since=since, until=until, after=after)
        )
