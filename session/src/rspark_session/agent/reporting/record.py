"""The record of how a generation ended: what the next start reads and the hub shows."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.record import MOST_MESSAGE, How, Record
from rspark_contract.saved import Saved
from rspark_contract.status import MOST_BUSY
from rspark_session.agent.components.report import ComponentReport
from rspark_session.files import write_whole


def make_record(
    document: EnsembleDocument,
    *,
    how: How,
    reason: str | None,
    detail: str | None,
    saved: Saved | None = None,
    ended: Iterable[str] = (),
    code: int | None = None,
    components: Iterable[ComponentReport] = (),
) -> Record:
    """Return the record of this generation, which ends now. `code` is 1 for a failure, and else 0, where nothing else is said."""
    return Record(
        session=document.id,
        generation=document.generation,
        how=how,
        reason=reason,
        detail=detail,
        code=code if code is not None else 1 if how is How.FAILED else 0,
        at=datetime.now(UTC),
        saved=saved,
        ended=tuple(ended)[:MOST_BUSY],
        components=tuple(component.exit() for component in components),
    )


def leave(record: Record, document: EnsembleDocument) -> None:
    """Write the record for the hub, and as the termination message of a container, if it runs in one.

    Raises
    ------
    OSError
        When it can't be written.
    """
    message = document.places.termination_message
    if message is not None:
        message.write_text(fitting(record), encoding="utf-8")
    write_whole(document.places.run / "record.json", json.dumps(record.to_json(), indent=1))


def fitting(record: Record) -> str:
    """Return the record in the length of a termination message.

    Of what was lost, only the first is named where there is no room for more; then details go, then what was saved.
    """
    for most in (100, 30, 10, 3, 1, 0):
        text = _compact(_shortened(record, most))
        if len(text) <= MOST_MESSAGE:
            return text
    shorter = _shortened(record, 0)
    for lesser in (
        replace(shorter, detail=None),
        replace(shorter, detail=None, ended=()),
        replace(shorter, detail=None, ended=(), components=()),
        replace(shorter, detail=None, ended=(), components=(), saved=Saved() if record.saved is not None else None),
    ):
        text = _compact(lesser)
        if len(text) <= MOST_MESSAGE:
            return text
    reason = record.reason and record.reason[:500]
    saved = Saved() if record.saved is not None else None
    return _compact(replace(record, reason=reason, detail=None, ended=(), components=(), saved=saved))


def _shortened(record: Record, most: int) -> Record:
    return record if record.saved is None else replace(record, saved=record.saved.shortened(most))


def _compact(record: Record) -> str:
    return json.dumps(record.to_json(), separators=(",", ":"))  # ASCII: a letter is a byte
