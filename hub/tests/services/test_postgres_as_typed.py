"""PostgreSQL as people type it: the programs that every book names, in a session's environment, against the real server."""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.services.base import Account, Credential
from rsparkhub.services.postgres import Postgres

CHECKOUT = Path(__file__).parents[3]
Endpoint = dict[str, Any]
Type = Callable[..., str]
MOST = 10  # databases of one person


def programs() -> str:
    """Return the folder that a session has on its path for this service."""
    code = "from rspark_session.services.postgres import Postgres; print(*Postgres(None).programs())"
    return subprocess.run(
        [CHECKOUT / ".venv-session/bin/python", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
async def as_person(endpoint: Endpoint, tmp_path: Path) -> Callable[[str], Awaitable[Type]]:
    """Make an account, and return what types a line in its session and returns what it prints."""

    async def make(user: str) -> Type:
        account = Account(user=user, password="", credential=Credential(session="sess", generation=1, secret="pw"))
        await Postgres().ensure_account(endpoint, account)
        await Postgres().issue(endpoint, account)
        options = ServiceOptions(scope="shared")
        got = Postgres().session_config(options, resources=Resources(), endpoint=endpoint, account=account)
        run = tmp_path / user
        run.mkdir()
        for file in got.files:
            (run / file.path).write_text(file.content)
            (run / file.path).chmod(0o600)
        environ = {name: value.format(run=run) for name, value in got.environ.items()}

        def type_(line: str, *, code: int = 0) -> str:
            done = subprocess.run(
                ["bash", "-c", line],
                env={"PATH": f"{programs()}:/usr/bin:/bin", "HOME": str(run), **environ},
                cwd=run,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == code, done.stdout + done.stderr
            return (done.stdout + done.stderr).strip()

        return type_

    return make


async def until(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.2)


EXTENSIONS = {
    "pg_trgm": "select round(similarity('word', 'words')::numeric, 2)",
    "hstore": "select 'a=>1'::hstore -> 'a'",
    "unaccent": "select unaccent('Hôtel')",
    "citext": "select 'A'::citext = 'a'",
    "pgcrypto": "select encode(digest('a', 'md5'), 'hex')",
    "fuzzystrmatch": "select levenshtein('ab', 'abc')",
    "tablefunc": "select count(*) from normal_rand(3, 0, 1)",
    "uuid-ossp": "select uuid_generate_v5(uuid_ns_dns(), 'a.b')",
    "intarray": "select sort('{3,1}'::int[])",
    "ltree": "select 'a.b'::ltree <@ 'a'",
    "btree_gist": "select 1 <-> 3",
}
ANSWERS = ["0.57", "1", "Hotel", "t", "0cc175b9c0f1b6a831c399e269772661", "1", "3", "0e7af403-ee0d-594b-ab31-08b1c687f2fa"]


async def test_the_usual_extensions_are_created_by_anybody(as_person: Callable[[str], Awaitable[Type]]) -> None:
    ann = await as_person("ann")
    create = "".join(f'create extension "{name}"; ' for name in EXTENSIONS)
    ann(f"psql -v ON_ERROR_STOP=1 -qc '{create}'")
    asked = "; ".join(EXTENSIONS.values()).replace('"', '\\"')
    assert ann(f'psql -v ON_ERROR_STOP=1 -Atc "{asked}"').splitlines() == [*ANSWERS, "{1,3}", "t", "2"]
    for refused in ("file_fdw", "plpython3u", "dblink"):
        assert "ERROR" in ann(f"psql -qc 'create extension {refused}'", code=1)


async def test_the_first_things_that_people_type(as_person: Callable[[str], Awaitable[Type]]) -> None:
    ann = await as_person("ann")
    assert "flights" in ann("psql -l")
    assert ann("psql -Atc 'select current_database()'") == "ann"
    ann("createdb shop")
    ann("psql shop -qc 'create table t as select 7 as n; create schema s'")
    ann("psql -qc 'create database books'")
    ann("pg_dump -Fc shop > shop.dump && createdb shop2 && pg_restore -d shop2 shop.dump")
    assert ann("psql shop2 -Atc 'select n from t'") == "7"
    assert "ann" in ann("psql -c '\\du'")
    ann("dropdb shop; dropdb shop2; psql -qc 'drop database books'")
    assert "permission denied to create role" in ann("createuser eve", code=1)
    assert "permission denied" in ann("psql -d postgres -c 'create table t (n int)'", code=1)
    assert "permission denied" in ann("psql -d postgres -c 'create temp table t (n int)'", code=1)


async def test_the_server_has_the_name_that_books_type(as_person: Callable[[str], Awaitable[Type]]) -> None:
    lea = await as_person("lea")
    for words in ("psql -h localhost", "psql -h localhost -d lea", "psql postgresql://localhost/lea", "psql -h 127.0.0.1"):
        assert lea(f"{words} -w -Atc 'select current_user'") == "lea"
    lea("createdb -h localhost -w leas && pg_dump -h localhost -w -d leas -Fd -j 2 -f dumped && dropdb -h localhost -w leas")


async def test_what_reads_or_writes_the_servers_own_files_is_refused_with_a_way(
    as_person: Callable[[str], Awaitable[Type]],
) -> None:
    mia = await as_person("mia")
    mia("psql -qc 'create table t as select 7 as n'")
    assert "\\copy command also works" in mia("psql -c \"copy t to '/tmp/t.csv'\"", code=1)
    assert mia("psql -qc '\\copy t to t.csv csv header' && cat t.csv") == "n\n7"
    assert "permission denied" in mia("psql -c \"copy t to program 'id'\"", code=1)
    assert "permission denied" in mia("psql -c \"select pg_read_file('/etc/passwd')\"", code=1)
    for line in ("psql -qc 'vacuum full t'", "reindexdb", "clusterdb", "pgbench -i -q 2> /dev/null && pgbench -n -t 3"):
        mia(line)


async def test_a_new_database_is_its_owners_alone(as_person: Callable[[str], Awaitable[Type]]) -> None:
    cora, dan = await as_person("cora"), await as_person("dan")
    cora("createdb corasown")

    def closed() -> bool:
        return cora("psql -Atc \"select datacl is not null from pg_database where datname = 'corasown'\"") == "t"

    await until(closed, "the new database is closed to others")
    assert "permission denied for database" in dan("psql -d corasown -c 'select 1'", code=2)
    cora("psql -qc 'grant connect on database corasown to dan'")
    assert dan("psql -d corasown -Atc 'select 1'") == "1"


async def test_a_person_has_no_more_databases_than_the_limit(as_person: Callable[[str], Awaitable[Type]]) -> None:
    max_ = await as_person("max")

    def may() -> str:
        return max_("psql -Atc 'select rolcreatedb from pg_roles where rolname = current_user'")

    for number in range(MOST - 1):
        max_(f"createdb max{number}")
    await until(lambda: may() == "f", "no more may be made")
    assert "permission denied to create database" in max_("createdb more", code=1)
    max_("dropdb max0")
    await until(lambda: may() == "t", "one may be made again")
    max_("createdb more")


async def test_a_database_that_has_the_name_of_somebody_who_comes_later_is_moved_aside(
    as_person: Callable[[str], Awaitable[Type]],
) -> None:
    early = await as_person("early")
    early("createdb late && psql -d late -qc 'create table secret as select 1 as n'")
    late = await as_person("late")
    assert "secret" not in late("psql -Atc '\\dt'")
    assert early("psql -d early.late -Atc 'select n from secret'") == "1"
    assert "permission denied" in late("psql -d early.late -c 'select 1'", code=2)


async def test_many_small_inserts_do_not_wait_for_the_disk_and_nobody_takes_it_all(
    as_person: Callable[[str], Awaitable[Type]],
) -> None:
    fay = await as_person("fay")
    names = "synchronous_commit,temp_file_limit,statement_timeout,idle_in_transaction_session_timeout"
    shown = fay(f'for name in {names.replace(",", " ")}; do psql -Atc "show $name"; done').split()
    assert shown == ["off", "5GB", "4h", "2h"]
