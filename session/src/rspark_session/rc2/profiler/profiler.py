"""The profiler of consoles: it names the file that a kernel samples into, and records what was found once the code has ended."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.profiler.calls import put_together
from rspark_session.rc2.profiler.language import Language
from rspark_session.rc2.profiler.python_sampling import PythonSampling
from rspark_session.rc2.profiler.r_rprof import RRprof
from rspark_session.rc2.refusal import Refusal

if TYPE_CHECKING:
    from rspark_session.rc2.console import Console

_NO_PROFILER = "{} has no profiler here. R and Python have one."
_TOO_QUICK = "The code was too quick to be profiled: {} is looked at every {:.0f} ms while it computes. Waiting is not computing."
_NOT_RUN = "Nothing was profiled: the code did not run."
_NOT_WHOLE = "The profile is too large to be read whole: its beginning is shown."


@dataclass(frozen=True)
class Profiling:
    """The profile of an execution: of which language, into which file, and the metadata that goes with the execution."""

    console: "Console"
    language: Language | None = None
    file: Path | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


class Profiler:
    """Reads the profiles of executions; `folder` is where kernels write them, `home` where a person's files are."""

    def __init__(self, folder: Path, blobs: BlobStore, *, home: Path) -> None:
        self._folder = folder
        self._blobs = blobs
        self._languages: dict[str, Language] = {"R": RRprof(), "python": PythonSampling(home)}

    async def begin(self, console: "Console", request: protocol.Execute) -> Profiling | None:
        """Make ready for an execution; return None for one that is not to be profiled."""
        language = self._languages.get(console.identity.language)
        if language is not None:
            language.prepare(console, request)
        if not request.profile:
            return None
        if language is None:
            return Profiling(console, problem=_NO_PROFILER.format(console.identity.title))
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = self._folder / f"{uuid.uuid4().hex}.out"
            return Profiling(console, language, file, await language.begin(console, file))
        except (OSError, Refusal) as problem:
            return Profiling(console, problem=f"{language.title} could not be profiled: {problem}")

    async def end(self, profiling: Profiling, outcome: str | None) -> dict[str, Any]:
        """Return the fields of `Profiled` for what was sampled; `outcome` is what the kernel says of it, if it says something."""
        language, file = profiling.language, profiling.file
        if language is None or file is None:
            return {"problem": profiling.problem}
        if outcome == "theirs":
            return {"problem": language.theirs}
        if outcome is not None and outcome.startswith("failed: "):
            return {"problem": f"{language.title} could not be profiled: {outcome.removeprefix('failed: ')[:500]}"}
        try:
            return await asyncio.to_thread(self._keep, profiling.console, language, file, outcome)
        except FileNotFoundError:
            return {"problem": _NOT_RUN}
        except OSError as problem:
            return {"problem": f"The profile could not be kept: {problem.strerror}."}

    def _keep(self, console: "Console", language: Language, file: Path, outcome: str | None) -> dict[str, Any]:
        samples = language.samples(console, file)
        try:
            profile = put_together(samples, language.title)
        finally:
            file.unlink(missing_ok=True)
        if not profile.samples:
            return {"problem": _TOO_QUICK.format(language.title, profile.interval * 1000)}
        note = language.note(outcome or "") or (None if samples.is_whole else _NOT_WHOLE)
        content = profile.model_copy(update={"note": note}).model_dump_json().encode()
        return {"blob": self._blobs.add(content), "seconds": profile.samples * profile.interval}
