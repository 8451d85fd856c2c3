"""People and groups."""

from datetime import datetime, timedelta

import pytest
from store_scene import MakeSession, Put

from rsparkhub.domain.errors import Conflict, InvalidInput, NotFound
from rsparkhub.domain.session import State, Wanted
from rsparkhub.domain.user import User
from rsparkhub.store import Store


async def test_a_person_is_added_and_found(store: Store, noon: datetime) -> None:
    added = await store.users.add("ada", admin=True, password_hash="hash", now=noon)
    assert added == User(name="ada", admin=True, created=noon, has_password=True)
    await store.users.add("bob", now=noon)
    assert await store.users.get("ada") == added
    assert [user.name for user in await store.users.list()] == ["ada", "bob"]
    assert await store.users.password_hash("ada") == "hash"
    assert await store.users.password_hash("bob") is None
    assert await store.users.password_hash("eve") is None


async def test_a_name_is_taken_once(store: Store, noon: datetime) -> None:
    await store.users.add("ada", now=noon)
    with pytest.raises(Conflict, match="ada already"):
        await store.users.add("ada", admin=True, now=noon)
    assert not (await store.users.get("ada")).admin


@pytest.mark.parametrize("name", ["", "Ada", "1a", "a b", "a/../b", "é", "a" * 33, "ada\n"])
async def test_a_name_that_no_folder_or_role_can_have_is_refused(store: Store, noon: datetime, name: str) -> None:
    with pytest.raises(InvalidInput, match="lower-case"):
        await store.users.add(name, now=noon)
    with pytest.raises(InvalidInput, match="lower-case"):
        await store.users.add_group(name, now=noon)


async def test_nobody_is_not_found(store: Store, noon: datetime) -> None:
    for what in (
        store.users.get("eve"),
        store.users.remove("eve", now=noon),
        store.users.set_password_hash("eve", "hash"),
        store.users.remove_group("class"),
        store.users.set_members("class", []),
    ):
        with pytest.raises(NotFound):
            await what


async def test_when_somebody_was_seen_is_known_to_the_minute(store: Store, noon: datetime) -> None:
    await store.users.add("ada", now=noon)
    assert (await store.users.get("ada")).last_seen is None
    for later, seen in ((0, 0), (59, 0), (61, 61), (30, 61)):
        await store.users.seen("ada", noon + timedelta(seconds=later))
        assert (await store.users.get("ada")).last_seen == noon + timedelta(seconds=seen)


async def test_with_a_person_goes_all_that_opens_a_door(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    await store.users.add("root", admin=True, now=noon)
    running, asleep = await put(await make(), State.RUNNING), await put(await make(), State.SUSPENDED)
    later = noon + timedelta(days=1)
    await store.users.add_group("class", members=["ada"], now=noon)
    await store.users.set_password_hash("ada", "hash")
    await store.credentials.add_link("ada", digest="link", expires=later, now=noon)
    assert await store.credentials.add_login("ada", digest="login", expires=later, now=noon, password_hash="hash")
    await store.credentials.add_token("ada", name="t", digest="token", expires=later, now=noon)
    password = await store.accounts.password("ada", "postgres")

    await store.users.remove("ada", by="root", now=noon)

    assert [user.name for user in await store.users.list()] == ["root"]
    assert await store.credentials.login("login", now=noon) is None
    assert await store.credentials.token("token", now=noon) is None
    assert await store.credentials.take_link("link", login_digest="x", login_expires=later, now=noon) is None
    assert await store.credentials.owner_of_session(running.id) is None
    assert (await store.users.list_groups())[0].members == frozenset()
    for session in (running, asleep):
        assert (await store.sessions.get(session.id)).wanted is Wanted.DELETED
        assert (await store.events.since(session.id, 0))[-1].by == "root"
    assert await store.leases.next_claimable_at() == noon
    await store.users.add("ada", now=noon)  # another Ada begins with nothing
    assert (await store.users.get("ada")) == User(name="ada", admin=False, created=noon)
    assert await store.accounts.password("ada", "postgres") != password


async def test_the_last_administrator_stays(store: Store, noon: datetime) -> None:
    await store.users.add("ada", admin=True, now=noon)
    await store.users.add("bob", admin=True, now=noon)
    await store.users.remove("ada", now=noon)
    with pytest.raises(Conflict, match="only administrator"):
        await store.users.remove("bob", now=noon)
    assert (await store.users.get("bob")).admin


async def test_a_new_password_ends_what_the_old_one_began(store: Store, noon: datetime) -> None:
    later = noon + timedelta(days=1)
    await store.users.add("ada", password_hash="old", now=noon)
    assert await store.credentials.add_login("ada", digest="login", expires=later, now=noon, password_hash="old")
    await store.users.renew_password_hash("ada", old="other", new="none")
    await store.users.renew_password_hash("ada", old="old", new="renewed")
    assert await store.users.password_hash("ada") == "renewed"
    assert await store.credentials.login("login", now=noon) is not None
    await store.users.set_password_hash("ada", "new")
    assert await store.credentials.login("login", now=noon) is None
    assert not await store.credentials.add_login("ada", digest="late", expires=later, now=noon, password_hash="renewed")
    assert await store.credentials.login("late", now=noon) is None
    await store.users.set_password_hash("ada", None)
    assert not (await store.users.get("ada")).has_password


async def test_groups_say_who_is_in_them(store: Store, noon: datetime) -> None:
    for name in ("ada", "bob", "cyd"):
        await store.users.add(name, now=noon)
    made = await store.users.add_group("class", members=["ada", "bob"], now=noon)
    await store.users.add_group("lab", now=noon)
    assert (await store.users.list_groups())[0] == made
    await store.users.set_members("class", ["bob", "cyd"])
    await store.users.set_members("lab", ["bob"])
    assert [(group.name, sorted(group.members)) for group in await store.users.list_groups()] == [
        ("class", ["bob", "cyd"]), ("lab", ["bob"]),
    ]  # fmt: skip
    assert (await store.users.get("bob")).groups == {"class", "lab"}
    assert [sorted(user.groups) for user in await store.users.list()] == [[], ["class", "lab"], ["class"]]
    await store.users.remove_group("lab")
    assert (await store.users.get("bob")).groups == {"class"}


async def test_a_group_that_cannot_be_is_refused_as_a_whole(store: Store, noon: datetime) -> None:
    await store.users.add("ada", now=noon)
    with pytest.raises(NotFound, match="no user called eve"):
        await store.users.add_group("class", members=["ada", "eve"], now=noon)
    assert await store.users.list_groups() == []
    await store.users.add_group("class", members=["ada"], now=noon)
    with pytest.raises(NotFound, match="no user called eve"):
        await store.users.set_members("class", ["eve"])
    assert (await store.users.list_groups())[0].members == {"ada"}
    with pytest.raises(Conflict):
        await store.users.add_group("class", now=noon)
    with pytest.raises(InvalidInput, match="Everybody"):
        await store.users.add_group("everyone", now=noon)
