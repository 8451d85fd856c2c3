"""Accounts on a real server: what a person gets, and what nobody else does."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.domain.errors import Unavailable
from rsparkhub.services.base import Account, Credential, SessionConfig
from rsparkhub.services.postgres import Postgres, PostgresSettings, role_of

Endpoint = dict[str, Any]
Connect = Callable[..., psycopg.Connection[Any]]
_run = itertools.count()


def account_of(user: str, password: str, *, groups: tuple[str, ...] = (), session: str = "sess") -> Account:
    """Return the account of a person in a session that has this password."""
    credential = Credential(session=session, generation=1, secret=password)
    return Account(user=user, password="", groups=groups, credential=credential)


async def ensure_account(
    endpoint: Endpoint, *, user: str, password: str, groups: tuple[str, ...] = (), session: str = "sess"
) -> None:
    account = account_of(user, password, groups=groups, session=session)
    await Postgres().ensure_account(endpoint, account)
    await Postgres().issue(endpoint, account)


def access(endpoint: Endpoint, *, user: str, password: str, session: str = "sess") -> SessionConfig:
    account = account_of(user, password, session=session)
    return Postgres().session_config(ServiceOptions(scope="shared"), resources=Resources(), endpoint=endpoint, account=account)


@pytest.fixture
def connect(endpoint: Endpoint, tmp_path: Path) -> Connect:
    """Connect as a session does: with the variables and the file it got, through libpq."""

    def connect(user: str, password: str, session: str = "sess", **more: str) -> psycopg.Connection[Any]:
        got = access(endpoint, user=user, password=password, session=session)
        run = tmp_path / str(next(_run))
        run.mkdir()
        for file in got.files:
            (run / file.path).write_text(file.content)
            (run / file.path).chmod(0o600)
        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname", "PGPASSFILE": "passfile"}
        settings = {names[name]: value.format(run=run) for name, value in got.environ.items()} | more
        return psycopg.connect(**settings, autocommit=True)

    return connect


async def test_a_person_gets_a_role_and_a_database_of_the_same_name(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="ada", password="pw")
    with connect("ada", "pw") as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("ada", "ada")
        connection.execute("CREATE TABLE mine AS SELECT 1 AS n")
        connection.execute("CREATE SCHEMA more")


async def test_a_person_reads_the_sample_with_the_same_account(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="ada", password="pw")
    with connect("ada", "pw", dbname="flights") as connection:
        assert connection.execute("SELECT count(*) FROM flights").fetchone() == (336776,)


async def test_doing_it_again_keeps_what_the_person_made(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="again", password="first")
    with connect("again", "first") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await ensure_account(endpoint, user="again", password="second")
    with connect("again", "second") as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect("again", "first")


async def test_two_controllers_may_do_it_at_once(endpoint: Endpoint, connect: Connect) -> None:
    await asyncio.gather(*(ensure_account(endpoint, user="twice", password="pw") for _ in range(5)))
    connect("twice", "pw").close()


@pytest.mark.parametrize("left", ["role", "closed database", "database of another"])
async def test_what_a_crash_left_half_made_is_finished(endpoint: Endpoint, connect: Connect, left: str) -> None:
    user = "half-" + left.replace(" ", "-")
    with psycopg.connect(
        host=endpoint["host"],
        port=endpoint["port"],
        user=endpoint["admin"],
        password=endpoint["admin_password"],
        dbname="postgres",
        autocommit=True,
    ) as admin:
        if left != "database of another":
            admin.execute(f'CREATE ROLE "{user}"')
        if left == "closed database":
            admin.execute(f'CREATE DATABASE "{user}" OWNER "{user}" ALLOW_CONNECTIONS false')
        if left == "database of another":
            admin.execute(f'CREATE DATABASE "{user}"')
    await ensure_account(endpoint, user=user, password="pw")
    with connect(user, "pw") as connection:
        connection.execute("CREATE TABLE mine (n integer)")


@pytest.mark.parametrize("database", ["bea", "template1"])
async def test_other_peoples_databases_cannot_be_reached(endpoint: Endpoint, connect: Connect, database: str) -> None:
    await ensure_account(endpoint, user="bea", password="hers")
    await ensure_account(endpoint, user="cleo", password="pw")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect("cleo", "pw", dbname=database)


@pytest.mark.parametrize(
    "attempt",
    [
        "CREATE ROLE more",
        'CREATE DATABASE "dora2" OWNER postgres',
        "DROP DATABASE flights",
        "ALTER ROLE dora SET temp_file_limit = -1",
        "SET temp_file_limit = -1",
        'ALTER ROLE "dora" SUPERUSER',
        'ALTER ROLE "dora" CONNECTION LIMIT 100',
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_authid",
        "SET ROLE postgres",
    ],
)
async def test_a_person_has_no_rights_on_the_server(endpoint: Endpoint, connect: Connect, attempt: str) -> None:
    await ensure_account(endpoint, user="dora", password="pw")
    with connect("dora", "pw") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(attempt)


async def test_one_person_cannot_take_all_connections(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="eager", password="pw")
    opened = []
    try:
        opened.extend(connect("eager", "pw") for _ in range(20))
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            connect("eager", "pw")
    finally:
        for connection in opened:
            connection.close()


@pytest.mark.parametrize(
    "user",
    ["with-hyphen", "with_underscore", "trailing-", "user", "select", "flights", "postgres", "template1", "public", "pg_x"],
)
async def test_every_name_that_a_person_may_have_works(endpoint: Endpoint, connect: Connect, user: str) -> None:
    await ensure_account(endpoint, user=user, password="pw")
    with connect(user, "pw") as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (role_of(user), role_of(user))
        connection.execute("CREATE TABLE mine (n integer)")


def test_a_name_that_is_taken_becomes_one_that_no_person_can_have() -> None:
    assert role_of("ada") == "ada"
    assert role_of("postgres") == "user.postgres"
    assert role_of("pg_monitor") == "user.pg_monitor"


@pytest.mark.parametrize("password", ["a:b", "back\\slash", "end\\", "quote'\"", "ünïcode", "*"])
async def test_any_password_survives_the_password_file(endpoint: Endpoint, connect: Connect, password: str) -> None:
    await ensure_account(endpoint, user="secretive", password=password)
    connect("secretive", password).close()


def test_a_session_learns_of_the_server_by_variables_and_one_file(endpoint: Endpoint) -> None:
    got = access(endpoint, user="ada", password="pw")
    assert got.environ == {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(endpoint["port"]),
        "PGUSER": "ada~sess.1",
        "PGDATABASE": "ada",
        "PGPASSFILE": "{run}/pgpass",
    }
    assert [file.path for file in got.files] == ["pgpass"]
    assert got.files[0].content == f"127.0.0.1:{endpoint['port']}:*:ada~sess.1:pw\n"


async def test_a_server_that_is_down_is_said_so() -> None:
    endpoint = {"host": "127.0.0.1", "port": 1, "admin": "postgres", "admin_password": "any"}
    with pytest.raises(Unavailable, match="PostgreSQL could not make the account"):
        await ensure_account(endpoint, user="ada", password="pw")


class TestLeaving:
    async def test_who_is_closed_signs_in_nowhere_and_is_signed_out_and_all_of_theirs_stays(
        self, endpoint: Endpoint, connect: Connect
    ) -> None:
        await ensure_account(endpoint, user="closed", password="pw")
        await ensure_account(endpoint, user="bystander", password="pw")
        with connect("closed", "pw") as open_one, connect("bystander", "pw") as other:
            open_one.execute("CREATE TABLE kept AS SELECT 7 AS n")
            await Postgres().close_account(endpoint, user="closed")
            with pytest.raises(psycopg.OperationalError):
                open_one.execute("SELECT 1")
            assert other.execute("SELECT 1").fetchone() == (1,)
        for database in ("closed", "flights", "postgres"):
            with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
                connect("closed", "pw", dbname=database)
        await Postgres().close_account(endpoint, user="closed")  # again
        await ensure_account(endpoint, user="closed", password="pw")
        with connect("closed", "pw") as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)

    @pytest.mark.parametrize("user", ["gone", "flights", "pg_gone", "gone.2"])
    async def test_with_a_person_goes_their_role_and_what_is_theirs_alone(
        self, endpoint: Endpoint, connect: Connect, tmp_path: Path, user: str
    ) -> None:
        await ensure_account(endpoint, user=user, password="pw")
        await ensure_account(endpoint, user="group", password="pw")
        role = role_of(user)
        with connect(user, "pw") as connection, connect("group", "pw") as group:
            connection.execute("CREATE TABLE IF NOT EXISTS mine AS SELECT 7 AS n")
            # A database of others in which they have rights, and have made something.
            group.execute(f'GRANT CONNECT ON DATABASE "group" TO "{role}"')
            group.execute(f'GRANT CREATE, USAGE ON SCHEMA public TO "{role}"')
            with connect(user, "pw", dbname="group") as inside:
                inside.execute("CREATE TABLE shared AS SELECT 8 AS n")
            await Postgres().remove_account(endpoint, user=user, archive=tmp_path / "archive")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
            assert group.execute("SELECT n FROM shared").fetchone() == (8,)
            group.execute("DROP TABLE shared")
            assert group.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [role]).fetchone() == (0,)
            assert group.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [role]).fetchone() == (0,)
        dump = tmp_path / "archive" / f"{role}.dump"
        assert dump.read_bytes().startswith(b"PGDMP")
        assert dump.stat().st_mode & 0o777 == 0o600
        await Postgres().remove_account(endpoint, user=user, archive=None)  # again, when nothing is left

    async def test_with_a_group_goes_its_database_and_a_later_one_of_the_name_has_none_of_it(
        self, endpoint: Endpoint, connect: Connect, tmp_path: Path
    ) -> None:
        await ensure_account(endpoint, user="ada", password="pw", groups=("gone",))
        with connect("ada", "pw", dbname="group.gone") as group:
            group.execute("CREATE TABLE IF NOT EXISTS everybodys AS SELECT 7 AS n")
        await ensure_account(endpoint, user="ada", password="pw", groups=("gone.2",))
        with connect("ada", "pw", dbname="group.gone.2") as later:
            assert later.execute("SELECT current_user").fetchone() == ("group.gone.2",)
            with pytest.raises(psycopg.errors.UndefinedTable):
                later.execute("SELECT n FROM everybodys")
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                connect("ada", "pw", dbname="group.gone")
            await Postgres().remove_group(endpoint, group="gone", archive=tmp_path / "archive")
            await Postgres().remove_group(endpoint, group="gone", archive=None)  # again
            assert later.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'group.gone'").fetchone() == (0,)
            assert later.execute("SELECT count(*) FROM pg_database WHERE datname = 'group.gone'").fetchone() == (0,)
        assert (tmp_path / "archive/group.gone.dump").read_bytes().startswith(b"PGDMP")
        # Who has not been told yet that it is gone may go on.
        await Postgres().remove_group(endpoint, group="gone.2", archive=None)
        await ensure_account(endpoint, user="ada", password="pw")
        connect("ada", "pw").close()

    async def test_what_cannot_be_archived_is_kept(
        self, endpoint: Endpoint, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        await ensure_account(endpoint, user="undumped", password="pw")
        (tmp_path / "archive").write_text("a file where a folder should be")
        with pytest.raises((Unavailable, OSError)):
            await Postgres().remove_account(endpoint, user="undumped", archive=tmp_path / "archive")
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(Unavailable, match="no pg_dump"):
            await Postgres().remove_account(endpoint | {"programs": "/nonexistent"}, user="undumped", archive=tmp_path / "a")
        await ensure_account(endpoint, user="undumped", password="pw")
        connect("undumped", "pw").close()

    async def test_of_somebody_without_an_account_nothing_is_done(self, endpoint: Endpoint, tmp_path: Path) -> None:
        await Postgres().close_account(endpoint, user="stranger")
        await Postgres().remove_account(endpoint, user="stranger", archive=tmp_path)
        assert list(tmp_path.iterdir()) == []

    async def test_a_server_that_is_down_says_so(self, endpoint: Endpoint) -> None:
        down = endpoint | {"port": 1}
        with pytest.raises(Unavailable):
            await Postgres().close_account(down, user="ada")
        with pytest.raises(Unavailable):
            await Postgres().remove_account(down, user="ada", archive=None)


class TestLogins:
    async def test_each_session_has_its_own_and_one_that_ended_opens_nothing(self, endpoint: Endpoint, connect: Connect) -> None:
        await ensure_account(endpoint, user="two", password="one", session="first")
        await ensure_account(endpoint, user="two", password="other", session="second")
        with connect("two", "one", "first") as first, connect("two", "other", "second") as second:
            first.execute("CREATE TABLE made AS SELECT 1 AS n")
            first.execute("DISCARD ALL")  # as a pool of connections does: now it is the login itself
            first.execute("CREATE TABLE by_the_login AS SELECT 2 AS n")
            await Postgres().revoke(endpoint, account_of("two", "one", session="first"))
            with pytest.raises(psycopg.OperationalError):
                first.execute("SELECT 1")
            assert second.execute("SELECT count(*) FROM made, by_the_login").fetchone() == (1,)
            second.execute("DROP TABLE made, by_the_login")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect("two", "one", "first")
        await Postgres().revoke(endpoint, account_of("two", "one", session="first"))  # again

    async def test_with_another_login_nobody_else_is_reached(self, endpoint: Endpoint, connect: Connect) -> None:
        await ensure_account(endpoint, user="lea", password="hers")
        await ensure_account(endpoint, user="max", password="pw")
        with connect("max", "pw") as connection:
            for attempt in (
                "SET ROLE lea",
                "GRANT lea TO max",
                'SET SESSION AUTHORIZATION "lea~sess.1"',
                'DROP ROLE "lea~sess.1"',
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(attempt)

    async def test_what_a_person_sets_for_their_role_holds_in_the_next_session(
        self, endpoint: Endpoint, connect: Connect
    ) -> None:
        await ensure_account(endpoint, user="sets", password="pw")
        with connect("sets", "pw") as connection:
            connection.execute("ALTER ROLE sets SET work_mem = '9MB'")
        await ensure_account(endpoint, user="sets", password="pw", session="next")
        with connect("sets", "pw", "next") as connection:
            assert connection.execute("SHOW work_mem").fetchone() == ("9MB",)

    async def test_the_limits_are_those_of_the_installation(self, endpoint: Endpoint, connect: Connect) -> None:
        service = Postgres().configured(PostgresSettings(connections=1, statement_timeout=timedelta(milliseconds=50)))
        account = account_of("limited", "pw")
        await service.ensure_account(endpoint, account)
        await service.issue(endpoint, account)
        with connect("limited", "pw") as connection:
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(5)")
            with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
                connect("limited", "pw")


class TestGroups:
    async def test_members_share_a_database_and_nobody_else_reaches_it(self, endpoint: Endpoint, connect: Connect) -> None:
        for user in ("gina", "gert"):
            await ensure_account(endpoint, user=user, password="pw", groups=("lab",))
        await ensure_account(endpoint, user="guest", password="pw", groups=("other",))
        with connect("gina", "pw", dbname="group.lab") as gina, connect("gert", "pw", dbname="group.lab") as gert:
            gina.execute("CREATE TABLE results AS SELECT 1 AS n")
            gert.execute("INSERT INTO results VALUES (2)")
            assert gina.execute("SELECT sum(n) FROM results").fetchone() == (3,)
            gert.execute("DROP TABLE results")
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect("guest", "pw", dbname="group.lab")

    async def test_who_leaves_a_group_is_out_at_once_and_what_they_made_stays(self, endpoint: Endpoint, connect: Connect) -> None:
        for user in ("hans", "hedi"):
            await ensure_account(endpoint, user=user, password="pw", groups=("club",))
        with connect("hans", "pw", dbname="group.club") as hans:
            hans.execute("CREATE TABLE made AS SELECT 1 AS n")
            await Postgres().ensure_account(endpoint, Account(user="hans", password=""))
            with pytest.raises(psycopg.OperationalError):
                hans.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect("hans", "pw", dbname="group.club")
        connect("hans", "pw").close()
        await Postgres().remove_account(endpoint, user="hans", archive=None)
        with connect("hedi", "pw", dbname="group.club") as hedi:
            assert hedi.execute("SELECT n FROM made").fetchone() == (1,)

    async def test_who_joins_one_reaches_it_in_a_session_that_runs(self, endpoint: Endpoint, connect: Connect) -> None:
        await ensure_account(endpoint, user="ida", password="pw")
        await Postgres().ensure_account(endpoint, Account(user="ida", password="", groups=("late",)))
        with connect("ida", "pw", dbname="group.late") as connection:
            connection.execute("CREATE TABLE t (n integer)")
            owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 't'").fetchone()
            assert owner == ("group.late",)

    #: What a member may type before they leave, so as to come back: in their own database, and in the group's.
    PREPARED = (
        ("grants on the database", "", 'SET ROLE "group.{g}"; GRANT ALL ON DATABASE "group.{g}" TO {u}; RESET ROLE'),
        ("grants to a login", "", 'SET ROLE "group.{g}"; GRANT CONNECT ON DATABASE "group.{g}" TO "{u}~sess.1"; RESET ROLE'),
        ("grants on tables", "group", "GRANT ALL ON made TO {u}; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {u}"),
        ("becomes the owner", "", 'ALTER DATABASE "group.{g}" OWNER TO {u}'),
        ("the group owns theirs", "", 'ALTER DATABASE {u} OWNER TO "group.{g}"'),
        ("hands rights on", "", 'SET ROLE "group.{g}"; GRANT ALL ON DATABASE "group.{g}" TO {o} WITH GRANT OPTION; RESET ROLE'),
    )  # fmt: skip

    @pytest.mark.parametrize(("what", "where", "typed"), PREPARED, ids=[each[0] for each in PREPARED])
    async def test_nothing_that_a_member_prepares_lets_them_in_after_they_left_or_takes_it_from_others(
        self, endpoint: Endpoint, connect: Connect, what: str, where: str, typed: str
    ) -> None:
        number = [each[0] for each in self.PREPARED].index(what)
        user, other, group = f"leaver{number}", f"stayer{number}", f"prep{number}"
        for each in (user, other):
            await ensure_account(endpoint, user=each, password="pw", groups=(group,))
        with connect(other, "pw", dbname=f"group.{group}") as stayer:
            stayer.execute("CREATE TABLE made AS SELECT 1 AS n")
        with connect(user, "pw", dbname=f"group.{group}" if where else user) as leaver:
            for statement in typed.format(u=user, o=other, g=group).split("; "):
                leaver.execute(statement)
        if what == "hands rights on":
            with connect(other, "pw") as stayer:
                stayer.execute(f'GRANT CONNECT ON DATABASE "group.{group}" TO {user}, PUBLIC')
        await Postgres().ensure_account(endpoint, Account(user=user, password=""))
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(user, "pw", dbname=f"group.{group}")
        connect(user, "pw").close()
        await ensure_account(endpoint, user=other, password="pw", groups=(group,))
        with connect(other, "pw", dbname=f"group.{group}") as stayer:
            assert stayer.execute("SELECT n FROM made").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(other, "pw", dbname=user)
        await Postgres().remove_account(endpoint, user=user, archive=None)
        with connect(other, "pw", dbname=f"group.{group}") as stayer:
            assert stayer.execute("SELECT n FROM made").fetchone() == (1,)

    async def test_who_acts_as_the_group_elsewhere_does_so_no_more_once_they_left(
        self, endpoint: Endpoint, connect: Connect
    ) -> None:
        """`SET ROLE` is judged when it is typed: an open connection keeps the role for as long as it lasts."""
        await ensure_account(endpoint, user="actor", password="pw", groups=("troupe",))
        with connect("actor", "pw") as actor:
            actor.execute('SET ROLE "group.troupe"')
            await Postgres().ensure_account(endpoint, Account(user="actor", password=""))
            with pytest.raises(psycopg.OperationalError):
                actor.execute('GRANT ALL ON DATABASE "group.troupe" TO actor')
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect("actor", "pw", dbname="group.troupe")
