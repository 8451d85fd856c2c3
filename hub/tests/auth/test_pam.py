"""Sign-in with an account of this machine: a real one, which the test makes, and the real PAM."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime

import pytest

from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.sign_in.pam import NOT_HERE, STRANGER, WRONG
from rsparkhub.domain.errors import NotSignedIn, TooManyAttempts
from rsparkhub.installed.sign_in import ways_to_sign_in
from rsparkhub.settings import Settings
from rsparkhub.settings.sign_in import PamSettings, SignInSettings
from rsparkhub.store import Store
from rsparkhub.store.audit import AuditFilter

PASSWORD = "correct horse é"
NAME = f"rshpam{os.getpid() % 100_000}"
GROUP = f"{NAME}g"

#: One database does for what PAM says; that a vouched sign-in is stored on both is tested below.
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes accounts")
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """A Unix account with a password, in a group of its own; it is removed at the end."""
    subprocess.run(["groupadd", GROUP], check=True)
    try:
        made = ["useradd", "--no-create-home", "--gid", GROUP, "--shell", "/bin/bash", "--comment", "a test of RSparkHub's", NAME]
        subprocess.run(made, check=True)
        subprocess.run(["chpasswd"], input=f"{NAME}:{PASSWORD}\n".encode(), check=True)
        yield NAME
    finally:
        subprocess.run(["userdel", NAME], check=False, capture_output=True)
        subprocess.run(["groupdel", GROUP], check=False, capture_output=True)


def authenticator(store: Store, settings: Settings, **pam: object) -> Authenticator:
    block = PamSettings.model_validate({"enabled": True, **pam})
    settings = settings.model_copy(update={"sign_in": SignInSettings(pam=block)})
    return Authenticator(store, settings, ways=ways_to_sign_in())


async def sign_in(of: Authenticator, now: datetime, *, name: str = NAME, password: str = PASSWORD) -> str:
    made = await of.sign_in("pam", {"name": name, "password": password}, address="192.0.2.7", now=now)
    identity = await of.from_cookie(made.token, now=now)
    assert identity is not None
    return identity.user.name


@as_root
@on_sqlite
async def test_somebody_who_was_added_signs_in_and_with_a_wrong_password_nobody_does(
    store: Store, settings: Settings, noon: datetime, account: str
) -> None:
    of = authenticator(store, settings)
    with pytest.raises(NotSignedIn, match=STRANGER):
        await sign_in(of, noon)
    await store.users.add(account, now=noon)
    assert await sign_in(of, noon) == account
    assert await sign_in(of, noon, name=account.upper()) == account
    for wrong in ("wrong", "", f"{PASSWORD}\0"):
        with pytest.raises(NotSignedIn, match=WRONG):
            await sign_in(of, noon, password=wrong)
    await store.users.disable(account, now=noon)
    with pytest.raises(NotSignedIn, match="has disabled this user"):
        await sign_in(of, noon)


@as_root
@on_sqlite
async def test_who_signs_in_for_the_first_time_is_added_where_the_setting_says_so(
    store: Store, settings: Settings, noon: datetime, account: str
) -> None:
    of = authenticator(store, settings, make_people=True, groups=[GROUP])
    assert await sign_in(of, noon) == account
    assert await sign_in(of, noon) == account
    made = await store.users.get(account)
    assert (made.admin, made.has_password) == (False, False)
    events = await store.audit.newest(AuditFilter(kinds=["person", "sign-in"]), limit=9)
    assert [(event.kind, event.by) for event in events] == [("sign-in", account), ("sign-in", account), ("person", account)]


@as_root
@on_sqlite
@pytest.mark.parametrize("pam", [{"lowest_uid": 60_001}, {"groups": ["root"]}], ids=str)
async def test_an_account_of_the_system_or_of_another_group_lets_nobody_in(
    store: Store, settings: Settings, noon: datetime, account: str, pam: dict[str, object]
) -> None:
    with pytest.raises(NotSignedIn, match="not one that signs in here"):
        await sign_in(authenticator(store, settings, make_people=True, **pam), noon)
    assert await store.users.list() == []


@as_root
@on_sqlite
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
async def test_nobody_tries_out_passwords_of_accounts_of_the_system(
    store: Store, settings: Settings, noon: datetime, account: str, password: str
) -> None:
    with pytest.raises(NotSignedIn, match=NOT_HERE):
        await sign_in(authenticator(store, settings, lowest_uid=60_001), noon, password=password)


@as_root
@on_sqlite
async def test_many_wrong_passwords_from_one_address_hold_up_another_by_a_turn(
    store: Store, settings: Settings, noon: datetime, account: str
) -> None:
    of = authenticator(store, settings, make_people=True)

    async def try_out(number: int) -> None:
        with pytest.raises(NotSignedIn):
            await of.sign_in("pam", {"name": f"nobody{number}", "password": "x"}, address="198.51.100.9", now=noon)

    tries = [asyncio.create_task(try_out(number)) for number in range(16)]
    await asyncio.sleep(0)  # they are asked first
    assert await sign_in(of, noon) == account
    left = [each for each in tries if not each.done()]
    assert len(left) >= 4
    for each in left:
        each.cancel()
    await asyncio.gather(*tries, return_exceptions=True)


@on_sqlite
async def test_who_tries_often_has_to_wait_whichever_way(store: Store, settings: Settings, noon: datetime) -> None:
    of = authenticator(store, settings.model_copy(update={"login_attempts": 1}))
    with pytest.raises(NotSignedIn):
        await sign_in(of, noon, name="nobody-here")
    for way in ("pam", "password"):
        with pytest.raises(TooManyAttempts):
            await of.sign_in(way, {"name": "nobody-here", "password": "x"}, address="192.0.2.7", now=noon)


@on_sqlite
async def test_it_is_off_until_the_setting_says_otherwise(store: Store, settings: Settings, noon: datetime) -> None:
    way = ways_to_sign_in()["pam"]
    assert not way.is_offered(settings)
    with pytest.raises(NotSignedIn, match="Nobody signs in here"):
        await Authenticator(store, settings, ways=ways_to_sign_in()).sign_in("pam", {}, address=None, now=noon)


async def test_a_sign_in_for_which_another_system_vouches_is_stored(store: Store, noon: datetime) -> None:
    async def add(name: str, *, make_person: bool) -> bool:
        return await store.credentials.add_vouched_login(
            name, digest=f"{name} {make_person}", expires=noon.replace(year=2030), make_person=make_person, now=noon
        )

    assert not await add("ada", make_person=False)
    assert await add("ada", make_person=True)
    assert await add("ada", make_person=False)
    user = await store.credentials.login("ada False", now=noon)
    assert user is not None
    assert (user.name, user.id) == ("ada", "ada")
    await store.users.remove("ada", now=noon)
    assert await add("ada", make_person=True)
    assert (await store.users.get("ada")).id == "ada.2"
