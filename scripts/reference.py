"""Makes the reference pages from the code, so that they can't say something else: settings, environment, commands, API."""

import argparse
import asyncio
import re
import runpy
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from rc2_protocol import page as protocol_page

from rsparkhub.cli import command_line
from rsparkhub.cli.exit_codes import ExitCode
from rsparkhub.domain.quantity import format_duration
from rsparkhub.domain.scope import Scope
from rsparkhub.factory import Factory
from rsparkhub.installed.extensions import interfaces, services
from rsparkhub.installed.schema import environment_schema
from rsparkhub.installed.settings import settings_model
from rsparkhub.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
KEPT_BEGIN = "<!-- made by scripts/make-reference from session/tests/workspace -->"
KEPT_END = "<!-- end -->"
MADE = "<!-- Made from the code by `make docs`. Change the code, not this page. -->"


def settings_page() -> str:
    """Describe every setting."""
    lines = [
        "# Settings",
        MADE,
        "",
        "A setting comes from the command line where a command has an option for it, else from the environment variable, else",
        "from `settings.yaml` in the data folder (`name: value` lines), else it has its default.",
        "",
        *table("Setting", "Variable", "Default", "What it is"),
    ]
    model = settings_model()
    defaults = model.model_construct().model_dump(mode="json")
    defaults["data"] = "/var/lib/rsparkhub for root, else ~/.local/share/rsparkhub"
    lines += settings_of(model, defaults, "", "RSPARKHUB_")
    return "\n".join(lines)


def _model_of_each(kind: Any) -> type[BaseModel] | None:
    """Return of which form each of a mapping of groups is; None for what is no such mapping."""
    arguments = get_args(kind)
    each = arguments[1] if len(arguments) == 2 and get_origin(kind) is Mapping else None
    return each if isinstance(each, type) and issubclass(each, BaseModel) else None


def settings_of(model: type[BaseModel], defaults: Mapping[str, Any], before: str, variable: str) -> Iterator[str]:
    """Give a row for each setting; a group of settings gives those in it."""
    for name, field in model.model_fields.items():
        default, kind = defaults[name], field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_of(kind, default, f"{before}{name}.", f"{variable}{name.upper()}__")
            continue
        if (model_of_each := _model_of_each(kind)) is not None:
            defaults_of_each = model_of_each.model_construct().model_dump(mode="json")
            each = {name: defaults_of_each.get(name) for name in model_of_each.model_fields}
            yield from settings_of(model_of_each, each, f"{before}{name}.NAME.", f"{variable}{name.upper()}__NAME__")
            continue
        shown = "" if default is None or default in ("", [], {}) else f"`{default}`"
        yield row(f"`{before}{name}`", f"`{variable}{name.upper()}`", shown, field.description or "")


def environment_page() -> str:
    """Describe the environment file, from its JSON schema."""
    schema = environment_schema().json_schema()
    lines = [
        "# The environment file",
        MADE,
        "",
        "One YAML file describes one environment of the catalog. `rsparkhub environment check FILE` says what is wrong with one.",
        "Sizes are written like `512Mi` or `4Gi`, durations like `60s`, `90m`, `2h`, `7d`. A key that is not listed is an error.",
        "",
        *table("Key", "Type", "Default", "What it is"),
        *(row(f"`{key}`", kind, default, text) for key, kind, default, text in keys_of(schema, schema, "")),
        "",
        "## Interfaces",
        "",
        *table("Name", "Title", "What it is", "Keeps kernels' workspaces over a sleep"),
        *(
            row(f"`{each.name}`", each.title or "that of the environment", each.description, "yes" if each.saves else "no")
            for each in interfaces().values()
        ),
        "",
        "## Services",
        "",
        *table("Name", "Title", "What it is", "Scopes", "Needs"),
        *(
            row(f"`{each.name}`", each.title, each.description, ", ".join(f"`{s}`" for s in each.scopes), ", ".join(each.needs))
            for each in services().values()
        ),
        "",
        "An example, the environment `rspark`:",
        "",
        "```yaml",
        (REFERENCE.parent.parent / "environments/rspark.yaml").read_text().rstrip(),
        "```",
    ]
    return "\n".join(lines)


