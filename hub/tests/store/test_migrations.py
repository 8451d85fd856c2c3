"""The tables are what the migrations make, and a newer version's are left alone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from rsparkhub.domain.coursework import FileKind, Room
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.scope import Scope
from rsparkhub.store import open_store
from rsparkhub.store.events import By
from rsparkhub.store.migrate import HEAD, MIGRATIONS, VERSION_TABLE, downgrade, revision, upgrade
from rsparkhub.store.opening import connect, read_url
from rsparkhub.store.tables import metadata


async def on(url: str, work: Callable[[sa.Connection], Any]) -> None:
    """Do something with a database's tables, in one transaction."""

    def in_transaction(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")
        work(connection)
        connection.exec_driver_sql("COMMIT")

    database, _ = connect(read_url(url), None)
    try:
        await database.prepare(in_transaction)
    finally:
        await database.close()


def tables(connection: sa.Connection) -> dict[str, Any]:
    inspector = sa.inspect(connection)
    return {
        name: (
            sorted(column["name"] for column in inspector.get_columns(name)),
            sorted(index["name"] or "" for index in inspector.get_indexes(name)),
        )
        for name in inspector.get_table_names()
    }


def test_the_code_knows_the_newest_revision() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


async def test_the_migrations_make_the_tables_that_the_code_uses(empty_url: str) -> None:
    def compare(connection: sa.Connection) -> None:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "version_table": VERSION_TABLE},
        )
        assert compare_metadata(context, metadata) == []

    async with open_store(empty_url):
        pass
    await on(empty_url, compare)


async def test_up_and_down_and_up_again(empty_url: str, noon: datetime) -> None:
    seen: list[dict[str, Any]] = []

    def up_and_down(connection: sa.Connection) -> None:
        upgrade(connection)
        seen.append(tables(connection))
        assert revision(connection) == HEAD
        downgrade(connection, "base")
        assert set(tables(connection)) == {VERSION_TABLE}
        assert revision(connection) is None
        upgrade(connection)
        seen.append(tables(connection))

    await on(empty_url, up_and_down)
    assert seen[0] == seen[1]
    assert set(seen[0]) == {*metadata.tables, VERSION_TABLE}
    async with open_store(empty_url) as store:
        await store.users.add("ada", now=noon)


async def test_groups_of_before_keep_what_is_theirs_and_leave_it_to_no_later_one(empty_url: str, noon: datetime) -> None:
    async with open_store(empty_url) as store:
        ada = await store.users.add("ada", now=noon)
        await store.accounts.get(ada.id, "postgres")
        for name in ("lab", "gone", "back"):
            await store.users.add_group(name, members=["ada"], now=noon)
        for name in ("gone", "back"):
            await store.users.remove_group(name, by=By("ada", noon), now=noon)
        await store.users.add_group("back", members=["ada"], now=noon)
    await on(empty_url, lambda connection: downgrade(connection, "0011"))
    async with open_store(empty_url) as store:
        # "back" has what the first of its name had, since that version; "gone" has left it, and a later one has another place.
        assert await store.accounts.groups(ada.id) == ("back", "lab")
        assert [(left.owner, left.left) for left in await store.left_groups.left_data()] == [("gone", ("postgres",))]
        assert [account.owner for account in await store.accounts.behind()] == ["ada"]  # whose groups have changed
        await store.users.add_group("gone", members=["ada"], now=noon)
        assert await store.accounts.groups(ada.id) == ("back", "gone.2", "lab")


async def test_tokens_of_before_keep_all_that_they_could(empty_url: str, noon: datetime) -> None:
    later = noon + timedelta(days=1)
    async with open_store(empty_url) as store:
        await store.users.add("ada", now=noon)
        await store.credentials.add_token("ada", name="old", digest="old", expires=later, now=noon)
        narrow = frozenset({Scope.READ, Scope.SESSIONS})
        await store.credentials.add_token("ada", name="new", digest="new", expires=later, scopes=narrow, now=noon)
    await on(empty_url, lambda connection: downgrade(connection, "0014"))
    async with open_store(empty_url) as store:
        (token,) = await store.credentials.tokens("ada", now=noon)  # a version without scopes would let the other do everything
        assert (token.name, token.scopes) == ("old", {Scope.ALL})
        holder = await store.credentials.token("old", now=noon)
        assert holder is not None
        assert holder.scopes == {Scope.ALL}
        assert await store.credentials.token("new", now=noon) is None


