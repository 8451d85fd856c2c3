"""Answers over HTTP, under `rc2/api/`: tables, completion, help, history, plots."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.events import Blob
from rspark_session.rc2.protocol.model import Count, Identifier, Model, ShortText, Source
from rspark_session.rc2.protocol.notices import Variable


class Column(Model):
    """A column of a table: `missing` values of it, the range of numbers, and how many of them fall into each of equal parts."""

    name: str
    type: str
    label: str | None = None
    missing: Count | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    histogram: tuple[int, ...] = ()
    levels: tuple[str, ...] = ()


class Filter(Model):
    """A condition on a column, by its number from 0. `between` has two values, `is_missing` and `is_present` none."""

    column: Count
    operator: Literal["=", "!=", "<", "<=", ">", ">=", "between", "contains", "starts", "in", "is_missing", "is_present"]
    values: Annotated[tuple[float | str | bool, ...], Field(max_length=1000)] = ()


class Sort(Model):
    """A column to sort by, by its number from 0."""

    column: Count
    descending: bool = False


class TablePart(Model):
    """A part of a table: some rows and columns of what passes filters and search, in order."""

    first_row: Count = 0
    rows: Annotated[int, Field(ge=0, le=1000)] = 100
    first_column: Count = 0
    columns: Annotated[int, Field(ge=1, le=500)] = 100
    sort: Annotated[tuple[Sort, ...], Field(max_length=8)] = ()
    filters: Annotated[tuple[Filter, ...], Field(max_length=32)] = ()
    search: Annotated[str, Field(max_length=1000)] = ""
    summarize: bool = False


class PageRequest(TablePart):
    """`POST consoles/<console>/page`: rows of a table. `path` leads from the variable into lists, by names or numbers from 0."""

    name: Annotated[str, Field(min_length=1, max_length=10_000)]
    path: Annotated[tuple[str | int, ...], Field(max_length=50)] = ()


class Page(Model):
    """Rows of a table, as text that the language formats; None is a missing value. `columns` are those from `first_column` on.

    `rows` are in the table, `matching` of them pass filters and search. With `summarize` the columns have counts and histograms.
    With `more` there are further rows, which are not read: `rows` and `matching` count those that are.
    """

    rows: Count
    matching: Count
    all_columns: Count
    first_row: Count
    first_column: Count
    columns: tuple[Column, ...]
    row_names: tuple[str, ...]
    cells: tuple[tuple[str | None, ...], ...] = Field(description="By column.")
    more: bool = False


class ChildrenRequest(Model):
    """`POST consoles/<console>/children`: what is inside a list, an environment or an object."""

    name: Annotated[str, Field(min_length=1, max_length=10_000)]
    path: Annotated[tuple[str | int, ...], Field(max_length=50)] = ()
    first: Count = 0
    count: Annotated[int, Field(ge=1, le=1000)] = 100


class Children(Model):
    """Elements, and how many there are in all; `source` is a function's text."""

    total: Count
    children: tuple[Variable, ...]
    source: str | None = None


class CompletionRequest(Model):
    """`POST consoles/<console>/complete`. `position` is in characters (code points)."""

    code: Annotated[str, Field(max_length=2**20)]
    position: Count


class Completion(Model):
    """One way to go on; `type` such as `function`, `column`, `argument`, `file`, where it is known."""

    text: str
    type: str | None = None


class Completions(Model):
    """What may stand instead of the characters from `start` to `end`."""

    start: Count
    end: Count
    completions: tuple[Completion, ...]


class InspectRequest(Model):
    """`POST consoles/<console>/inspect`: what the language says of what stands at a position, for hover and signatures."""

    code: Annotated[str, Field(max_length=2**20)]
    position: Count
    detail: Literal[0, 1] = 0


class Inspection(Model):
    """Forms of it by their MIME types; none when nothing is known."""

    found: bool
    data: dict[str, str] = {}  # noqa: RUF012  (pydantic copies it)


class HelpRequest(Model):
    """`POST consoles/<console>/help`: a topic, in any package or in one; a whole package; a vignette; or words to search for.

    `again` looks for more of what was searched for while help is read: it is no activity of a person.
    """

    topic: Annotated[str, Field(max_length=1000)] = ""
    package: Annotated[str, Field(max_length=200)] = ""
    search: Annotated[str, Field(max_length=1000)] = ""
    vignette: Annotated[str, Field(max_length=1000)] = ""
    again: bool = False


class ExcerptPart(Model):
    """A part of a text, and whether it is what was searched for."""

    text: str
    found: bool = False


class HelpMatch(Model):
    """A topic or a vignette that was found, and a part of its text where words of it were searched for."""

    topic: str
    package: str
    title: str
    vignette: bool = False
    excerpt: tuple[ExcerptPart, ...] = ()


class Vignette(Model):
    """A vignette as it was made; `rc2/api/vignette/<sha256>` has it."""

    blob: Blob
    form: Literal["html", "pdf"]


class Indexing(Model):
    """How many packages have been read, of those whose help is not in the index yet; `total` is 0 until that is known."""

    done: Count
    total: Count


class Help(Model):
    """A page in HTML, or in plain text where the language has no other; a vignette; or topics and vignettes to choose from.

    `indexing` says that more may be found soon; `note` is a sentence on why less is found than there is.
    """

    topic: str = ""
    package: str = ""
    title: str = ""
    html: str | None = None
    text: str | None = None
    vignette: Vignette | None = None
    matches: tuple[HelpMatch, ...] = ()
    indexing: Indexing | None = None
    note: str | None = None


class HistoryEntry(Model):
    """Code that was executed."""

    execution: Identifier
    time: datetime
    who: ShortText
    code: str


class History(Model):
    """`GET consoles/<console>/history?search=&before=&count=`: newest first; `before` is a sequence number."""

    entries: tuple[HistoryEntry, ...]
    next_before: Count | None = None


class PlotEntry(Model):
    """A plot and the code that made it."""

    seq: Count
    execution: Identifier
    plot: str | None
    time: datetime
    code: str
    source: Source | None = None


class Plots(Model):
    """`GET consoles/<console>/plots`: oldest first. `…/plots/<plot>?format=svg|png|pdf&width=&height=&density=` draws one."""

    plots: tuple[PlotEntry, ...]
