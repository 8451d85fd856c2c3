"""People, groups and tokens, seen from outside."""

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import EllipsisType

from rsparkhub.client.connection import NULL, Connection
from rsparkhub.client.paths import element
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import Data
from rsparkhub.wire.course import CourseView
from rsparkhub.wire.coursework import CourseFolderList, CourseFolderView, DataFileView, HandInList, HandInView, ReturnedView
from rsparkhub.wire.handout import NewLink
from rsparkhub.wire.session import SessionList, SessionView
from rsparkhub.wire.users import (
    BrowserList,
    BrowserView,
    CreatedToken,
    GroupList,
    GroupView,
    RemovedGroupList,
    RemovedGroupView,
    RemovedUserList,
    RemovedUserView,
    RosterResult,
    SignInLink,
    TokenList,
    TokenView,
    UserList,
    UserView,
)


class Users:
    """People; for administrators."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> list[UserView]:
        """Return all users."""
        return (await self._connection.ask(UserList, "GET", "/users", again=True)).users

    async def get(self, name: str) -> UserView:
        """Return one user."""
        return await self._connection.ask(UserView, "GET", _user(name), again=True)

    async def add(self, name: str, *, admin: bool = False, password: str | None = None, groups: Sequence[str] = ()) -> UserView:
        """Add a person, who is in these groups; one that is not there is made."""
        body = {"name": name, "admin": admin, "password": password, "groups": [*groups]}
        return await self._connection.ask(UserView, "POST", "/users", body=body)

    async def add_all(self, text: str, *, links: bool = True, check: bool = False) -> RosterResult:
        """Add the people of a list, a line each: name, full name, e-mail, group. Where a line is wrong, nobody is added."""
        body = {"text": text, "links": links, "check": check}
        return await self._connection.ask(RosterResult, "POST", "/roster", body=body)

    async def remove(self, name: str, *, data: Data = Data.KEEP) -> None:
        """Remove a person, and all their sessions; their home and databases are kept, archived or deleted."""
        await self._connection.tell("DELETE", _user(name), params={"data": data.value})

    async def removed(self) -> builtins.list[RemovedUserView]:
        """Return who was removed, and of whom something is left."""
        return (await self._connection.ask(RemovedUserList, "GET", "/removed-users", again=True)).removed

    async def discard(self, person: str, *, data: Data) -> RemovedUserView:
        """Archive or delete what is left of somebody who was removed, by their id or by what lists call them."""
        path = f"/removed-users/{element('removed person', person)}"
        return await self._connection.ask(RemovedUserView, "DELETE", path, params={"data": data.value})

    async def disable(self, name: str) -> UserView:
        """Let a person sign in no more; their sessions are put to sleep, and all that is theirs is kept."""
        return await self._connection.ask(UserView, "POST", f"{_user(name)}/disable", again=True)

    async def enable(self, name: str) -> UserView:
        """Let a disabled person sign in again."""
        return await self._connection.ask(UserView, "POST", f"{_user(name)}/enable", again=True)

    async def browsers(self, name: str) -> builtins.list[BrowserView]:
        """Return the browsers in which a person is signed in."""
        return (await self._connection.ask(BrowserList, "GET", f"{_user(name)}/browsers", again=True)).browsers

    async def sign_out(self, name: str, browser_id: str) -> None:
        """Sign a browser of a person out."""
        await self._connection.tell("DELETE", f"{_user(name)}/browsers/{element('browser', browser_id)}")

    async def tokens(self, name: str) -> builtins.list[TokenView]:
        """Return the tokens of a person, without what makes them work."""
        return (await self._connection.ask(TokenList, "GET", f"{_user(name)}/tokens", again=True)).tokens

    async def end_token(self, name: str, token_id: str) -> None:
        """Take the power of a person's token away."""
        await self._connection.tell("DELETE", f"{_user(name)}/tokens/{element('token', token_id)}")

    async def set_password(self, name: str, password: str, *, current: str | None = None, end_tokens: bool = False) -> None:
        """Set a password; for your own, tell the present one. Browsers are signed out, and with `end_tokens` programs too."""
        body = {"password": password, "current": current, "end_tokens": end_tokens}
        await self._connection.tell("POST", f"{_user(name)}/password", body=body, again=True)

    async def link(self, name: str, *, minutes: int | None = None) -> SignInLink:
        """Make a link that signs the person in, once, within these minutes; within the hub's own time by default."""
        return await self._connection.ask(SignInLink, "POST", f"{_user(name)}/link", body={"minutes": minutes})