def keys_of(schema: Mapping[str, Any], whole: Mapping[str, Any], before: str) -> Iterator[tuple[str, str, str, str]]:
    """Give each key below a schema: its dotted name, type, default and text."""
    required = set(schema.get("required", ()))
    for name, said in schema.get("properties", {}).items():
        merged = resolved(said, whole)
        default = "required" if name in required else f"`{compact(merged['default'])}`" if simple(merged.get("default")) else ""
        yield f"{before}{name}", type_of(merged, whole), default, merged.get("description", "")
        for inner in objects_in(merged, whole):
            yield from keys_of(inner, whole, f"{before}{name}.")
        for inner in objects_in(resolved(each_of(merged), whole), whole):
            yield from keys_of(inner, whole, f"{before}{name}.{'NAME.' if 'items' not in merged else ''}")


def each_of(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of each of a list's entries, or of the entries of a mapping whose keys are anybody's."""
    named = said.get("patternProperties") or {}
    found: Mapping[str, Any] = said.get("items") or next(iter(named.values()), None) or {}
    return found


def resolved(said: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Put in the place of a reference what it refers to; what is said beside it goes first."""
    if "$ref" not in said:
        return dict(said)
    found = whole["$defs"][said["$ref"].rpartition("/")[2]]
    return {**{key: value for key, value in found.items() if key != "description"}, **said}


def objects_in(said: Mapping[str, Any], whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    choices = [resolved(choice, whole) for choice in said.get("anyOf", [said])]
    return [choice for choice in choices if "properties" in choice]


def type_of(said: Mapping[str, Any], whole: Mapping[str, Any]) -> str:  # noqa: PLR0911  # a line a case
    if "anyOf" in said:
        return " or ".join(type_of(resolved(choice, whole), whole) for choice in said["anyOf"] if choice.get("type") != "null")
    if "const" in said or "enum" in said:
        return ", ".join(f"`{value}`" for value in said.get("enum", [said.get("const")]))
    if said.get("type") == "array":
        return f"list of {type_of(resolved(said['items'], whole), whole)}"
    if "properties" in said:
        return "mapping"
    if "examples" in said and "pattern" in said:
        return "size" if "Gi" in said["pattern"] else "duration"
    if said["type"] == "object":
        return "mapping"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}[said["type"]]


def simple(value: object) -> bool:
    return value is not None and value != "" and not isinstance(value, dict)


def compact(value: object) -> str:
    """Write a default as it stands in a file."""
    if isinstance(value, str) and value.startswith("P"):  # JSON schemas write durations by ISO 8601
        return format_duration(TypeAdapter(timedelta).validate_python(value))
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def commands_page() -> str:
    """Describe every command, from what the command line itself knows."""
    lines = [
        "# Commands",
        MADE,
        "",
        "`session`, `environment list`, `user`, `group`, `token` and `usage` talk to a hub: to that of `RSPARKHUB_URL` with",
        "`RSPARKHUB_TOKEN`, else to that of the data folder (`rsparkhub --data DIR …`, or `RSPARKHUB_DATA`). With `--json` they",
        "print the JSON of [the API](api.md).",
        "",
        "## Exit codes",
        "",
        *table("Code", "Meaning"),
        *(row(f"{code.value}", code.explanation) for code in ExitCode),
        "",
    ]
    lines += describe(command_line(), "rsparkhub")
    return "\n".join(lines).rstrip()


EVERYWHERE = {"help", "install_completion", "show_completion"}


def describe(command: Any, name: str) -> list[str]:
    """Describe a command and those below it."""
    inner = getattr(command, "commands", {})
    options = [
        parameter for parameter in command.params if parameter.name not in {"help", "install_completion", "show_completion"}
    ]
    arguments = [p for p in options if p.param_type_name == "argument"]
    usage = " ".join([name, *(metavar(parameter) for parameter in arguments)])
    lines = [f"## `{usage}`" if not inner or name == "rsparkhub" else f"## {name}", "", clean(command.help), ""]
    if options:
        lines += [*table("Option", "What it is"), *(row(spelling(p), about(p)) for p in options), ""]
    for word, each in inner.items():
        lines += describe(each, f"{name} {word}")
    return lines


def metavar(parameter: Any) -> str:
    text = parameter.metavar or parameter.name.upper()
    many = "…" if parameter.nargs != 1 else ""
    return f"{text}{many}" if parameter.required else f"[{text}{many}]"


def spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    spelled = ", ".join(parameter.opts)
    return f"`{spelled}`" if parameter.is_flag else f"`{spelled} {parameter.metavar or parameter.name.upper()}`"


def about(parameter: Any) -> str:
    choices = ", ".join(f"`{choice}`" for choice in choices_of(parameter.bare_type))
    default = parameter.default
    shown = isinstance(default, str | int | float) and not isinstance(default, bool) and default != ""
    return " ".join(
        [
            clean(parameter.help),
            *([f"One of {choices}."] if choices else []),
            *([f"Default: `{default:g}`." if isinstance(default, int | float) else f"Default: `{default}`."] if shown else []),
        ]
    )


def choices_of(kind: Any) -> list[str]:
    """Name the values of an enumeration or a literal type; none for other types."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    return [str(value) for value in get_args(kind)] if get_origin(kind) is Literal else []


def clean(text: str | None) -> str:
    return " ".join((text or "").split())


async def api_schema() -> dict[str, Any]:
    """Give the OpenAPI schema of a hub that has just been made."""
    with tempfile.TemporaryDirectory() as folder:
        async with Factory(Settings(data=Path(folder))) as factory:
            return factory.app.openapi()


def api_page() -> str:
    """Describe every call of the API, from its OpenAPI schema."""
    schema = asyncio.run(api_schema())
    lines = [
        "# HTTP API",
        MADE,
        "",
        "Everything is under `/hub/api/`; the schema itself is at `/hub/api/openapi.json`. Programs send",
        "`Authorization: Bearer TOKEN`. An error is `application/problem+json` (RFC 9457): `detail` is a sentence for a person,",
        "`code` a name for a program.",
        "",
        "A token has scopes. It makes the calls that name one of its scopes, where its person may, and with `all` every call:",
        "",
        *table("Scope", "Lets a program"),
        *(row(f"`{scope}`", scope.in_words) for scope in Scope),
    ]
    tags: dict[str, list[str]] = {}
    for path, calls in schema["paths"].items():
        for method, call in calls.items():
            tags.setdefault((call.get("tags") or ["other"])[0], []).extend(describe_call(method, path, call, schema))
    for tag, described in tags.items():
        lines += ["", f"## {tag.capitalize()}", *described]
    lines += ["", "## Types", ""]
    for name, said in sorted(schema.get("components", {}).get("schemas", {}).items()):
        lines += describe_type(name, said, schema)
    return "\n".join(lines).rstrip()


def describe_call(method: str, path: str, call: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        f"### `{method.upper()} {path}`",
        "",
        " ".join(filter(None, [sentence(call.get("summary")), clean(call.get("description"))])),
    ]
    if scopes := [f"`{scope}`" for way in call.get("security", ()) for scope in way.get("token", ())]:
        lines += ["", f"A token needs the scope {' or '.join(scopes)}."]
    if parameters := call.get("parameters"):
        lines += ["", *table("Parameter", "In", "What it is")]
        lines += [row(f"`{p['name']}`", p["in"], clean(p.get("description"))) for p in parameters]
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = [
        f"{status}{f' {type_link(found)}' if (found := answer_schema(answer)) else ''}"
        for status, answer in call["responses"].items()
        if status < "400"
    ]
    lines += ["", *([f"Takes {type_link(body)}.", ""] if body else []), f"Answers {', '.join(answers)}."]
    return lines


def answer_schema(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = answer.get("content", {}).get("application/json", {}).get("schema")
    return found


def type_link(said: Mapping[str, Any]) -> str:
    if "$ref" in said:
        name = said["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if said.get("type") == "array":
        return f"list of {type_link(said['items'])}"
    if "anyOf" in said:
        return " or ".join(type_link(choice) for choice in said["anyOf"])
    if "enum" in said:
        return ", ".join(f"`{value}`" for value in said["enum"])
    if "const" in said:
        return f"`{said['const']}`"
    kind = said.get("type", "any JSON")
    return {"string": said.get("format", "text"), "null": "null", "object": "mapping"}.get(kind, kind)


def describe_type(name: str, said: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    lines = [f"### {name}", "", clean(said.get("description")), ""]
    if "enum" in said:
        return [*lines, f"One of {type_link(said)}.", ""]
    if properties := said.get("properties"):
        lines += table("Field", "Type", "What it is")
        lines += [row(f"`{field}`", type_link(inner), clean(inner.get("description"))) for field, inner in properties.items()]
        lines.append("")
    return lines


def sentence(text: str | None) -> str:
    return f"{clean(text).rstrip('.')}." if text else ""


def table(*heads: str) -> list[str]:
    return [row(*heads), row(*("---" for _ in heads))]


def row(*cells: str) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def packages_page() -> str:
    """List what a session has in R and Python, and what is there beside."""
    top = REFERENCE.parents[1]
    lines = [
        "# Packages of a session",
        MADE,
        "",
        "Every session has these, on one machine and in images. [What you install](../concepts.md#packages) comes before them.",
        "",
        "## R",
        "",
        "R's own and recommended packages, compilers, pandoc, `rspark`, `nycflights13` (five tables of flights), and:",
        "",
        *table("Package", "For"),
    ]
    lines += package_rows(top / "requirements/r-packages.txt")
    lines += [
        "",
        "Compilers for C, C++ and Fortran are there for `install.packages()`. These are in no registry that an installation is",
        "made from; where a session reaches CRAN, `install.packages()` gets them:",
        "",
        *table("Package", "In its place"),
        *package_rows(top / "requirements/r-packages-absent.txt"),
    ]
    project = tomllib.loads((top / "session/pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = dict(
        re.findall(r"^([a-z0-9_.-]+)==(\S+)", (top / "requirements/session.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    lines += ["", "## Python", "", *table("Package", "Version")]
    for requirement in sorted(project["dependencies"], key=str.lower):
        name = re.split(r"[\[<>=]", requirement)[0]
        if version := locked.get(name.lower().replace("_", "-")):
            lines.append(row(f"`{name}`", version))
    return "\n".join(lines)


def package_rows(file: Path) -> list[str]:
    """Return a row for each line of a list of packages that is no comment: its name, and what it is for."""
    lines = file.read_text(encoding="utf-8").splitlines()
    named = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return [row(f"`{name}`", purpose) for name, purpose in named]


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "environment.md": environment_page,
    "commands.md": commands_page,
    "api.md": api_page,
    "packages.md": packages_page,
    "rc2-protocol.md": lambda: protocol_page(MADE),
}


def kept_rows() -> str:
    """Make the table of what a sleep keeps beside objects, from the cases of its tests: `*_state.py`, one a language."""
    lines = table("", "kept", "ends, and is named")
    for language, title in {"r": "R", "python": "Python", "bash": "bash"}.items():
        file = ROOT / "session" / "tests" / "workspace" / f"{language}_state.py"
        if file.exists():
            cases = runpy.run_path(str(file))["CASES"]
            kept = "; ".join(case.what for case in cases if not case.named)
            lines.append(row(title, kept, "; ".join(case.what for case in cases if case.named)))
    return "\n".join(lines)


def with_kept_rows(text: str) -> str:
    """Return docs/concepts.md with that table between its two marks."""
    before, rest = text.split(KEPT_BEGIN)
    _, after = rest.split(KEPT_END)
    return f"{before}{KEPT_BEGIN}\n\n{kept_rows()}\n\n{KEPT_END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page is not current")
    check = parser.parse_args().check
    stale = []
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make().rstrip() + "\n"
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"docs/reference/{name} was made anew.")
    concepts = REFERENCE.parent / "concepts.md"
    text = with_kept_rows(concepts.read_text())
    if text != concepts.read_text():
        stale.append("../concepts.md")
        if not check:
            concepts.write_text(text)
            print("docs/concepts.md was made anew.")
    if check and stale:
        print(f"Not current: {', '.join(stale)}. `make docs` makes them anew.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
