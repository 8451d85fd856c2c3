"""A JupyterHub, seen from outside: who is there, and in which groups, by its REST API or by a file that was exported from it.

What it says comes from another system, and is bounded before it is read. Its token goes to the address that was given and to no
other: no redirect is followed, and no address that stands in an answer.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any, Generic, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rsparkhub.domain.errors import InvalidInput, NotAllowed, Unavailable
from rsparkhub.domain.newcomers import Outsider

MOST_BYTES = 32 * 2**20  # of an answer, or a file
MOST_PEOPLE = 50_000
_PAGE = 200
_PATIENCE = 60.0  # seconds for a whole answer
_ACCEPT = "application/jupyterhub-pagination+json"  # of JupyterHub 2 and newer; an older one answers with all at once

_Name = Annotated[str, Field(min_length=1, max_length=255)]  # as long as JupyterHub's own columns
_Names = Annotated[list[_Name], Field(max_length=MOST_PEOPLE)]


class _Said(BaseModel):
    """Something that a JupyterHub says; what we have no use for is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _User(_Said):
    name: _Name
    admin: bool = False
    groups: _Names = Field(default_factory=list)


class _Group(_Said):
    name: _Name
    users: _Names = Field(default_factory=list)


class _NextPage(_Said):
    offset: int


class _Pagination(_Said):
    next: _NextPage | None = None


T = TypeVar("T", _User, _Group)


class _Page(_Said, Generic[T]):
    """A page of a list; or the whole list, where it is not told in pages."""

    items: Annotated[list[T], Field(max_length=MOST_PEOPLE)]
    pagination: _Pagination = Field(alias="_pagination", default_factory=_Pagination)

    @model_validator(mode="before")
    @classmethod
    def _from_bare_list(cls, said: Any) -> Any:  # whatever JSON holds; checked next
        return {"items": said} if isinstance(said, list) else said


class JupyterHub:
    """One JupyterHub.

    Parameters
    ----------
    url
        Where people open it, or where its API is: with or without `/hub` or `/hub/api` at the end.
    token
        An API token with the scopes `list:users`, `read:users`, `list:groups` and `read:groups`.

    Raises
    ------
    InvalidInput
        When the address or the token is none.
    """

    def __init__(self, url: str, *, token: str) -> None:
        self.url = _api_of(url)
        if not (token.isascii() and token.isprintable() and token.split() == [token]):
            raise InvalidInput("A token of JupyterHub is one word of letters and digits. Check what you gave.")
        headers = {"Authorization": f"token {token}", "Accept": _ACCEPT}
        self._client = httpx.AsyncClient(headers=headers, follow_redirects=False, timeout=30.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def people(self) -> tuple[list[Outsider], frozenset[str]]:
        """Return who is there, and the names of all groups, also of those in which nobody is.

        Raises
        ------
        Unavailable
            When it doesn't answer, or something answers that is no JupyterHub.
        NotAllowed
            When the token may not read this.
        """
        users = [user async for page in self._pages("users", _Page[_User]) for user in page]
        groups = [group async for page in self._pages("groups", _Page[_Group]) for group in page]
        return _outsiders(users, groups), frozenset(group.name for group in groups)

    async def _pages(self, what: str, kind: type[_Page[T]]) -> AsyncIterator[list[T]]:
        offset: int | None = 0
        while offset is not None:
            try:
                page = kind.model_validate_json(await self._ask(what, offset))
            except ValidationError as error:
                raise Unavailable(
                    f"What answers at {self.url} is no JupyterHub that can be read: {_first(error)}. Check the address."
                ) from None
            yield page.items
            after = page.pagination.next
            if after is not None and not offset < after.offset <= MOST_PEOPLE:
                raise Unavailable(f"{self.url}/{what} goes on at {after.offset} after {offset}, which can't be followed.")
            offset = None if after is None else after.offset

    async def _ask(self, what: str, offset: int) -> bytes:
        place = {"offset": offset, "limit": _PAGE}
        try:
            async with asyncio.timeout(_PATIENCE), self._client.stream("GET", f"{self.url}/{what}", params=place) as answer:
                _refuse(answer, self.url, what)
                return await _bounded(answer)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Unavailable(f"There is no JupyterHub to be reached at {self.url}: {why}. Check the address.") from error
        except TimeoutError:
            raise Unavailable(f"JupyterHub at {self.url} takes longer than a minute to answer. Try again.") from None


def read_export(data: bytes) -> tuple[list[Outsider], frozenset[str]]:
    """Return who is in a file that holds what `GET /hub/api/users` answered, and the names of their groups.

    Raises
    ------
    InvalidInput
        When it holds something else, or one page of several.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"The file is larger than {MOST_BYTES // 2**20} MiB. Export people in several files.")
    try:
        page = _Page[_User].model_validate_json(data)
    except ValidationError as error:
        raise InvalidInput(f"The file is not what JupyterHub's /hub/api/users answers: {_first(error)}.") from None
    if page.pagination.next is not None:
        raise InvalidInput(
            "The file holds one page of several. Give JupyterHub's address, or raise its api_page_max_limit for the export."
        )
    people = _outsiders(page.items, [])
    return people, frozenset(group for person in people for group in person.groups)


def _api_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    is_one_word = url.isascii() and url.isprintable() and " " not in url
    more = parts.username or parts.query or parts.fragment
    if not is_one_word or more or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput("The address of a JupyterHub is like https://jupyter.example.org, without a name, ? or #.")
    path = parts.path.rstrip("/").removesuffix("/api").removesuffix("/hub")
    return f"{parts.scheme}://{parts.netloc}{path}/hub/api"


def _refuse(answer: httpx.Response, url: str, what: str) -> None:
    """Raise what an answer means that is not the list."""
    if answer.is_redirect:
        to = urlsplit(answer.headers.get("Location", "")).hostname or "another place there"
        raise Unavailable(f"{url} leads on to {to}, and the token is not sent there. Give the address of JupyterHub itself.")
    if answer.status_code in {401, 403}:
        raise NotAllowed(
            f"JupyterHub refuses the token for its list of {what}. "
            "It needs the scopes list:users, read:users, list:groups and read:groups."
        )
    if not answer.is_success:
        raise Unavailable(f"JupyterHub at {url} answers with status {answer.status_code} for its list of {what}. Try again.")


async def _bounded(answer: httpx.Response) -> bytes:
    held = bytearray()
    async for piece in answer.aiter_bytes():
        held += piece
        if len(held) > MOST_BYTES:
            raise Unavailable(f"{answer.url.host} answers with more than {MOST_BYTES // 2**20} MiB, so nothing is read.")
    return bytes(held)


def _outsiders(users: Iterable[_User], groups: Iterable[_Group]) -> list[Outsider]:
    """Return each person once, with the groups of which either list tells."""
    of_person: dict[str, set[str]] = {}
    admins = set[str]()
    for user in users:
        of_person.setdefault(user.name, set()).update(user.groups)
        if user.admin:
            admins.add(user.name)
    for group in groups:
        for name in group.users:
            if name in of_person:
                of_person[name].add(group.name)
    return [Outsider(name=name, admin=name in admins, groups=frozenset(found)) for name, found in of_person.items()]


def _first(error: ValidationError) -> str:
    """Return what is wrong first, and where, without what stood there."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(each) for each in found["loc"])
    return f"{place}: {found['msg']}" if place else found["msg"]
