"""`rsparkhub group folder` and what is done with the folder of a course: data given, work handed in, collected, given back."""

import re
from datetime import datetime
from pathlib import Path
from types import EllipsisType
from typing import Annotated

import typer

from rsparkhub.cli.group import Name
from rsparkhub.cli.output import AsJson, say

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, show_default=False)]

_WITHOUT_SECONDS = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?:Z|[+-]\d\d:?\d\d)?"


def folder(
    name: Name,
    is_open: Annotated[
        bool | None,
        typer.Option("--open/--close", help="Whether it takes work; data are given in any case.", show_default=False),
    ] = None,
    due: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]TIME",
            help="Until when work is due, as 2026-12-05T23:59, here, to the end of that minute; `none` for never. `lab1=TIME` is "
            "for what is handed in as lab1 with any ending, `lab1=none` takes that away. May be given several times.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open or close the course folder of a group, or show it; for its instructors."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    if is_open is not None or due:
        times = {each: _read_due(time) for each, _, time in (said.rpartition("=") for said in due or ())}
        until: datetime | EllipsisType | None = times.pop("", ...)
        group = ask(lambda hub: hub.groups.set_course_folder(name, course_folder=is_open, due=until, assignments=times))
    else:
        group = ask(lambda hub: hub.groups.get(name))
    if as_json:
        shown = group.model_dump(mode="json")
        print_json({"name": name, "course_folder": shown["course_folder"]} | {key: shown[key] for key in ("due", "assignments")})
    else:
        until_when = f"; work is due {_local(group.due)}" if group.due else ""
        takes = "open" if group.course_folder else "closed, and takes no work"
        say(f"The course folder of {name} is {takes}{until_when}.")
        for each in group.assignments:
            say(f"{each.name} is due {_local(each.due)}.")


def data(as_json: AsJson = False) -> None:
    """List the data of your courses."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, print_table

    found = ask(lambda hub: hub.groups.courses())
    if as_json:
        print_json({"courses": [each.model_dump(mode="json") for each in found]})
        return
    print_table(
        ["COURSE", "ID", "FILE", "BYTES"],
        ([course.group, file.id, file.path, str(file.size)] for course in found for file in course.data),
        empty="No course of yours has data.",
    )


def give(
    name: Name,
    file: FileArgument,
    path: Annotated[
        str | None, typer.Option("--as", metavar="PATH", help="Where it lies below `data`.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a file to the people of a course, who find it in `~/courses/NAME/data`; for its instructors."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    given = ask(lambda hub: hub.groups.give(name, file, path or file.name))
    if as_json:
        print_json(given.model_dump(mode="json"))
    else:
        say(f"{name} has {given.path}.")


def take_away(
    name: Name,
    file: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `data` lists it.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Take a file away from the data of a course; for its instructors."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    ask(lambda hub: hub.groups.take_away(name, file))
    if as_json:
        print_json({"removed": file})
    else:
        say(f"{name} has it no longer.")


def hand_in(name: Name, file: FileArgument, as_json: AsJson = False) -> None:
    """Hand in a file to a course of yours. What you handed in before is kept."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    done = ask(lambda hub: hub.groups.hand_in(name, file))
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        of = f" for {done.assignment}" if done.assignment else _as_other_work(name)
        due = f"{', late: it was' if done.late else ','} due {_local(done.due)}" if done.due else ""
        say(f"{done.file} is handed in to {name}{of}{due}.")


def hand_ins(
    name: Name,
    own: Annotated[bool, typer.Option("--own", help="Only what you handed in yourself.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what was handed in to a course: by everybody, for its instructors, or by you."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, print_table

    found = ask(lambda hub: hub.groups.hand_ins(name, own=own))
    if as_json:
        print_json({"hand_ins": [each.model_dump(mode="json") for each in found]})
        return
    print_table(
        ["ID", "PERSON", "FILE", "FOR", "WHEN", "LATE", "BYTES", "RETURNED"],
        (
            [
                each.id,
                each.person,
                each.file,
                each.assignment or "",
                _local(each.at),
                "late" if each.late else "",
                str(each.size),
                str(len(each.returned)),
            ]
            for each in found
        ),
        empty="Nothing was handed in.",
    )


def remove_hand_in(
    name: Name,
    hand_in: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `hand-ins` lists it.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Remove one thing that was handed in, with what was given back on it, so that its student has room; for instructors.

    It can't be had back: `collect` saves all before.
    """
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    ask(lambda hub: hub.groups.remove_hand_in(name, hand_in))
    if as_json:
        print_json({"removed": hand_in})
    else:
        say(f"{name} has it no longer.")


def collect(
    name: Annotated[str, typer.Argument(help="The group's name; with `--removed` its id.", show_default=False)],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", dir_okay=False, help="The ZIP file that is written.", show_default=False)
    ],
    removed: Annotated[bool, typer.Option("--removed", help="Of a group that was removed, while it is kept.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save all that was handed in to a course, a folder for each person; for its instructors."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    ask(lambda hub: hub.groups.collect(name, file, removed=removed))
    if as_json:
        print_json({"file": str(file), "size": file.stat().st_size})
    else:
        say(f"What was handed in to {name} is in {file}.")


def return_(
    name: Name,
    hand_in: Annotated[str, typer.Argument(metavar="ID", help="What it is about, as `hand-ins` lists it.", show_default=False)],
    file: FileArgument,
    as_json: AsJson = False,
) -> None:
    """Give a file back to a student, with remarks on what they handed in; for instructors."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    back = ask(lambda hub: hub.groups.give_back(name, hand_in, file))
    if as_json:
        print_json(back.model_dump(mode="json"))
    else:
        say(f"{back.file} is given back.")


def add_to(group: typer.Typer) -> None:
    """Add the commands to those of groups."""
    for command in (folder, data, give, take_away, hand_in, hand_ins, remove_hand_in, collect):
        group.command(command.__name__.replace("_", "-"))(command)
    group.command("return")(return_)


def _as_other_work(name: str) -> str:
    """Return for what something was handed in that is for no assignment, where the course has some."""
    from rsparkhub.cli.access import ask

    courses = ask(lambda hub: hub.groups.courses(data=False))
    own = ", ".join(each.name for course in courses if course.group == name for each in course.assignments)
    return f" as other work, for none of its assignments ({own})" if own else ""


def _read_due(text: str) -> datetime | None:
    if text == "none":
        return None
    try:
        due = datetime.fromisoformat(text)
        if re.fullmatch(_WITHOUT_SECONDS, text):  # until 23:59 is to the end of that minute
            due = due.replace(second=59)
        return due.astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter("A time is written like 2026-12-05T23:59; `none` is never.", param_hint="--due") from None


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"
