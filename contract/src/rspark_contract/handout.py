"""What a link brings into a session: the files of a Git repository or of a template, and which document is opened.

The hub sends a `Handout` to `http.HANDOUT` of an agent, which brings it inside the session, as the person. To send the same again
while it is brought is the same as to send it once; after that it is brought anew, and finds what is there. The agent answers both
the POST and a later GET with a `HandoutStatus`.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Unreadable

#: Bytes of a `Handout` and of a `HandoutStatus`.
MOST_BYTES = 64 * 1024
#: Notes of one handout; what is more is counted in the last one.
MOST_NOTES = 20

#: The name of a template, as a pattern.
TEMPLATE_PATTERN = r"[a-z0-9][a-z0-9_-]{0,39}"
#: An address from which Git reads, as a pattern: no name and password in it, no query, nothing that Git takes for an option.
#: No part of its path is `.` or `..`, in any disguise: who resolves these on the way would read another repository.
ADDRESS_PATTERN = (
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?"
    r"(?:/\.?[A-Za-z0-9_~-](?:[A-Za-z0-9._~+@,=!-]|%20)*)+/?"
)
SOURCE_PATTERN = f"(?:{TEMPLATE_PATTERN}|{ADDRESS_PATTERN})"
#: Parts of words with `.` or `@` between them and never at an end, which leaves out all that means something else to Git.
BRANCH_PATTERN = r"[A-Za-z0-9_](?:[.@]?[A-Za-z0-9_+-])*(?:/[A-Za-z0-9_](?:[.@]?[A-Za-z0-9_+-])*)*"
#: No part of a path begins with a dot, so that it leads neither out nor into `.git`.
PATH_PATTERN = r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*(?:/[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*)*"
MOST_SOURCE, MOST_BRANCH, MOST_PATH = 500, 200, 400  # letters

_SOURCE, _BRANCH, _PATH = (re.compile(pattern) for pattern in (SOURCE_PATTERN, BRANCH_PATTERN, PATH_PATTERN))
TEMPLATE = re.compile(TEMPLATE_PATTERN)
_ID = re.compile("[0-9a-f]{16}")


def source(value: object) -> str:
    """Read the address of a repository, or the name of a template.

    Raises
    ------
    Unreadable
        When it is neither.
    """
    if isinstance(value, str) and len(value) <= MOST_SOURCE and _SOURCE.fullmatch(value):
        return value
    raise Unreadable(
        "the source is the https or http address of a Git repository, without a name and password, query or #; or a template"
    )


def branch(value: object) -> str:
    """Read the name of a branch; raise `Unreadable` when no branch can be called so."""
    if isinstance(value, str) and len(value) <= MOST_BRANCH and _BRANCH.fullmatch(value):
        return value
    raise Unreadable("this is no name of a branch")


def relative_path(value: object) -> str:
    """Read the path of a file or folder below another; raise `Unreadable` when it leads elsewhere, or into `.git`."""
    if isinstance(value, str) and len(value) <= MOST_PATH and _PATH.fullmatch(value):
        return value
    raise Unreadable("this is no path of a file inside the source, such as labs/lab1.Rmd")


def is_inside(path: str) -> bool:
    """Return whether a path stays below where it begins, and out of `.git`."""
    return all(part not in ("", ".", "..") and part.lower() != ".git" for part in path.split("/"))


@dataclass(frozen=True, kw_only=True)
class Handout:
    """What is brought, and what is opened.

    `source` is the address of a Git repository, or the name of a template of the session's image. Of a repository `branch` is
    brought, or its default one. `folder` is the part of the source that is brought; `document` is a path in what is brought.
    Without `redirects` the address must not lead to another.
    """

    source: str
    branch: str | None = None
    folder: str | None = None
    document: str | None = None
    redirects: bool = True

    @property
    def is_template(self) -> bool:
        """Whether it comes from the session's image."""
        return TEMPLATE.fullmatch(self.source) is not None

    @property
    def id(self) -> str:
        """The same for the same handout."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "source": self.source,
            "branch": self.branch,
            "folder": self.folder,
            "document": self.document,
            "redirects": self.redirects,
        }

    @classmethod
    def parse(cls, value: object) -> "Handout":
        """Read it.

        Raises
        ------
        Unreadable
            When it is none, or any part of it is refused.
        """
        fields = Fields(value)
        return cls(
            source=fields.required("source", source),
            branch=fields.get("branch", branch, None),
            folder=fields.get("folder", relative_path, None),
            document=fields.get("document", relative_path, None),
            redirects=fields.required("redirects", reading.flag),
        )


class HandoutState(StrEnum):
    """How far it is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class HandoutStatus:
    """How far a handout is.

    `step` is what is done now. `reason` is why it failed, and `notes` what the person should know of what was brought. `opens` is
    the path below the session's own that shows the document, or where the files are.
    """

    id: str
    state: HandoutState
    step: str = ""
    reason: str | None = None
    notes: tuple[str, ...] = ()
    opens: str | None = None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "id": self.id,
            "state": self.state.value,
            "step": self.step,
            "reason": self.reason,
            "notes": list(self.notes),
            "opens": self.opens,
        }

    @classmethod
    def parse(cls, value: object) -> "HandoutStatus":
        """Read it.

        Raises
        ------
        Unreadable
            When it is none.
        """
        fields = Fields(value)
        return cls(
            id=fields.required("id", reading.matching(_ID)),
            state=fields.required("state", reading.member_of(HandoutState)),
            step=fields.get("step", reading.text(200), ""),
            reason=fields.get("reason", reading.text(), None),
            notes=fields.get("notes", reading.readable_items(reading.text(500), most=MOST_NOTES), ()),
            opens=fields.get("opens", _opens, None),
        )


def _opens(value: object) -> str:
    """Read a path with its query below the session's own path; raise `Unreadable` for what leads elsewhere."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\x21-\x7e]{0,2000}", value):
        path = value.partition("?")[0]
        if "\\" not in value and "//" not in path and all(part not in (".", "..") for part in path.split("/")):
            return value
    raise Unreadable("this is no path below the session's own")


def read_status(data: bytes) -> HandoutStatus | None:
    """Return the status in an agent's answer; None when there is none in it that can be read."""
    try:
        return HandoutStatus.parse(reading.decode(data, most=MOST_BYTES))
    except Unreadable:
        return None
