"""Accounts on a real server: what a person gets, and what nobody else does."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.domain.errors import Unavailable
from rsparkhub.services.base import Account, Credential, SessionConfig
from rsparkhub.services.postgres import Postgres, PostgresSettings, dump, role_of
from rsparkhub.services.postgres import account as accounts

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


@pytest.fixture
def admin(endpoint: Endpoint) -> Iterator[psycopg.Connection[Any]]:
    """The server's administrator."""
    with psycopg.connect(
        host=endpoint["host"],
        port=endpoint["port"],
        user=endpoint["admin"],
        password=endpoint["admin_password"],
        dbname="postgres",
        autocommit=True,
    ) as connection:
        yield connection


class Changes:
    """What the hub's own connections change, one statement after the other; `before` happens before each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        execute = psycopg.AsyncConnection.execute

        async def noted(connection: psycopg.AsyncConnection[Any], query: Any, *rest: Any, **more: Any) -> Any:
            text = query if isinstance(query, str) else query.as_string(connection)
            if not text.startswith(("SELECT", "SET")) or "pg_terminate_backend" in text:
                self.before(text)
                self.seen.append(text)
            return await execute(connection, query, *rest, **more)

        monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted)

    def crash_at(self, number: int) -> None:
        """Let the connection break before this statement from now on, counted from 0."""
        first = len(self.seen)

        def before(_: str) -> None:
            if len(self.seen) - first == number:
                raise psycopg.OperationalError("the hub ends here")

        self.before = before

    def go_on(self) -> None:
        self.before = lambda _: None


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> Changes:
    return Changes(monkeypatch)


def rights(admin: psycopg.Connection[Any], database: str) -> set[str]:
    """Return who owns a database, and who has rights on it."""
    found = admin.execute(
        "SELECT pg_get_userbyid(datdba), grantee::regrole::text FROM pg_database "
        "CROSS JOIN aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE datname = %s",
        [database],
    ).fetchall()
    return {name.strip('"') for row in found for name in row}


@pytest.mark.long
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
async def test_what_a_crash_left_half_made_is_finished(
    endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any], left: str
) -> None:
    user = "half-" + left.replace(" ", "-")
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
    hosts = ("127.0.0.1", "localhost")  # the name that books type
    assert got.files[0].content == "".join(f"{host}:{endpoint['port']}:*:ada~sess.1:pw\n" for host in hosts)


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

    @pytest.mark.long
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

    async def test_templates_and_what_is_closed_go_too(
        self, endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any], tmp_path: Path
    ) -> None:
        await ensure_account(endpoint, user="tom", password="pw", groups=("moulds",))
        with connect("tom", "pw") as tom:
            tom.execute("CREATE DATABASE mould IS_TEMPLATE true")
            tom.execute("CREATE DATABASE shut ALLOW_CONNECTIONS false")
            tom.execute("ALTER DATABASE tom IS_TEMPLATE true")
            tom.execute('ALTER DATABASE "group.moulds" IS_TEMPLATE true')
            tom.execute('ALTER DATABASE "group.moulds" OWNER TO tom')
        await Postgres().remove_group(endpoint, group="moulds", archive=tmp_path)
        await Postgres().remove_account(endpoint, user="tom", archive=tmp_path)
        assert {file.stem for file in tmp_path.glob("*.dump")} == {"group.moulds", "mould", "shut", "tom"}
        left = admin.execute("SELECT FROM pg_database WHERE datname IN ('group.moulds', 'mould', 'shut', 'tom')")
        assert not left.rowcount
        assert not admin.execute("SELECT FROM pg_roles WHERE rolname IN ('group.moulds', 'tom')").rowcount

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

    async def test_one_that_handed_on_what_is_the_persons_goes_all_the_same(
        self, endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any]
    ) -> None:
        await ensure_account(endpoint, user="friend", password="pw")
        await ensure_account(endpoint, user="giver", password="pw")
        with connect("giver", "pw") as giver:
            giver.execute("CREATE TABLE IF NOT EXISTS mine AS SELECT 1 AS n")
            for what in ("ALL ON DATABASE giver", "ALL ON mine"):
                giver.execute("RESET ROLE")
                giver.execute(f'GRANT {what} TO "giver~sess.1" WITH GRANT OPTION')
                giver.execute("SET ROLE NONE")
                giver.execute(f"GRANT {what} TO friend")
        await Postgres().revoke(endpoint, account_of("giver", "pw"))
        assert not admin.execute("SELECT FROM pg_roles WHERE rolname = 'giver~sess.1'").rowcount
        await Postgres().remove_account(endpoint, user="giver", archive=None)
        await Postgres().remove_account(endpoint, user="friend", archive=None)

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

    async def test_who_made_a_template_of_it_copies_nothing_once_they_left(self, endpoint: Endpoint, connect: Connect) -> None:
        await ensure_account(endpoint, user="tim", password="pw", groups=("plan",))
        with connect("tim", "pw", dbname="group.plan") as tim:
            tim.execute("CREATE TABLE made AS SELECT 1 AS n")
            tim.execute("GRANT ALL ON made TO tim")
        with connect("tim", "pw") as tim:
            tim.execute('ALTER DATABASE "group.plan" IS_TEMPLATE true')
        await Postgres().ensure_account(endpoint, Account(user="tim", password=""))
        with connect("tim", "pw") as tim, pytest.raises(psycopg.errors.InsufficientPrivilege):
            tim.execute('CREATE DATABASE "copy" TEMPLATE "group.plan"')

    async def test_a_chain_of_rights_ends_with_its_first_and_takes_along_who_came_by_it(
        self, endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any]
    ) -> None:
        """Rights of a login, which hands them on to its person, who makes the database theirs: so each hangs on the other."""
        for user in ("chris", "cara"):
            await ensure_account(endpoint, user=user, password="pw", groups=("chain",))
        await ensure_account(endpoint, user="outsider", password="pw")
        cara = connect("cara", "pw", dbname="group.chain")
        with connect("chris", "pw", dbname="group.chain") as chris:
            chris.execute('GRANT CONNECT ON DATABASE "group.chain" TO "chris~sess.1" WITH GRANT OPTION')
        with connect("chris", "pw") as chris:
            chris.execute("SET ROLE NONE")
            chris.execute('GRANT CONNECT ON DATABASE "group.chain" TO chris WITH GRANT OPTION')
            chris.execute("RESET ROLE")
            chris.execute('ALTER DATABASE "group.chain" OWNER TO chris')
            chris.execute('GRANT CONNECT ON DATABASE "group.chain" TO outsider')
        with connect("outsider", "pw", dbname="group.chain") as outsider, cara:
            await ensure_account(endpoint, user="cara", password="pw", groups=("chain",))
            with pytest.raises(psycopg.OperationalError):
                outsider.execute("SELECT 1")
            cara.execute("SELECT 1")
            admin.execute("SELECT 1")
        assert rights(admin, "group.chain") == {"group.chain"}
        await Postgres().ensure_account(endpoint, Account(user="chris", password=""))
        for user in ("chris", "outsider"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connect(user, "pw", dbname="group.chain")

    async def test_whoever_has_given_rights_to_whom_none_are_left(
        self, endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any]
    ) -> None:
        """Rights that are handed on twice, by people who have them in another way too, and some that the administrator gave."""
        for user in ("ben", "bob"):
            await ensure_account(endpoint, user=user, password="pw", groups=("given",))
        for user in ("out1", "out2", "out3"):
            await ensure_account(endpoint, user=user, password="pw")
        give = 'GRANT ALL ON DATABASE "group.given" TO {} WITH GRANT OPTION'
        with connect("ben", "pw", dbname="group.given") as ben:
            ben.execute(give.format("ben, bob, out1"))
        for user, role, whom in (
            ("ben", "", 'bob, "ben~sess.1"'),
            ("ben", "SET ROLE NONE", "out1, out2"),
            ("bob", "", "out1, out3"),
            ("out1", "", '"out1~sess.1", out2'),
            ("out2", "", "out3"),
            ("out2", "SET ROLE NONE", "out3"),
        ):
            with connect(user, "pw") as connection:
                connection.execute(role or "RESET ROLE")
                connection.execute(give.format(whom))
        with connect("out3", "pw") as out3:
            out3.execute('GRANT CONNECT ON DATABASE "group.given" TO PUBLIC')
        admin.execute(give.format("out3"))
        assert len(rights(admin, "group.given")) > 6
        await ensure_account(endpoint, user="bob", password="pw", groups=("given",))
        assert rights(admin, "group.given") == {"group.given"}
        for user in ("out1", "out2", "out3"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connect(user, "pw", dbname="group.given")
            await Postgres().remove_account(endpoint, user=user, archive=None)

    @pytest.mark.long
    @pytest.mark.parametrize("session_is_open", [True, False])
    async def test_leaving_that_was_cut_short_is_finished_the_next_time(
        self, endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any], changes: Changes, session_is_open: bool
    ) -> None:
        user, group = f"cut{session_is_open:d}", f"group.cut{session_is_open:d}"
        member = Account(user=user, password="", groups=(group.removeprefix("group."),))
        for number in itertools.count():
            await Postgres().ensure_account(endpoint, member)
            await Postgres().issue(endpoint, account_of(user, "pw"))
            with connect(user, "pw") as leaver:
                leaver.execute(f'GRANT CONNECT ON DATABASE "{group}" TO {user}, PUBLIC')
                leaver.execute("SET ROLE NONE")
                leaver.execute(f'ALTER ROLE "{user}~sess.1" IN DATABASE "{group}" RESET role')
                leaver.execute(f'SET ROLE "{group}"')
                if not session_is_open:
                    await Postgres().revoke(endpoint, account_of(user, "pw"))
                changes.crash_at(number)
                try:
                    await Postgres().ensure_account(endpoint, Account(user=user, password=""))
                except Unavailable:
                    pass
                else:
                    break
                finally:
                    changes.go_on()
                await Postgres().ensure_account(endpoint, Account(user=user, password=""))
                with pytest.raises(psycopg.OperationalError):
                    leaver.execute(f'GRANT CONNECT ON DATABASE "{group}" TO {user}')
            assert rights(admin, group) == {group}, changes.seen
            found = admin.execute(
                "SELECT setrole::regrole FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase "
                "WHERE datname = %s",
                [group],
            )
            assert not found.rowcount
        assert number > 10

    async def test_a_group_whose_database_its_members_dropped_is_left(self, endpoint: Endpoint, connect: Connect) -> None:
        await ensure_account(endpoint, user="dropper", password="pw", groups=("dropped",))
        with connect("dropper", "pw") as dropper:
            dropper.execute('DROP DATABASE "group.dropped"')
        await ensure_account(endpoint, user="dropper", password="pw")
        with connect("dropper", "pw") as dropper, pytest.raises(psycopg.errors.InsufficientPrivilege):
            dropper.execute('SET ROLE "group.dropped"')

    async def test_people_in_the_same_groups_come_and_go_at_once(self, endpoint: Endpoint, connect: Connect) -> None:
        users = [f"mover{number}" for number in range(4)]
        for groups in (("m1", "m3"), ("m2",), ("m1", "m2", "m3"), ("m3",)):
            await asyncio.gather(*(ensure_account(endpoint, user=user, password="pw", groups=groups) for user in users))
        for user in users:
            connect(user, "pw", dbname="group.m3").close()


class TestMaking:
    @pytest.mark.long
    async def test_a_group_that_a_crash_left_half_made_is_finished(
        self, endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any], changes: Changes
    ) -> None:
        await ensure_account(endpoint, user="maker", password="pw")
        await ensure_account(endpoint, user="squatter", password="pw")
        for number in itertools.count():
            group = f"made{number}"
            taken = number < 8  # so many steps move it aside and make the group's
            if taken:
                with connect("squatter", "pw") as squatter:
                    squatter.execute(f'CREATE DATABASE "group.{group}"')
            changes.crash_at(number)
            try:
                await Postgres().ensure_account(endpoint, Account(user="maker", password="", groups=(group,)))
            except Unavailable:
                failed = True
            else:
                failed = False
            changes.go_on()
            await Postgres().ensure_account(endpoint, Account(user="maker", password="", groups=(group,)))
            assert rights(admin, f"group.{group}") == {f"group.{group}"}
            with connect("maker", "pw", dbname=f"group.{group}") as maker:
                maker.execute("CREATE TABLE t (n integer)")
            if taken:  # theirs is theirs again
                with connect("squatter", "pw") as squatter:
                    squatter.execute(f'DROP DATABASE "squatter.group.{group}"')
            if not failed:
                break
        assert number > 10

    @pytest.mark.long
    async def test_a_group_that_goes_when_it_is_half_made_leaves_nothing(
        self, endpoint: Endpoint, admin: psycopg.Connection[Any], changes: Changes
    ) -> None:
        await ensure_account(endpoint, user="halfway", password="pw")
        for number in itertools.count():
            group = f"unmade{number}"
            changes.crash_at(number)
            try:
                await Postgres().ensure_account(endpoint, Account(user="halfway", password="", groups=(group,)))
            except Unavailable:
                failed = True
            else:
                failed = False
            changes.go_on()
            await Postgres().remove_group(endpoint, group=group, archive=None)
            assert not admin.execute("SELECT FROM pg_database WHERE datname = %s", [f"group.{group}"]).rowcount
            assert not admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [f"group.{group}"]).rowcount
            if not failed:
                break
        assert number > 10

    async def test_who_makes_a_database_of_a_coming_groups_name_again_and_again_does_not_make_it_the_groups(
        self, endpoint: Endpoint, connect: Connect, admin: psycopg.Connection[Any], changes: Changes
    ) -> None:
        await ensure_account(endpoint, user="looper", password="pw")
        await ensure_account(endpoint, user="waiter", password="pw")
        name = "group.coming"
        with connect("looper", "pw") as looper:
            looper.execute(f'CREATE DATABASE "{name}"')
            for _ in range(2):

                def again(statement: str) -> None:
                    if statement.startswith("CREATE DATABASE"):
                        looper.execute(f'CREATE DATABASE "{name}"')

                changes.before = again
                with pytest.raises(Unavailable, match="already exists"):
                    await Postgres().ensure_account(endpoint, Account(user="waiter", password="", groups=("coming",)))
                assert "looper" in rights(admin, name)
            changes.go_on()
            await Postgres().ensure_account(endpoint, Account(user="waiter", password="", groups=("coming",)))
            theirs = looper.execute(
                "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = 'looper' AND datname <> 'looper'"
            )
            assert len(theirs.fetchall()) == 3
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connect("looper", "pw", dbname=name)
        connect("waiter", "pw", dbname=name).close()


class TestWaiting:
    async def test_a_table_that_somebody_holds_keeps_no_dump_waiting_for_ever(
        self, endpoint: Endpoint, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(dump, "_LONGEST_TABLE_WAIT", "500ms", raising=False)
        await ensure_account(endpoint, user="held", password="pw")
        await ensure_account(endpoint, user="holder", password="pw")
        with connect("held", "pw") as held:
            held.execute("CREATE TABLE mine AS SELECT 1 AS n")
            held.execute("GRANT ALL ON mine TO holder")
            held.execute("GRANT CONNECT ON DATABASE held TO holder")
        with connect("holder", "pw", dbname="held") as holder:
            with holder.transaction():
                holder.execute("LOCK TABLE mine IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(Unavailable, match=r"database held could not be dumped, as another transaction .* again\.$"):
                    async with asyncio.timeout(60):
                        await Postgres().remove_account(endpoint, user="held", archive=tmp_path)
            assert not list(tmp_path.glob("*.dump"))
            await Postgres().remove_account(endpoint, user="held", archive=tmp_path)
        assert (tmp_path / "held.dump").exists()

    async def test_a_table_that_somebody_holds_keeps_no_login_waiting_for_ever(
        self, endpoint: Endpoint, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(accounts, "LONGEST_LOCK_WAIT", "500ms", raising=False)
        for session in ("first", "second"):
            await ensure_account(endpoint, user="busy", password="pw", session=session)
        with connect("busy", "pw", "first") as first:
            first.execute('GRANT CREATE, USAGE ON SCHEMA public TO "busy~first.1"')
            first.execute("SET ROLE NONE")
            first.execute("CREATE TABLE by_the_login AS SELECT 1 AS n")
            first.execute("GRANT ALL ON by_the_login TO busy")
        with connect("busy", "pw", "second") as second:
            with second.transaction():
                second.execute("LOCK TABLE by_the_login IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(Unavailable, match=r"as another transaction has held what it needs .* it is tried again"):
                    async with asyncio.timeout(60):
                        await Postgres().revoke(endpoint, account_of("busy", "pw", session="first"))
            await Postgres().revoke(endpoint, account_of("busy", "pw", session="first"))
            assert second.execute("SELECT n FROM by_the_login").fetchone() == (1,)
            second.execute("DROP TABLE by_the_login")