class Groups:
    """Groups, which say who may start what; for administrators, and for their instructors."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> list[GroupView]:
        """Return all groups."""
        return (await self._connection.ask(GroupList, "GET", "/groups", again=True)).groups

    async def add(self, name: str, members: Sequence[str] = ()) -> GroupView:
        """Add a group."""
        return await self._connection.ask(GroupView, "POST", "/groups", body={"name": name, "members": [*members]})

    async def set_members(self, name: str, members: Sequence[str]) -> GroupView:
        """Set its members."""
        body = {"members": [*members]}
        return await self._connection.ask(GroupView, "PUT", _group(name), body=body, again=True)

    async def set_instructors(self, name: str, instructors: Sequence[str]) -> GroupView:
        """Set who its instructors are; whoever is not in it joins it."""
        body = {"instructors": [*instructors]}
        return await self._connection.ask(GroupView, "PUT", f"{_group(name)}/instructors", body=body, again=True)

    async def set_rule(self, name: str, *, instructors_view: bool) -> GroupView:
        """Set whether its instructors look into the sessions of the others in it."""
        body = {"instructors_view": instructors_view}
        return await self._connection.ask(GroupView, "PATCH", _group(name), body=body, again=True)

    async def get(self, name: str) -> CourseView:
        """Return a group with who is in it; for its instructors too, as all that follows."""
        return await self._connection.ask(CourseView, "GET", _group(name), again=True)

    async def sessions(self, name: str) -> builtins.list[SessionView]:
        """Return the sessions of those who are taught in it, newest first."""
        found, after = builtins.list[SessionView](), None
        while True:
            params = {"after": after}
            page = await self._connection.ask(SessionList, "GET", f"{_group(name)}/sessions", params=params, again=True)
            found += page.sessions
            if (after := page.next) is None:
                return found

    async def join(self, name: str, people: Sequence[str]) -> CourseView:
        """Put people who are here already into it."""
        return await self._connection.ask(CourseView, "POST", f"{_group(name)}/people", body={"people": [*people]}, again=True)

    async def add_all(self, name: str, text: str, *, links: bool = True, check: bool = False) -> RosterResult:
        """Add new people to it, a line each: name, full name, e-mail. Where a line is wrong, nobody is added."""
        body = {"text": text, "links": links, "check": check}
        return await self._connection.ask(RosterResult, "POST", f"{_group(name)}/roster", body=body)

    async def announce(self, name: str, text: str | None, *, work: NewLink | None = None) -> CourseView:
        """Tell it something, with the work that is handed out; None takes back what it was told."""
        body = {"text": text, "work": None if work is None else work.model_dump(mode="json")}
        return await self._connection.ask(CourseView, "PUT", f"{_group(name)}/announcement", body=body, again=True)

    async def set_course_folder(
        self,
        name: str,
        *,
        course_folder: bool | None = None,
        due: datetime | EllipsisType | None = ...,
        assignments: Mapping[str, datetime | None] | None = None,
    ) -> CourseView:
        """Open or close its course folder for work, and set until when it is due, all or single assignments by their names.

        What is left out stays as it is. A due time of None is never, and takes the own time of an assignment away.
        """
        own = [{"name": each, "due": until and until.isoformat()} for each, until in (assignments or {}).items()]
        until = None if due is ... else NULL if due is None else due.isoformat()
        body = {"course_folder": course_folder, "due": until, "assignments": own or None}
        return await self._connection.ask(CourseView, "PUT", f"{_group(name)}/course-folder", body=body, again=True)

    async def courses(self, *, data: bool = True) -> builtins.list[CourseFolderView]:
        """Return the course folders that take work of yours, or have something for you; `data` lists what each gives."""
        params = {} if data else {"data": "false"}
        return (await self._connection.ask(CourseFolderList, "GET", "/courses", params=params, again=True)).courses

    async def give(self, name: str, file: Path, path: str) -> DataFileView:
        """Put a file among the data of a course, in the place of what had this path."""
        return await self._connection.send_file(DataFileView, "PUT", f"{_group(name)}/data", file, params={"path": path})

    async def take_away(self, name: str, file_id: str) -> None:
        """Take a file away from the data of a course, by its id."""
        await self._connection.tell("DELETE", f"{_group(name)}/data/{element('file', file_id)}")

    async def hand_in(self, name: str, file: Path) -> HandInView:
        """Hand in a file of yours."""
        return await self._connection.send_file(HandInView, "POST", f"{_group(name)}/hand-ins", file, params={"file": file.name})

    async def hand_ins(self, name: str, *, own: bool = False) -> builtins.list[HandInView]:
        """Return what was handed in, oldest first: by everybody, or by you."""
        path = f"{_group(name)}/{'my-hand-ins' if own else 'hand-ins'}"
        return (await self._connection.ask(HandInList, "GET", path, again=True)).hand_ins

    async def give_back(self, name: str, hand_in: str, file: Path) -> ReturnedView:
        """Give a file back on what was handed in."""
        path = f"{_group(name)}/hand-ins/{element('hand-in', hand_in)}/returned"
        return await self._connection.send_file(ReturnedView, "POST", path, file, params={"file": file.name})

    async def remove_hand_in(self, name: str, hand_in: str) -> None:
        """Remove what was handed in, by its id, with what was given back on it."""
        await self._connection.tell("DELETE", f"{_group(name)}/hand-ins/{element('hand-in', hand_in)}")

    async def collect(self, name: str, file: Path, *, removed: bool = False) -> None:
        """Write all that was handed in into a ZIP file; with `removed` of a group that was, by its id."""
        begin = f"/removed-groups/{element('removed group', name)}" if removed else _group(name)
        await self._connection.save(f"{begin}/hand-ins.zip", file)

    async def remove(self, name: str, *, data: Data = Data.KEEP) -> None:
        """Remove a group; its members stay. Its database, folder and bucket are kept, archived or deleted."""
        await self._connection.tell("DELETE", _group(name), params={"data": data.value})

    async def removed(self) -> builtins.list[RemovedGroupView]:
        """Return which groups were removed, and left something."""
        return (await self._connection.ask(RemovedGroupList, "GET", "/removed-groups", again=True)).removed

    async def discard(self, group: str, *, data: Data) -> RemovedGroupView:
        """Archive or delete what is left of a group that was removed, by its id or by what lists call it."""
        path = f"/removed-groups/{element('removed group', group)}"
        return await self._connection.ask(RemovedGroupView, "DELETE", path, params={"data": data.value})


class Tokens:
    """Your API tokens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> list[TokenView]:
        """Return your tokens, without what makes them work."""
        return (await self._connection.ask(TokenList, "GET", "/tokens", again=True)).tokens

    async def create(self, name: str, *, days: int | None = None, scopes: Sequence[Scope] | None = None) -> CreatedToken:
        """Make a token, which is shown this once; without scopes it may do all that you may."""
        body = {"name": name, "days": days} | ({} if scopes is None else {"scopes": [*scopes]})
        return await self._connection.ask(CreatedToken, "POST", "/tokens", body=body)

    async def remove(self, token_id: str) -> None:
        """Revoke a token: programs that use it are refused from now on."""
        await self._connection.tell("DELETE", f"/tokens/{element('token', token_id)}")


def _user(name: str) -> str:
    return f"/users/{element('user', name)}"


def _group(name: str) -> str:
    return f"/groups/{element('group', name)}"
