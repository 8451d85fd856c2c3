"""Examples of what a hub knows: JSON of the API, as contract 5 has it. Times are near the present, as pages say them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rsparkhub.api.sentences import sentences_in
from rsparkhub.api.serializers.event_text import Subjects, event_text
from rsparkhub.domain.event import EventKind

Json = dict[str, Any]

GIB = 2**30


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def ago(**since: float) -> str:
    return (now() - timedelta(**since)).isoformat()


def ahead(**until: float) -> str:
    return (now() + timedelta(**until)).isoformat()


def me(*, name: str = "ada", admin: bool = False) -> Json:
    return {"name": name, "admin": admin, "groups": ["stats-101"], "limits": {"sessions": 5}, "version": "0.1.0", "images": True,
        "has_password": True, "courses": []}  # fmt: skip


def component(kind: str, name: str, title: str, mark: str, part: str | None = None) -> Json:
    return {"kind": kind, "name": name, "title": title, "mark": mark, "part": part}


JUPYTERLAB = component("interface", "jupyterlab", "JupyterLab", "Jp", "interface")
TERMINAL = component("interface", "terminal", "Terminal", ">_", "interface")
R, PYTHON, BASH = (
    component("kernel", name, title, mark)
    for name, title, mark in [("r", "R", "R"), ("python", "Python", "Py"), ("bash", "bash", "$_")]
)
SPARK = component("service", "spark", "Spark", "Sp")
POSTGRES = component("service", "postgres", "PostgreSQL", "Pg", "postgres")


def rspark() -> Json:
    return {
        "name": "rspark",
        "title": "RSpark",
        "description": "R, Python and bash in notebooks, with Spark and a PostgreSQL database of your own.",
        "interface": "jupyterlab",
        "interface_title": "JupyterLab",
        "kernels": ["r", "python", "bash"],
        "services": ["spark", "postgres"],
        "components": [JUPYTERLAB, R, PYTHON, BASH, SPARK, POSTGRES],
        "resources": {"cpu": 2, "memory": 4 * GIB},
        "lifecycle": {"idle": "2h", "suspended": "7d", "longest": "24h", "grace": "60s"},
        "expected_start": 18.0,
    }


def basics() -> Json:
    return rspark() | {
        "name": "r-basics",
        "title": "R basics",
        "description": "R in notebooks, small and quick to start.",
        "kernels": ["r"],
        "services": [],
        "components": [JUPYTERLAB, R],
        "resources": {"cpu": 1, "memory": 2 * GIB},
        "expected_start": 6.0,
    }


def terminal() -> Json:
    return rspark() | {
        "name": "terminal",
        "title": "Terminal",
        "description": "A shell of your own, with R and PostgreSQL's tools at hand.",
        "interface": "terminal",
        "interface_title": "Terminal",
        "kernels": [],
        "services": ["postgres"],
        "components": [TERMINAL, POSTGRES],
        "resources": {"cpu": 1, "memory": GIB},
        "expected_start": None,
    }


def sized() -> Json:
    """An environment that offers options."""
    none: Json = {"description": "", "choices": [], "least": None, "most": None}
    return rspark() | {
        "name": "sized",
        "title": "Statistics lab",
        "options": [
            none
            | {
                "name": "size",
                "title": "Size",
                "kind": "choice",
                "default": "small",
                "description": "A large one waits longer for its turn.",
                "choices": [{"value": "small", "title": "Small: 1 core, 2 GB"}, {"value": "large", "title": "Large: 4 cores"}],
            },
            none | {"name": "workers", "title": "Workers", "kind": "number", "default": 2, "least": 1, "most": 8},
            none | {"name": "trace", "title": "Write what Spark does", "kind": "yes-no", "default": False},
        ],
    }


def parts(*states: str) -> list[Json]:
    names = [("postgres", "PostgreSQL"), ("spark", "Spark"), ("interface", "JupyterLab")]
    return [
        {"name": name, "title": title, "state": state, "reason": None} for (name, title), state in zip(names, states, strict=True)
    ]


def sleeps(*, why: str = "idle", can_extend: bool = True, **until: float) -> Json:
    return {"at": ahead(**until), "why": why, "can_extend": can_extend}


def session(**changes: Any) -> Json:
    """Give a running session; `changes` make it another."""
    found: Json = {
        "id": "kq4wz7m2xb",
        "owner": "ada",
        "name": "RSpark",
        "environment": "rspark",
        "title": "RSpark",
        "interface": "jupyterlab",
        "interface_title": "JupyterLab",
        "beside": [],
        "state": "running",
        "wanted": "running",
        "reason": None,
        "detail": None,
        "queue_position": None,
        "url": f"/s/{changes.get('id', 'kq4wz7m2xb')}/",
        "created": ago(hours=3),
        "started": ago(hours=2, minutes=41),
        "ready": ago(hours=2, minutes=40),
        "ended": None,
        "last_activity": ago(minutes=4, seconds=10),
        "busy": False,
        "busy_with": [],
        "memory": int(1.3 * GIB),
        "cpu": 0.1,
        "memory_limit": 4 * GIB,
        "cpu_limit": 2.0,
        "cost": None,
        "generation": 1,
        "last_exit": None,
        "restored": None,
        "sleeps": None if changes.get("busy") or changes.get("state") else sleeps(minutes=115, seconds=50),
        "kept_until": None,
        "viewable": False,
        "visits": [],
        "services": parts("ready", "ready", "ready"),
        "warnings": [],
        "project": None,
        "options": {},
    }
    return found | changes


def busy(**changes: Any) -> Json:
    computing = {"busy": True, "busy_with": ["R kernel, analysis.ipynb"], "cpu": 1.8, "memory": int(3.5 * GIB)}
    return session(**{"name": "Flight delays", "last_activity": ago(minutes=12), **computing, **changes})


def idle_soon(**changes: Any) -> Json:
    text = "Nobody uses it. After 2 hours without use it goes to sleep, with your work kept."
    warning = {"kind": "idle", "at": ahead(minutes=9, seconds=20), "text": text}
    soon = {"warnings": [warning], "sleeps": sleeps(minutes=9, seconds=20)}
    return session(**{"last_activity": ago(minutes=111), "cpu": 0.0, **soon, **changes})


def longest_soon(**changes: Any) -> Json:
    text = "It may run for 24 hours in one go. Then it goes to sleep, with your work kept."
    warning = {"kind": "longest", "at": ahead(hours=2, minutes=12), "text": text}
    return busy(**{"warnings": [warning], **changes})


_NOTHING_YET: Json = {"ready": None, "last_activity": None, "memory": None, "cpu": None}


def queued(position: int, **changes: Any) -> Json:
    waiting = {"state": "queued", "queue_position": position, "services": [], "started": None}
    return session(**{**waiting, **_NOTHING_YET, **changes})


def starting(*states: str, **changes: Any) -> Json:
    services = parts(*(states or ("starting", "ready", "waiting")))
    return session(**{"state": "starting", "started": ago(seconds=7), "services": services, **_NOTHING_YET, **changes})


SAVED = {
    "kernels": [
        {
            "id": "k1",
            "name": "ir",
            "language": "R",
            "path": "analysis.ipynb",
            "objects": 40,
            "bytes": 11_400_000,
            "lost": [
                {"name": "con", "class": "PqConnection", "why": "A connection to a database can't be saved. Connect again."},
                {"name": "model_ptr", "class": "externalptr", "why": "It points into memory that is gone. Make it again."},
            ],
        },
        {"id": "k2", "name": "python3", "language": "python", "path": "plots.ipynb", "objects": 2, "bytes": 620_000, "lost": []},
    ]
}


def asleep(**changes: Any) -> Json:
    return session(
        **{
            "name": "Homework 3",
            "state": "suspended",
            "wanted": "suspended",
            "reason": "Nobody used it for 2 hours.",
            "ended": ago(hours=16),
            "kept_until": ahead(days=6, hours=8),
            "last_activity": ago(hours=18),
            "memory": None,
            "cpu": None,
            "last_exit": {"code": 0, "saved": SAVED, "at": ago(hours=16)},
            "services": parts("ended", "ended", "ended"),
            **changes,
        }
    )


def failed(**changes: Any) -> Json:
    services = parts("failed", "ended", "ended")
    services[0]["reason"] = "The disk is full."
    return session(
        **{
            "name": "Spark lab",
            "state": "failed",
            "reason": "PostgreSQL could not start because the disk is full. Tell your administrator; then press Retry.",
            "detail": 'FATAL:  could not write lock file "postmaster.pid": No space left on device',
            "ready": None,
            "ended": ago(minutes=2),
            "memory": None,
            "cpu": None,
            "last_exit": {"code": 1, "saved": None, "at": ago(minutes=2)},
            "services": services,
            **changes,
        }
    )


def stopped(**changes: Any) -> Json:
    return session(
        **{
            "name": "Scratch",
            "state": "stopped",
            "wanted": "stopped",
            "ended": ago(days=2),
            "memory": None,
            "cpu": None,
            "last_exit": {"code": 0, "saved": None, "at": ago(days=2)},
            "services": parts("ended", "ended", "ended"),
            **changes,
        }
    )


def everything() -> list[Json]:
    """Give one session in each state that a person sees."""
    return [
        busy(id="busyaaaaaa", created=ago(hours=5)),
        idle_soon(id="idleaaaaaa", created=ago(hours=9)),
        starting(id="startaaaaa", name="R basics", environment="r-basics", title="R basics", created=ago(seconds=9)),
        asleep(id="asleepaaaa", created=ago(days=1)),
        failed(id="failedaaaa", created=ago(days=2)),
    ]


_LETTERS = "abcdefghijklmnopqrstuvwx"

PEOPLE = [
    "ada", "bo", "carla", "dmitri", "emeka", "fatima", "george", "hana", "ines", "jonas", "kwame", "lena", "mateo", "noor",
    "olga", "pavel", "quentin", "rosa", "sven", "tomoko", "uma", "victor", "wanda", "xiu", "yusuf", "zoe",
]  # fmt: skip


def third(**changes: Any) -> Json:
    return queued(3, **changes)


def crowd(count: int) -> list[Json]:
    """Give many sessions of many people, in all states; the same each time."""
    makers = [busy, session, asleep, asleep, asleep, stopped, idle_soon, starting, failed, third]
    made = []
    for number in range(count):
        owner = PEOPLE[(number * 7) % len(PEOPLE)]
        maker = makers[(number * 13 + number // 10) % len(makers)]
        made.append(
            maker(id=f"s{number:04d}", owner=owner, created=ago(minutes=number * 11 + 1), name=f"Homework {number % 12 + 1}")
        )
    return made


def person(name: str, **changes: Any) -> Json:
    found = {
        "name": name,
        "admin": False,
        "groups": ["everyone", "stats-101"],
        "created": ago(days=40),
        "last_seen": ago(hours=1),
        "has_password": True,
    }
    return found | changes


def token(token_id: str, name: str, **changes: Any) -> Json:
    found = {
        "id": token_id,
        "name": name,
        "owner": "ada",
        "session": None,
        "created": ago(days=12),
        "expires": ahead(days=78),
        "last_used": ago(hours=5),
        "scopes": ["all"],
    }
    return found | changes


def history(count: int) -> list[Json]:
    """Give the events of many sessions and people, the oldest first."""
    steps: list[tuple[EventKind, Json]] = [
        ("sign-in", {"way": "password"}),
        ("created", {"environment": "rspark", "name": "RSpark", "kind": "session"}),
        ("state", {"state": "starting"}),
        ("part", {"part": "postgres", "title": "PostgreSQL", "state": "ready"}),
        ("state", {"state": "running"}),
        ("visit", {"to": "interface"}),
        ("warning", {"kind": "idle", "text": "Nobody uses it. After 2 hours without use it goes to sleep."}),
        ("wanted", {"wanted": "suspended", "reason": "Nobody used it for 2 hours."}),
        ("state", {"state": "failed", "reason": "PostgreSQL could not start because the disk is full."}),
        ("person", {"change": "link"}),
    ]
    of_people = {"sign-in", "person"}
    made = []
    for number in range(count):
        kind, data = steps[number % len(steps)]
        run = number // len(steps)
        owner = PEOPLE[run % len(PEOPLE)]
        by = {"created": owner, "sign-in": owner, "visit": "ada", "person": "ada"}.get(kind)
        session, name = (
            (None, None)
            if kind in of_people
            else (f"s{_LETTERS[run // 24 % 24]}{_LETTERS[run % 24]}aaaaaaa", f"Homework {run + 1}")
        )
        made.append(
            {
                "id": number + 1,
                "session": session,
                "session_name": name,
                "at": ago(minutes=(count - number) * 3),
                "kind": kind,
                "by": by,
                "owner": owner,
                "text": event_text(kind, data, Subjects(by=by, owner=owner, session=name), sentences_in("en")),
                "data": data,
            }
        )
    return made


def handout(**changes: object) -> Json:
    """The files of a link on their way into a session."""
    return {
        "id": "5b1d0a63c0f4d6e2", "state": "running", "step": "Bringing 12 of 30 files", "reason": None, "notes": [],
        "url": "/s/kq4wz7m2xb/",
    } | changes  # fmt: skip


def course(**changes: object) -> Json:
    """A group as its instructors see it."""
    people = [
        {"name": name, "full_name": None, "email": None, "instructor": name == "ada", "last_seen": ago(hours=n), "disabled": None,
         "hand_ins": n % 3}
        for n, name in enumerate(PEOPLE[:8])
    ]  # fmt: skip
    return {
        "name": "stats-101", "instructors_view": False, "announcement": None, "may_add": "new", "course_folder": True,
        "due": ahead(days=4), "assignments": [], "file_size": 20 * 2**20, "people": people,
    } | changes  # fmt: skip


def data_file(name: str, path: str, size: int) -> Json:
    """A file that a course gives."""
    return {"id": name, "path": path, "size": size}


def hand_in(name: str, person: str, file: str, **changes: object) -> Json:
    """What somebody handed in."""
    return {
        "id": name, "person": person, "file": file, "size": 18_400, "sha256": "0" * 64, "at": ago(hours=5), "due": ahead(days=4),
        "late": False, "assignment": None, "returned": [],
    } | changes  # fmt: skip


def returned(name: str, file: str) -> Json:
    """What came back on something."""
    return {"id": name, "file": file, "size": 900, "at": ago(hours=1), "by": "ada"}


def membership(**changes: object) -> Json:
    """A group that somebody is in."""
    return {
        "group": "stats-101", "instructor": False, "instructors_view": False, "announcement": None, "course_folder": True,
        "due": None,
    } | changes  # fmt: skip
