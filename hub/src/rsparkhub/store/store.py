"""Opens the store: one object with a part for each subject."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.store.admission_queue import AdmissionQueue
from rsparkhub.store.audit import Audit
from rsparkhub.store.controllers import Controllers
from rsparkhub.store.courses import Courses
from rsparkhub.store.coursework import Coursework
from rsparkhub.store.credentials import Credentials
from rsparkhub.store.database import Database
from rsparkhub.store.events import Events
from rsparkhub.store.failures import unavailable
from rsparkhub.store.identities import Identities
from rsparkhub.store.leases import Leases
from rsparkhub.store.left_groups import LeftGroups
from rsparkhub.store.login_attempts import LoginAttempts
from rsparkhub.store.logs import Logs
from rsparkhub.store.migrate import bring_up_to_date
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.on_sqlite import BUSY
from rsparkhub.store.opening import connect, read_url
from rsparkhub.store.people import People
from rsparkhub.store.runs import Runs
from rsparkhub.store.service_accounts import ServiceAccounts
from rsparkhub.store.session_credentials import SessionCredentials
from rsparkhub.store.session_requests import SessionRequests
from rsparkhub.store.shares import Shares
from rsparkhub.store.users import Users


class Store:
    """Everything that is stored, by subject, and the notifier of what changes.

    Sessions and shared services are rows of one table with three parts: `sessions` is what users ask of them, `queue` the order
    in which they start, `leases` who works on them.
    """

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self.database = database
        self.notifier = notifier
        self.sessions = SessionRequests(database, notifier)
        self.queue = AdmissionQueue(database, notifier)
        self.leases = Leases(database, notifier)
        self.events = Events(database)
        self.audit = Audit(database)
        self.runs = Runs(database)
        self.controllers = Controllers(database)
        self.users = Users(database, notifier)
        self.shares = Shares(database, notifier)
        self.courses = Courses(database, notifier)
        self.coursework = Coursework(database)
        self.people = People(database)
        self.left_groups = LeftGroups(database)
        self.credentials = Credentials(database, notifier)
        self.identities = Identities(database, notifier)
        self.attempts = LoginAttempts(database)
        self.accounts = ServiceAccounts(database)
        self.session_credentials = SessionCredentials(database)
        self.logs = Logs(database)


@asynccontextmanager
async def open_store(url: str, *, notify_dir: Path | None = None, busy: timedelta = BUSY) -> AsyncIterator[Store]:
    """Open the database at `url`, making or changing its tables where they are not of this version.

    `notify_dir` is the folder through which agents and, on SQLite, hubs and controllers notify each other. `busy` is how long
    SQLite waits for another process's transaction.

    Raises
    ------
    InstallationProblem
        When the database can't be opened, or a newer version of RSparkHub made it.
    """
    parsed = read_url(url)
    database, notifier = connect(parsed, notify_dir, busy=busy)
    try:
        await _prepare(database, parsed)
        yield Store(database, notifier)
    finally:
        await database.close()


async def _prepare(database: Database, url: URL) -> None:
    place = str(url.database) if database.is_sqlite else f"the database {url.database}"
    try:
        await database.prepare(lambda connection: bring_up_to_date(connection, place=place))
    except DBAPIError as error:
        sentence = unavailable(error)
        if sentence is None:
            raise
        message = " ".join(str(error.orig).split())
        raise InstallationProblem(f"{sentence} (The database said: {message})") from error
