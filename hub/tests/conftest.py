"""What the hub's tests share: a store on each database, a real PostgreSQL for all of them, settings, and a time."""

import asyncio
import shutil
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tests.postgres_server import PostgresServer

from rsparkhub import log_context
from rsparkhub.settings import Settings
from rsparkhub.store import Store, open_store

_API = Path(__file__).with_name("api")
OpenStore = Callable[[], Awaitable[Store]]


@pytest.fixture(autouse=True)
def nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process logs once, each test sees again."""
    monkeypatch.setattr(log_context, "_logged", OrderedDict())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One real PostgreSQL server for the run."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a database with the tables of this version, to be copied."""
    name = postgres_server.create_database()
    _migrate(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database with the tables of this version, to be copied."""
    file = tmp_path_factory.mktemp("template") / "rsparkhub.sqlite"
    _migrate(f"sqlite:///{file}")
    return file


def _migrate(url: str) -> None:
    async def migrate() -> None:
        async with open_store(url):
            pass

    asyncio.run(migrate())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is asked of the API on PostgreSQL takes minutes, and the store's own tests show that both kinds do the same."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec and callspec.params.get("database_kind") == "postgresql" and item.path.is_relative_to(_API):
            item.add_marker(pytest.mark.long)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, on each kind of database."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path}/rsparkhub.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def store_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that a store may be opened on, on each kind of database."""
    if database_kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path)
        yield f"sqlite:///{tmp_path}/rsparkhub.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database(template=request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def notify_dir(tmp_path: Path) -> Path:
    """The folder in which the stores of a test ring."""
    return tmp_path / "notify"


@pytest.fixture
async def open_another(store_url: str, notify_dir: Path) -> AsyncIterator[OpenStore]:
    """Open one more store on the same database, as another hub or another controller does."""
    async with AsyncExitStack() as stack:

        async def open_one() -> Store:
            return await stack.enter_async_context(open_store(store_url, notify_dir=notify_dir))

        yield open_one


@pytest.fixture
async def store(open_another: OpenStore) -> Store:
    """A store without a row, on each kind of database."""
    return await open_another()


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> Settings:
    """Settings of an installation in the test's own folder, on the same database as `store`."""
    return Settings(data=tmp_path, store_url=store_url, host_names=("hub.example", "lab.example", "127.0.0.1"))


@pytest.fixture
def noon() -> datetime:
    """A time to count from."""
    return datetime(2026, 11, 24, 12, tzinfo=UTC)