async def test_groups_of_before_have_no_instructors_and_let_nobody_look(empty_url: str, noon: datetime) -> None:
    by = By("ada", noon)
    async with open_store(empty_url) as store:
        for name in ("ada", "bob"):
            await store.users.add(name, now=noon)
        await store.users.add_group("lab", members=["bob"], now=noon)
        await store.courses.set_instructors("lab", ["ada"], by=by)
        await store.courses.set_rule("lab", instructors_view=True, by=by)
        session, _ = await store.sessions.create(owner="bob", environment="rspark", name="A", now=noon)
        await store.sessions.visit(session.id, "interface", owner="bob", group="lab", told=True, by=by)
    await on(empty_url, lambda connection: downgrade(connection, "0015"))
    async with open_store(empty_url) as store:
        group = await store.courses.get("lab")
        assert [(user.name, sorted(user.teaches)) for user in group.people] == [("ada", []), ("bob", [])]
        assert (group.instructors_view, group.announcement) == (False, None)
        assert (await store.sessions.get(session.id)).visits == ()


async def test_courses_of_before_keep_their_due_time_for_all_work(empty_url: str, noon: datetime) -> None:
    by, room = By("ada", noon), Room(file=100, of_person=100, hand_ins=9, data=100, all=1000)
    async with open_store(empty_url) as store:
        await store.users.add("ada", now=noon)
        await store.users.add_group("lab", members=["ada"], now=noon)
        await store.courses.set_instructors("lab", ["ada"], by=by)
        own = {"lab1": noon + timedelta(hours=1)}
        await store.coursework.set_folder("lab", is_open=True, due=noon, assignments=own, by=by)
        sent = await store.coursework.begin("lab", FileKind.HAND_IN, "lab1.R", size=0, room=room, by=by)
        await store.coursework.finish("lab", FileKind.HAND_IN, sent, digest="", by=by)
    await on(empty_url, lambda connection: downgrade(connection, "0017"))
    async with open_store(empty_url) as store:
        (file,) = await store.coursework.list("lab", FileKind.HAND_IN)
        assert (file.due, file.assignment) == (own["lab1"], None)
        assert ((await store.courses.get("lab")).due, await store.coursework.assignments("lab")) == (noon, [])


async def test_a_process_of_the_version_before_makes_members_and_no_instructors(empty_url: str, noon: datetime) -> None:
    """As in a rolling update: it writes rows without the columns that it doesn't know."""

    def as_before(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO groups (name, created) VALUES ('old', '2026-11-24 12:00:00')")
        connection.exec_driver_sql("DELETE FROM members WHERE \"group\" = 'lab'")
        for group in ("lab", "old"):
            connection.exec_driver_sql(f"INSERT INTO members (user_name, \"group\") VALUES ('ada', '{group}')")

    async with open_store(empty_url) as store:
        await store.users.add("ada", now=noon)
        await store.users.add_group("lab", now=noon)
        await store.courses.set_instructors("lab", ["ada"], by=By("ada", noon))
        assert (await store.users.get("ada")).teaches == {"lab"}
    await on(empty_url, as_before)
    async with open_store(empty_url) as store:
        ada = await store.users.get("ada")
        assert (ada.groups, ada.teaches) == ({"lab", "old"}, frozenset())
        assert [group.instructors_view for group in await store.users.list_groups()] == [False, False]


async def test_data_of_a_newer_version_are_left_alone(empty_url: str, noon: datetime) -> None:
    async with open_store(empty_url) as store:
        await store.users.add("ada", now=noon)
    change = f"UPDATE {VERSION_TABLE} SET version_num = '%s'"
    await on(empty_url, lambda connection: connection.exec_driver_sql(change % "9999"))
    with pytest.raises(InstallationProblem, match=r"written by a newer version .*9999.*Install that version or a newer one, or"):
        async with open_store(empty_url):
            pass
    await on(empty_url, lambda connection: connection.exec_driver_sql(change % HEAD))
    async with open_store(empty_url) as store:
        assert [user.name for user in await store.users.list()] == ["ada"]


async def test_a_migration_that_fails_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(connection: sa.Connection, to: str = "head") -> None:
        upgrade(connection, to)
        connection.exec_driver_sql("SELECT * FROM nothing")

    with monkeypatch.context() as patched:
        patched.setattr("rsparkhub.store.migrate.upgrade", half)
        with pytest.raises(sa.exc.DBAPIError):
            async with open_store(empty_url):
                pass
    await on(empty_url, lambda connection: _expect(tables(connection) == {}))
    async with open_store(empty_url) as store:
        assert await store.users.list() == []


def _expect(condition: bool) -> None:
    assert condition
