"""Unix accounts of people, as root: made once, never another's, taken over safely, and removed only where they were made here."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from session_sandbox import agent_of, make_spec, until

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process import accounts as module
from rsparkhub.backends.process import proc
from rsparkhub.backends.process.accounts import Accounts
from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.backends.process.ownership import give_tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes accounts")

SOMEBODY = 54_321


@pytest.fixture
def accounts(data: Path) -> Iterator[Accounts]:
    found = Accounts(data)
    yield found
    for user in found.users():
        found.remove(user)


@pytest.mark.parametrize(
    "user", ["root", "postgres", "daemon", "nobody", "a", "a_-", "x" * 32, f"{'y' * 31}-", "root.2", "walls-2", "walls.2"]
)
def test_every_name_that_a_person_may_have_gets_an_account_of_its_own(accounts: Accounts, user: str) -> None:
    before = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    made = accounts.ensure(user)
    assert made.name.startswith("rspark-")
    assert made.name not in before
    assert made.uid not in {0, *before.values()}
    assert accounts.ensure(user) == made
    assert pwd.getpwnam(made.name).pw_shell == "/usr/sbin/nologin"
    shadow = next(line for line in Path("/etc/shadow").read_text().splitlines() if line.startswith(f"{made.name}:")).split(":")
    assert (shadow[1][:1], shadow[7]) == ("!", "1"), "neither a password nor a key lets anybody in"


def test_two_people_and_two_installations_never_share_one(accounts: Accounts, tmp_path: Path) -> None:
    other = Accounts(tmp_path / "other")
    try:
        made = [accounts.ensure("x" * 32), accounts.ensure(f"{'x' * 31}y"), other.ensure("x" * 32)]
    finally:
        other.remove("x" * 32)
    assert len({account.name for account in made}) == len({account.uid for account in made}) == 3
    alike = [accounts.ensure(user) for user in ("ada-2", "ada.2", "ada")]
    assert len({account.name for account in alike}) == len({account.uid for account in alike}) == 3
    assert len(accounts.users()) == 5


def test_an_account_that_was_there_before_is_neither_used_nor_removed(accounts: Accounts) -> None:
    subprocess.run(["useradd", "--system", "--no-create-home", "rspark-wallsguest"], check=True)
    try:
        made = accounts.ensure("wallsguest")
        assert made.name == "rspark-wallsguest-2"
        assert accounts.remove("wallsguest")
        assert pwd.getpwnam("rspark-wallsguest")
    finally:
        subprocess.run(["userdel", "rspark-wallsguest"], check=True)


def test_what_somebody_else_wrote_over_is_not_removed(accounts: Accounts) -> None:
    made = accounts.ensure("ada")
    subprocess.run(["usermod", "--comment", "Ada's own", made.name], check=True)
    try:
        assert accounts.remove("ada")
        assert pwd.getpwnam(made.name)
    finally:
        subprocess.run(["userdel", made.name], check=True)


def test_one_that_was_made_just_before_a_crash_is_found_again(accounts: Accounts, data: Path) -> None:
    made = accounts.ensure("ada")
    (data / "accounts" / "ada").unlink()
    assert accounts.ensure("ada") == made


def test_a_data_folder_that_moved_to_a_new_machine_gets_its_accounts_again(accounts: Accounts, data: Path) -> None:
    made = accounts.ensure("ada")
    subprocess.run(["userdel", made.name], check=True)
    again = accounts.ensure("ada")
    assert pwd.getpwnam(again.name).pw_uid == again.uid


def test_a_number_is_never_given_to_another_person(accounts: Accounts, data: Path) -> None:
    home = data / "homes" / "ada"
    home.mkdir(parents=True)
    (home / "notes").write_text("hers")
    made = accounts.ensure("ada")
    give_tree(home, uid=made.uid, gid=made.gid)
    assert accounts.remove("ada")
    assert (home / "notes").stat().st_uid == 0, "who gets the number some day gets no file with it"
    with pytest.raises(KeyError):
        pwd.getpwnam(made.name)
    assert accounts.ensure("bob").uid != made.uid
    assert accounts.users() == ["bob"]


def test_an_account_stays_while_something_of_it_runs(accounts: Accounts) -> None:
    made = accounts.ensure("ada")
    with subprocess.Popen(["sleep", "100"], user=made.uid, group=made.gid) as process:
        assert not accounts.remove("ada")
        assert pwd.getpwnam(made.name)
        process.kill()
    assert accounts.remove("ada")


@pytest.mark.parametrize("name", ["../x", "Ada", "", ".retired", "a/b"])
def test_a_name_that_is_none_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(ValueError, match="no person's id"):
        accounts.ensure(name)


def test_a_machine_that_makes_no_accounts_is_one_sentence(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NUMBERS", (0,))
    with pytest.raises(module.CannotStart, match="no number left"):
        accounts.ensure("ada")


class TestATreeThatIsGiven:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        tree = tmp_path / "tree"
        (tree / "a" / "b").mkdir(parents=True)
        (tree / "a" / "b" / "file").write_text("x")
        return tree

    def test_all_of_it_changes_hands(self, tree: Path) -> None:
        (tree / "two").hardlink_to(tree / "a" / "b" / "file")
        give_tree(tree, uid=SOMEBODY, gid=SOMEBODY)
        assert {path.lstat().st_uid for path in (tree, *tree.rglob("*"))} == {SOMEBODY}

    def test_nothing_outside_does(self, tree: Path, tmp_path: Path) -> None:
        secret, folder = tmp_path / "shadow", tmp_path / "folder"
        secret.write_text("secret")
        folder.mkdir()
        (folder / "inside").write_text("")
        (tree / "link").symlink_to(secret)
        (tree / "way").symlink_to(folder)
        (tree / "hard").hardlink_to(secret)
        (tree / "up").symlink_to("..")
        os.mknod(tree / "disk", 0o600 | 0o020000, os.makedev(1, 3))
        give_tree(tree, uid=SOMEBODY, gid=SOMEBODY)
        for path in (secret, folder, folder / "inside", tmp_path, tree / "disk"):
            assert path.stat().st_uid == 0, path
        assert (tree / "link").lstat().st_uid == SOMEBODY

    def test_a_link_in_its_place_is_refused(self, tree: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tree)
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            give_tree(tmp_path / "link", uid=SOMEBODY, gid=SOMEBODY)

    def test_a_program_of_roots_gives_no_rights(self, tree: Path) -> None:
        (tree / "sh").write_bytes(b"")
        (tree / "sh").chmod(0o4755)
        give_tree(tree, uid=SOMEBODY, gid=SOMEBODY)
        assert (tree / "sh").stat().st_mode & 0o6000 == 0


async def test_what_was_there_before_people_had_accounts_is_taken_over(backend: ProcessBackend, data: Path) -> None:
    home, keep = data / "homes" / "ada", data / "sessions" / "aaaa" / "keep"
    for folder in (home / "old", keep / "workspace"):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    await backend.apply(make_spec())
    await until(backend, EnsembleRef("aaaa", 1), lambda o: o.phase == "up")
    uid = proc.user_of(agent_of(data).pid)
    assert uid not in {None, 0}
    assert {path.stat().st_uid for path in (home, keep, *home.rglob("*"), *keep.rglob("*"))} == {uid}
    assert home.stat().st_mode & 0o077 == 0


async def test_what_an_older_session_wrote_as_root_until_it_slept_is_taken_over_too(backend: ProcessBackend, data: Path) -> None:
    await backend.apply(make_spec())
    await until(backend, EnsembleRef("aaaa", 1), lambda o: o.phase == "up")
    late = data / "homes" / "ada" / "late"
    late.write_text("by a session that an earlier version started")
    (data / "sessions" / "bbbb" / "keep").mkdir(parents=True)
    await backend.apply(make_spec("bbbb", generation=2))
    await until(backend, EnsembleRef("bbbb", 2), lambda o: o.phase == "up")
    assert late.stat().st_uid == (data / "homes" / "ada").stat().st_uid != 0


async def test_the_second_start_walks_no_home(backend: ProcessBackend, data: Path) -> None:
    home = data / "homes" / "ada"
    home.mkdir(parents=True)
    await backend.apply(make_spec())
    await until(backend, EnsembleRef("aaaa", 1), lambda o: o.phase == "up")
    stays = home / "of-root"
    stays.write_text("")
    await backend.apply(make_spec("bbbb"))
    await until(backend, EnsembleRef("bbbb", 1), lambda o: o.phase == "up")
    assert stays.stat().st_uid == 0


def test_a_service_and_a_person_of_its_name_have_different_accounts(accounts: Accounts) -> None:
    service = module.service_account("hdfs")
    try:
        made = accounts.ensure(service)
        assert made.name == "rspark-service-hdfs" or made.name.startswith("rspark-service-hdfs-")
        assert accounts.ensure(service) == made
        assert len({made.uid, accounts.ensure("hdfs").uid, accounts.ensure("service-hdfs").uid}) == 3
        assert service not in accounts.users(), "nobody forgets it when people leave"
    finally:
        accounts.remove(service)
