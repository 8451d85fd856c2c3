"""What the protocol of Rc² is, as the Python inside sessions has it: its schemas, and the page that describes it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PRINT = "import json; from rspark_session.rc2.protocol.schemas import schemas; print(json.dumps(schemas()))"
_REFERENCE = "#/components/schemas/"


def schemas() -> dict[str, Any]:
    """Return the schema of each message by its name; raise `subprocess.CalledProcessError` when they can't be made."""
    python = ROOT / ".venv-session/bin/python"
    answer = subprocess.run([python, "-c", _PRINT], check=True, capture_output=True, text=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def page(made: str) -> str:
    """Return the page of the reference; `made` is the remark that says how it is made."""
    found = schemas()
    lines = ["# The protocol of Rc²", made, "", *_INTRODUCTION]
    unions = {"Request": "What a client sends", "AnyEvent": "Events: numbered and recorded", "Notice": "Notices: neither"}
    described: set[str] = set(unions)
    for union, title in unions.items():
        lines += ["", f"## {title}"]
        for member in found[union]["oneOf"]:
            name = member["$ref"].removeprefix(_REFERENCE)
            described.add(name)
            lines += _message(found[name]["properties"]["type"]["const"], found[name])
    lines += ["", "## What these are made of, and answers over HTTP"]
    for name in sorted(set(found) - described):
        if "properties" in found[name]:
            lines += _message(name, found[name])
    return "\n".join([*lines, ""])


def _message(title: str, schema: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### `{title}`", "", " ".join(schema.get("description", "").split()), "")
    fields = [(name, field) for name, field in schema["properties"].items() if name != "type"]
    if not fields:
        return
    yield from ("| Field | Type |", "|---|---|")
    required = schema.get("required", ())
    for name, field in fields:
        yield f"| `{name}`{'' if name in required else '?'} | {_type(field)} |"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return f"`{field['$ref'].removeprefix(_REFERENCE)}`"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(map(_type, field["anyOf"])))
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    match field.get("type"):
        case "array":
            return f"list of {_type(field.get('items', {}))}"
        case "object" if isinstance(field.get("additionalProperties"), dict):
            return f"{_type(field['additionalProperties'])} by name"
        case kind:
            bounds = [f"{words} {field[key]}" for key, words in _BOUNDS.items() if key in field]
            return f"{field.get('format', kind or 'JSON')}{' (' + ', '.join(bounds) + ')' if bounds else ''}"


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "maxLength": "up to"}
_INTRODUCTION = (
    "Everything that the web client of Rc² does in a session goes this way, and a program can do the same. The models stand in",
    "`session/src/rspark_session/rc2/protocol`; `rspark_session.rc2.client` is a client in Python.",
    "",
    "One websocket at `rc2/api/socket` below the session's address carries a JSON object a frame; its `type` says what it is. A",
    "client sends `hello` first and gets `welcome`; then come the events after `since`, and all that follow. A client that was",
    "away says the last `seq` it saw and gets the rest, in order, once: events are recorded on disk, up to 64 MiB, and outlive",
    "the server and a sleep of the session. Unknown fields are ignored on both sides. A message of unknown type, or with wrong",
    "fields, is answered by `refused`, with its name and a sentence. A field with `?` may be left out.",
    "",
    "Over HTTP, below `rc2/api/`, all as JSON; what can't be served gets a `Problem`:",
    "",
    "| Request | Answer |",
    "|---|---|",
    "| `GET consoles` | list of `ConsoleInfo` |",
    "| `POST consoles/<console>/page` | `PageRequest` → `Page` |",
    "| `POST consoles/<console>/children` | `ChildrenRequest` → `Children` |",
    "| `POST consoles/<console>/complete` | `CompletionRequest` → `Completions` |",
    "| `POST consoles/<console>/inspect` | `InspectRequest` → `Inspection` |",
    "| `POST consoles/<console>/help` | `HelpRequest` → `Help` |",
    "| `GET consoles/<console>/history?search=&before=&count=` | `History` |",
    "| `GET consoles/<console>/plots` | `Plots` |",
    "| `GET consoles/<console>/plots/<plot>?format=svg\\|png\\|pdf&width=&height=&density=` | the plot, drawn anew |",
    "| `GET preferences` | `Preferences` |",
    "| `POST preferences` | `PreferencesChange` → `Preferences` |",
    "| `GET git/repositories` | `GitRepositories` |",
    "| `POST git/status`, `git/init`, `git/abort`, `git/continue` | `GitRequest` → `GitStatus` |",
    "| `POST git/stage`, `git/unstage`, `git/discard` | `GitPathsRequest` → `GitStatus` |",
    "| `POST git/stage-text` | `GitStageText` → `GitStatus` |",
    "| `POST git/commit` | `GitCommitRequest` → `GitStatus` |",
    "| `POST git/undo` | `GitUndoRequest` → `GitUndone` |",
    "| `POST git/identity` | `GitIdentity` → `GitStatus` |",
    "| `POST git/remote` | `GitRemote` → `GitStatus` |",
    "| `POST git/switch` | `GitBranchRequest` → `GitStatus` |",
    "| `POST git/resolve` | `GitResolve` → `GitStatus` |",
    "| `POST git/branches` | `GitRequest` → `GitBranches` |",
    "| `POST git/history` | `GitHistoryRequest` → `GitHistory` |",
    "| `POST git/show` | `GitCommitOf` → `GitShown` |",
    "| `POST git/texts` | `GitTextsRequest` → `GitTexts` |",
    "| `POST git/transfer` | `GitTransfer` → `GitProgress` a line |",
    "| `POST search` | `SearchRequest` → `SearchFound` a line |",
    "| `POST search/edits` | `SearchEditsRequest` → `SearchEdits` |",
    "| `POST search/replace` | `ReplaceRequest` → `Replaced` a line |",
    "| `POST search/undo` | `ReplaceUndo` → `Replaced` a line |",
    "| `GET blob/<sha256>?type=` | what an event's `blobs` names; of `profiled`, a `Profile` |",
    "| `GET frame/<seq>` | an event's HTML as a page of an origin of its own |",
)
