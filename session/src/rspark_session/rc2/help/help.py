"""What is asked of help: a topic of a console's language, and words of the index."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from rspark_session.rc2 import protocol
from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.console import Console
from rspark_session.rc2.help import vignettes
from rspark_session.rc2.help.index import HelpIndex
from rspark_session.rc2.introspection import Introspection
from rspark_session.rc2.refusal import Busy, Refusal

#: Seconds that words wait for the kernel, which says where it finds packages.
_PATIENCE = 0.5


class Help:
    """Answers for consoles; `file` keeps the index. `on_programs` is called when `programs` has changed."""

    def __init__(self, file: Path, introspection: Introspection, blobs: BlobStore, *, on_programs: Callable[[], None]) -> None:
        self._introspection = introspection
        self._blobs = blobs
        self._index = HelpIndex(file, on_programs=on_programs)
        self._libraries: dict[str, tuple[str, ...]] = {}  # by language, as a console of it has said last

    async def find(self, console: Console, request: protocol.HelpRequest) -> protocol.Help:
        """Return a page, a vignette, or what there is to choose from.

        Raises
        ------
        Refusal
            When there is nothing; `Busy` when the kernel computes and has to be asked.
        """
        if request.search:
            return await self._search(console, request.search, again=request.again)
        question = {"ask": "help", **request.model_dump(mode="json", exclude={"search", "again"})}
        answer = await self._introspection.ask(console, question)
        if answer.pop("missing", False):
            found = await self._search(console, request.topic)
            if not found.matches and found.indexing is None:
                raise Refusal(f"There is no help on {request.topic} in what is installed here.")
            return found
        if (file := answer.pop("file", None)) is not None:
            answer["vignette"] = await asyncio.to_thread(vignettes.keep, Path(file), self._blobs)
        return protocol.Help.model_validate(answer)

    @property
    def programs(self) -> list[int]:
        """The pids of the programs that read what is installed."""
        return self._index.programs

    def close(self) -> None:
        """Read no more of what is installed."""
        self._index.close()

    async def _search(self, console: Console, text: str, *, again: bool = False) -> protocol.Help:
        language = console.identity.language
        if again and language in self._libraries:
            return await self._index.search(language, self._libraries[language], text)
        try:
            answer = await self._introspection.ask(console, {"ask": "libraries"}, turn=_PATIENCE)
            self._libraries[language] = tuple(map(str, answer["libraries"]))
        except Busy:
            if language not in self._libraries:
                raise
        return await self._index.search(language, self._libraries[language], text)
