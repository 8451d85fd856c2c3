"""A class at once: a list of people is added as a whole, or not at all."""

import csv
import io
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import administrator, by_now
from rsparkhub.api.problems import responses
from rsparkhub.domain.access import Identity
from rsparkhub.domain.roster import RosterRow, read_roster
from rsparkhub.domain.scope import Scope
from rsparkhub.wire.users import Roster, RosterProblemView, RosterResult

router = APIRouter(prefix="/hub/api", tags=["people"])

Administrator = Annotated[Identity, administrator(Scope.USERS)]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one at the beginning of a cell


@router.post("/roster", summary="Add a class at once", responses=responses(401, 403, 422))
async def add(body: Roster, identity: Administrator, context: Context) -> RosterResult:
    """Where something is wrong in a line, the answer says what and where, and nobody is added.

    Whoever is there already keeps what they have, gets the full name and the address of the list, and is put into the group.
    """
    rows, problems = read_roster(body.text)
    if problems or body.check:
        wrong = [RosterProblemView(line=each.line, text=each.text) for each in problems]
        return RosterResult(problems=wrong, added=[], there=[], links="")
    added, there = await context.store.users.add_all(rows, by=by_now(identity, context))
    new = frozenset(added)
    links = await links_of(context, identity, [row for row in rows if row.name in new]) if body.links and added else ""
    return RosterResult(problems=[], added=added, there=there, links=links)


async def links_of(context: AppContext, identity: Identity, rows: Sequence[RosterRow]) -> str:
    """Make a sign-in link for each of these people, and return them as CSV."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(["name", "full name", "e-mail", "link", "until"])
    for row in rows:
        now = context.now()
        token = await context.authenticator.make_link(row.name, by=by_now(identity, context), now=now)
        until = f"{now + context.settings.link_lifetime:%Y-%m-%d %H:%M} UTC"
        cells = (row.name, row.full_name or "", row.email or "", f"{context.settings.url}/hub/?token={token}", until)
        table.writerow([_as_text(cell) for cell in cells])
    return written.getvalue()


def _as_text(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
