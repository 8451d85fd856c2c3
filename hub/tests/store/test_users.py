"""People and groups."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from store_scene import MakeSession, Put

from rsparkhub.domain.errors import Conflict, InvalidInput, NotFound
from rsparkhub.domain.session import State, Wanted
from rsparkhub.domain.user import Data, LeftData, User, id_of_label
from rsparkhub.store import Store
from rsparkhub.store.people import LeftHome


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
        store.users.remove_group("class", now=noon),
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


@pytest.mark.long
async def test_with_a_person_goes_all_that_opens_a_door(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    await store.users.add("root", admin=True, now=noon)
    running, asleep = await put(await make(), State.RUNNING), await put(await make(), State.SUSPENDED)
    later = noon + timedelta(days=1)
    await store.users.add_group("class", members=["ada"], now=noon)
    await store.users.set_password_hash("ada", "hash")
    await store.credentials.add_link("ada", digest="link", expires=later, now=noon)
    assert await store.credentials.add_login("ada", digest="login", expires=later, now=noon, password_hash="hash")
    await store.credentials.add_token("ada", name="t", digest="token", expires=later, now=noon)
    password = (await store.accounts.get("ada", "postgres")).password

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
    assert (await store.users.get("ada")) == User(id="ada.2", name="ada", admin=False, created=noon)
    assert (await store.accounts.get("ada.2", "postgres")).password != password


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
    await store.users.remove_group("lab", now=noon)
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


async def test_a_person_of_an_old_name_is_another_one(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    await put(await make(), State.SUSPENDED)  # of the first ada
    for number in range(2, 5):
        await store.users.remove("ada", now=noon)
        added = await store.users.add("ada", now=noon)
        assert added.id == (await store.users.get("ada")).id == f"ada.{number}"
    assert await store.sessions.list(owner=added.id, with_deleted=True) == []
    assert await store.events.since(None, 0, owner=added.id) == []
    assert await store.events.since(None, 0, owner="ada") != []
    labels = await store.people.labels(["ada", "ada.2", "ada.3", "ada.4", None, "ada"])
    assert labels == {"ada": "ada (removed)", "ada.2": "ada (removed, 2)", "ada.3": "ada (removed, 3)", "ada.4": "ada"}
    assert [id_of_label(label) for label in labels.values()] == ["ada", "ada.2", "ada.3", None]


@pytest.mark.parametrize("data", list(Data))
async def test_what_becomes_of_the_data_is_written_until_it_is_done(store: Store, noon: datetime, data: Data) -> None:
    await store.users.add("ada", now=noon)
    await store.accounts.get("ada", "postgres")
    assert await store.accounts.behind() == []
    await store.users.remove("ada", data=data, now=noon)
    (account,) = await store.accounts.behind()
    assert (account.owner, account.service, account.wanted) == ("ada", "postgres", data.value)
    await store.accounts.set_applied(account, account.wanted)
    assert await store.accounts.behind() == []
    assert await store.people.left_homes() == ([] if data is Data.KEEP else [LeftHome("ada", data)])
    await store.people.home_done("ada")
    assert await store.people.left_homes() == []


async def test_what_was_kept_is_listed_and_may_be_discarded_later(store: Store, noon: datetime) -> None:
    for name in ("ada", "ben"):
        await store.users.add(name, now=noon)
    await store.accounts.get("ada", "postgres")
    await store.users.remove("ada", now=noon)
    kept = LeftData(owner="ada", removed=noon, data=Data.KEEP, left=("home", "postgres"))
    assert await store.people.left_data() == [kept]
    for person in ("ben", "ada.2", "nobody"):
        with pytest.raises(NotFound):
            await store.people.discard(person, Data.DELETE)
    assert await store.people.left_homes() == []
    for _ in range(2):  # asked again, it is the same
        assert await store.people.discard("ada", Data.ARCHIVE) == replace(kept, data=Data.ARCHIVE)
    with pytest.raises(Conflict):
        await store.people.discard("ada", Data.DELETE)
    assert await store.people.left_homes() == [LeftHome("ada", Data.ARCHIVE)]
    (account,) = await store.accounts.behind()
    await store.people.home_done("ada")
    assert (await store.people.left_data())[0].left == ("postgres",)
    await store.accounts.set_applied(account, account.wanted)
    assert await store.people.left_data() == []
    with pytest.raises(NotFound):
        await store.people.discard("ada", Data.DELETE)


async def test_a_later_group_of_a_name_is_another_one(store: Store, noon: datetime) -> None:
    ada = await store.users.add("ada", now=noon)
    for group_id in ("lab", "lab.2", "lab.3"):
        await store.users.add_group("lab", members=["ada"], now=noon)
        assert await store.accounts.groups(ada.id) == (group_id,)
        await store.users.remove_group("lab", now=noon)
        assert await store.accounts.groups(ada.id) == ()


@pytest.mark.parametrize("data", list(Data))
async def test_what_a_removed_group_has_on_services_is_kept_listed_and_discarded(
    store: Store, noon: datetime, data: Data
) -> None:
    ada = await store.users.add("ada", now=noon)
    await store.accounts.get(ada.id, "postgres")
    await store.users.add_group("lab", now=noon)
    assert await store.left_groups.left_data() == []
    with pytest.raises(NotFound):
        await store.left_groups.discard("lab", Data.DELETE)  # it is there
    await store.users.remove_group("lab", data=data, now=noon)
    left = LeftData(owner="lab", removed=noon, data=data, left=("postgres",))
    assert await store.left_groups.left_data() == [left]
    assert await store.people.left_data() == []  # no person is called so
    if data is Data.KEEP:
        assert await store.accounts.behind() == []
        assert await store.left_groups.discard("lab", Data.DELETE) == replace(left, data=Data.DELETE)
        data = Data.DELETE
    with pytest.raises(Conflict):
        await store.left_groups.discard("lab", Data.ARCHIVE if data is Data.DELETE else Data.DELETE)
    (account,) = await store.accounts.behind()
    assert (account.owner, account.service, account.wanted) == ("group.lab", "postgres", data.value)
    await store.accounts.set_applied(account, account.wanted)
    assert await store.left_groups.left_data() == []


async def test_a_home_stays_while_a_session_of_it_is_there(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    session = await put(await make(), State.RUNNING)
    await store.users.remove("ada", data=Data.DELETE, now=noon)
    assert await store.people.left_homes() == []
    assert await store.sessions.purge(session.id)
    assert await store.people.left_homes() == [LeftHome("ada", Data.DELETE)]


async def test_who_is_disabled_is_let_in_nowhere_until_enabled(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    await store.users.add("root", admin=True, now=noon)
    running, asleep, failed = [await put(await make(), state) for state in (State.RUNNING, State.SUSPENDED, State.FAILED)]
    later = noon + timedelta(days=1)
    await store.users.set_password_hash("ada", "hash")
    await store.credentials.add_link("ada", digest="link", expires=later, now=noon)
    assert await store.credentials.add_login("ada", digest="login", expires=later, now=noon, password_hash="hash")
    await store.credentials.add_token("ada", name="t", digest="token", expires=later, now=noon)
    await store.accounts.get("ada", "postgres")

    await store.users.disable("ada", by="root", now=noon)

    assert (await store.users.get("ada")).disabled == noon
    assert await store.credentials.login("login", now=noon) is None
    assert await store.credentials.token("token", now=noon) is None
    assert await store.credentials.take_link("link", login_digest="x", login_expires=later, now=noon) is None
    assert not await store.credentials.add_login("ada", digest="y", expires=later, now=noon, password_hash="hash")
    assert await store.credentials.owner_of_session(running.id) is None
    assert [account.wanted for account in await store.accounts.behind()] == ["closed"]
    assert (await store.sessions.get(running.id)).wanted is Wanted.SUSPENDED
    with pytest.raises(NotFound):
        await store.sessions.create(owner="ada", environment="r", name="R", now=noon)
    for session in (running, asleep, failed):
        with pytest.raises(Conflict, match="ada is disabled"):
            await store.sessions.set_wanted(session.id, Wanted.RUNNING, by="root", now=noon)

    await store.users.enable("ada")

    assert await store.accounts.behind() == []  # nothing was done about it yet, and now nothing needs to be
    holder = await store.credentials.token("token", now=noon)
    assert holder is not None
    assert holder.user.disabled is None
    assert await store.credentials.login("login", now=noon) is None  # browsers sign in anew
    assert (await store.sessions.set_wanted(running.id, Wanted.RUNNING, by="ada", now=noon)).wanted is Wanted.RUNNING


async def test_the_last_administrator_is_not_disabled(store: Store, noon: datetime) -> None:
    await store.users.add("ada", admin=True, now=noon)
    await store.users.add("bob", admin=True, now=noon)
    await store.users.disable("ada", now=noon)
    for change in (store.users.disable, store.users.remove):
        with pytest.raises(Conflict, match="only administrator"):
            await change("bob", now=noon)
    for change in (store.users.disable, store.users.remove):
        with pytest.raises(NotFound):
            await change("nobody", now=noon)


@pytest.mark.parametrize("end_tokens", [False, True])
async def test_a_new_password_ends_tokens_where_that_is_said(store: Store, noon: datetime, end_tokens: bool) -> None:
    await store.users.add("ada", now=noon)
    await store.credentials.add_token("ada", name="t", digest="token", expires=noon + timedelta(days=1), now=noon)
    await store.users.set_password_hash("ada", "hash", end_tokens=end_tokens)
    assert (await store.credentials.token("token", now=noon) is None) is end_tokens


async def test_each_browser_is_seen_and_ended(store: Store, noon: datetime) -> None:
    later = noon + timedelta(days=1)
    for name in ("ada", "bob"):
        await store.users.add(name, now=noon)
        await store.users.set_password_hash(name, "hash")
        for digest in ("aa" * 32, "bb" * 32):
            secret = digest if name == "ada" else digest[::-1].replace("a", "c").replace("b", "d")
            assert await store.credentials.add_login(name, digest=secret, expires=later, now=noon, password_hash="hash")
    await store.credentials.add_link("ada", digest="link", expires=later, now=noon)
    there = {"login_digest": "ee" * 32, "login_expires": later, "session": "kq4wz7m2xb", "now": noon}
    assert await store.credentials.take_link("link", **there) == "ada"  # at a session's own host: no browser of its own
    browsers = await store.credentials.logins("ada", now=noon)
    assert [browser.id for browser in browsers] == ["laaaaaaaaaaaa", "lbbbbbbbbbbbb"]
    for wrong in ("l%", "l____________", "lcccccccccccc", "", "l" + "a" * 64):
        with pytest.raises(NotFound):
            await store.credentials.end_login(wrong, user_name="ada")
    await store.credentials.end_login(browsers[0].id, user_name="ada")
    assert [browser.id for browser in await store.credentials.logins("ada", now=noon)] == ["lbbbbbbbbbbbb"]
    assert len(await store.credentials.logins("bob", now=noon)) == 2
