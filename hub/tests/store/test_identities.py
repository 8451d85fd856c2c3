"""Who users are in other systems; each on both databases."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from itertools import count

import pytest

from rsparkhub.domain.vouched import Vouched
from rsparkhub.store import Store
from rsparkhub.store.audit import AuditFilter
from rsparkhub.store.events import By
from rsparkhub.store.identities import MOST_MADE, NotVouched

_NUMBER = count()


async def sign_in(
    store: Store,
    now: datetime,
    *,
    name: str = "ada",
    subject: str = "1",
    source: str = "https://uni.example",
    groups: Iterable[str] | None = None,
    make_people: bool = True,
    match_added: bool = False,
    make_groups: bool = False,
    full_name: str | None = None,
) -> str:
    vouched = Vouched(
        source=source,
        subject=subject,
        name=name,
        full_name=full_name,
        groups=None if groups is None else frozenset(groups),
    )
    return await store.identities.add_login(
        vouched,
        site="oidc:uni",
        digest=f"login {next(_NUMBER)}",
        expires=now.replace(year=2030),
        make_people=make_people,
        match_added=match_added,
        make_groups=make_groups,
        now=now,
    )


async def refused(store: Store, now: datetime, **said: object) -> str:
    with pytest.raises(NotVouched) as error:
        await sign_in(store, now, **said)  # type: ignore[arg-type]
    return error.value.reason


async def groups_of(store: Store, name: str = "ada") -> set[str]:
    return set((await store.users.get(name)).groups)


async def test_a_person_is_known_by_their_subject_whatever_their_name_becomes(store: Store, noon: datetime) -> None:
    assert await refused(store, noon, make_people=False) == "stranger"
    assert await sign_in(store, noon, full_name="Ada L.") == "ada"
    assert await sign_in(store, noon, name="countess", make_people=False) == "ada"
    assert (await store.users.get("ada")).full_name == "Ada L."
    assert await refused(store, noon, subject="2") == "taken"
    assert await refused(store, noon, source="https://lab.example") == "taken"


async def test_a_user_who_was_there_before_is_never_taken_over(store: Store, noon: datetime) -> None:
    await store.users.add("root", admin=True, now=noon)
    await store.users.add("secret", password_hash="h", now=noon)
    await store.users.add("seen", now=noon)
    await store.users.seen("seen", noon)
    await store.users.add("new", now=noon)
    for name in ("root", "secret", "seen"):
        assert await refused(store, noon, name=name, subject=name, match_added=True) == "taken"
    assert await refused(store, noon, name="new", subject="3") == "taken"
    assert await sign_in(store, noon, name="new", subject="3", match_added=True) == "new"
    assert await refused(store, noon, name="new", subject="4", match_added=True) == "taken"


async def test_whoever_made_an_unused_account_gets_in_no_longer_once_it_is_somebodys(store: Store, noon: datetime) -> None:
    until, by = noon.replace(year=2030), By("root", noon)
    await store.users.add("root", admin=True, now=noon)
    for name in ("new", "other"):
        await store.users.add(name, now=noon)
        for digest in (f"link {name}", f"used {name}"):
            await store.credentials.add_link(name, digest=digest, expires=until, by=by, now=noon)
        taken = await store.credentials.take_link(f"used {name}", login_digest=f"cookie {name}", login_expires=until, now=noon)
        assert taken == name
    assert await sign_in(store, noon, name="new", subject="3", match_added=True) == "new"
    for name, works in (("new", False), ("other", True)):
        assert (await store.credentials.login(f"cookie {name}", now=noon) is not None) is works
        assert (await store.credentials.link(f"link {name}", now=noon) is not None) is works


async def test_who_was_removed_comes_back_as_another_person_and_who_is_disabled_not_at_all(store: Store, noon: datetime) -> None:
    await sign_in(store, noon)
    await store.users.remove("ada", now=noon)
    assert await refused(store, noon, make_people=False) == "stranger"
    await sign_in(store, noon)
    assert (await store.users.get("ada")).id == "ada.2"
    await store.users.disable("ada", now=noon)
    assert await refused(store, noon) == "disabled"


async def test_groups_follow_the_other_system_and_those_of_here_stay(store: Store, noon: datetime) -> None:
    for group in ("staff", "local", "both"):
        await store.users.add_group(group, now=noon)
    await sign_in(store, noon, groups=["staff", "unknown"])
    assert await groups_of(store) == {"staff"}
    for group in ("local", "both"):
        await store.users.set_members(group, ["ada"])
    await sign_in(store, noon, groups=["staff", "both"])
    await sign_in(store, noon, groups=[])
    assert await groups_of(store) == {"local", "both"}
    await sign_in(store, noon, groups=None)
    assert await groups_of(store) == {"local", "both"}


async def test_groups_are_made_where_that_is_wanted_so_many_at_a_time(store: Store, noon: datetime) -> None:
    many = [f"g{number}" for number in range(10_000)]
    await sign_in(store, noon, groups=many)
    assert await groups_of(store) == set()
    await sign_in(store, noon, groups=many, make_groups=True)
    assert len(await groups_of(store)) == MOST_MADE
    kinds = [event.kind for event in await store.audit.newest(AuditFilter(kinds=["group"]), limit=300)]
    assert len(kinds) == 2 * MOST_MADE


async def test_two_first_sign_ins_at_one_moment_are_one_person(store: Store, noon: datetime) -> None:
    assert set(await asyncio.gather(*(sign_in(store, noon) for _ in range(6)))) == {"ada"}
    assert [user.id for user in await store.users.list()] == ["ada"]


async def test_a_group_that_another_system_brings_is_another_one_each_time(store: Store, noon: datetime) -> None:
    for group_id in ("lab", "lab.2"):
        await sign_in(store, noon, groups=["lab"], make_groups=True)
        assert await store.accounts.groups("ada") == (group_id,)
        await store.users.remove_group("lab", now=noon)
