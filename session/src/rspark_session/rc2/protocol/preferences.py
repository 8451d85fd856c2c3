"""What a person prefers, in all sessions that share a home."""

from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.model import Model, ShortText

_Size = Annotated[int, Field(ge=6, le=72)]
_Tab = Annotated[int, Field(ge=1, le=16)]
_Chords = Annotated[tuple[ShortText, ...], Field(max_length=20)]
_Keys = Annotated[dict[ShortText, _Chords], Field(max_length=1000)]
_Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=60)], ...], Field(max_length=2000)]
_Spelling = Literal["browser", "off", "en-us", "en-gb", "de"]
_Theme = Literal["system", "light", "dark"]
_Contrast = Literal["normal", "high"]


class Preferences(Model):
    """What a person prefers: how the page looks, how editors behave, and keys by the command that they mean.

    `wrap` is for long lines of code, `wrap_text` for those of documents of text, also with chunks. `spelling` is the language
    of prose that names none itself, `browser` that of the browser; `words` are right whatever its dictionary says. `kept` is
    whether something was kept before; `note` is a sentence where what was kept can't be read.
    """

    theme: _Theme = "system"
    contrast: _Contrast = "normal"
    font_size: _Size = 13
    wrap: bool = False
    wrap_text: bool = True
    line_numbers: bool = True
    vim: bool = False
    checks: bool = True
    spelling: _Spelling = "browser"
    words: _Words = ()
    tab_size: _Tab = 2
    keys: _Keys = {}  # noqa: RUF012  (pydantic copies it)
    hinted: bool = False
    kept: bool = True
    note: str | None = None


class PreferencesChange(Model):
    """What is other than before. What is left out stays, so that two pages don't undo each other's changes."""

    theme: _Theme | None = None
    contrast: _Contrast | None = None
    font_size: _Size | None = None
    wrap: bool | None = None
    wrap_text: bool | None = None
    line_numbers: bool | None = None
    vim: bool | None = None
    checks: bool | None = None
    spelling: _Spelling | None = None
    words: _Words | None = None
    tab_size: _Tab | None = None
    keys: _Keys | None = None
    hinted: bool | None = None
