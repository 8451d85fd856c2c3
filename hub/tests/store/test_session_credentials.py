"""What sessions sign in with on shared services is stored until it is revoked, on both databases."""

from datetime import datetime, timedelta

from rsparkhub.store import Store


async def test_the_first_call_makes_the_secret_and_the_first_answer_of_the_service_stays(store: Store, noon: datetime) -> None:
    made = await store.session_credentials.get("abc", 1, "postgres", owner="ada")
    assert await store.session_credentials.get("abc", 1, "postgres", owner="ada") == made
    assert (await store.session_credentials.get("abc", 2, "postgres", owner="ada")).secret != made.secret
    assert (await store.session_credentials.set_issued(made, {"token": "one"}, now=noon)).issued == {"token": "one"}
    assert (await store.session_credentials.set_issued(made, {"token": "two"}, now=noon)).issued == {"token": "one"}


async def test_those_of_sessions_that_are_gone_have_ended(store: Store, noon: datetime) -> None:
    made = await store.session_credentials.get("abc", 1, "postgres", owner="ada")
    await store.session_credentials.set_issued(made, {}, now=noon)
    assert [each.session for each in await store.session_credentials.ended()] == ["abc"]
    assert await store.session_credentials.due("postgres", before=noon + timedelta(days=1)) == []
    await store.session_credentials.remove(made)
    assert await store.session_credentials.ended() == []


async def test_an_account_is_behind_when_the_groups_of_its_person_change(store: Store, noon: datetime) -> None:
    ada = await store.users.add("ada", now=noon)
    await store.users.add("ben", now=noon)
    await store.accounts.get(ada.id, "postgres")
    await store.users.add_group("lab", members=["ada"], now=noon)
    [behind] = await store.accounts.behind()
    assert await store.accounts.groups(ada.id) == ("lab",)
    await store.users.set_members("lab", ["ben"])
    await store.accounts.set_applied(behind, "open")
    [behind] = await store.accounts.behind()  # for the groups changed after `behind` was read
    await store.accounts.set_applied(behind, "open")
    assert await store.accounts.behind() == []
    assert await store.accounts.groups(ada.id) == ()
    await store.users.set_members("lab", ["ada"])
    [behind] = await store.accounts.behind()
    await store.accounts.set_applied(behind, "open")
    await store.users.remove_group("lab", now=noon)
    assert len(await store.accounts.behind()) == 1
