"""The profiler of consoles: it names the file that R samples into, and records what was found once the code has ended."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.profiler.calls import put_together
from rspark_session.rc2.profiler.rprof import Samples

_R_ALONE = "Rc² profiles R alone. In Python, %prun tells the time that each function takes."
_THEIRS = "R is being profiled already, by an Rprof() of yours, which goes on. End it with Rprof(NULL), then profile here."
_TOO_QUICK = "The code was too quick to be profiled: R is looked at every {:.0f} ms while it computes. Waiting is not computing."
_NOT_RUN = "Nothing was profiled: the code did not run."
_NOTES = {
    "ended": "The code called Rprof() itself: what came after it is not in this profile.",
    "large": "The profile has become too large. What came after is not in it.",
}
_NOT_WHOLE = "The profile is too large to be read whole: its beginning is shown."


class Profiler:
    """Reads the profiles of executions; `folder` is where R writes them."""

    def __init__(self, folder: Path, blobs: BlobStore) -> None:
        self._folder = folder
        self._blobs = blobs

    def begin(self, language: str) -> Path | None:
        """Return the file that a kernel is to sample into; None where its language has no profiler here."""
        if language != "R":
            return None
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._folder / f"{uuid.uuid4().hex}.out"

    async def end(self, file: Path | None, outcome: str | None) -> dict[str, Any]:
        """Return the fields of `Profiled` for what R has sampled; `outcome` is what it says of it, None where it says nothing."""
        if file is None:
            return {"problem": _R_ALONE}
        if outcome == "theirs":
            return {"problem": _THEIRS}
        if outcome is not None and outcome.startswith("failed: "):
            return {"problem": f"R could not be profiled: {outcome.removeprefix('failed: ')[:500]}"}
        try:
            return await asyncio.to_thread(self._keep, file, outcome)
        except FileNotFoundError:
            return {"problem": _NOT_RUN}
        except OSError as problem:
            return {"problem": f"The profile could not be kept: {problem.strerror}."}

    def _keep(self, file: Path, outcome: str | None) -> dict[str, Any]:
        samples = Samples(file)
        try:
            profile = put_together(samples)
        finally:
            file.unlink(missing_ok=True)
        if not profile.samples:
            return {"problem": _TOO_QUICK.format(profile.interval * 1000)}
        note = _NOTES.get(outcome or "", None if samples.is_whole else _NOT_WHOLE)
        content = profile.model_copy(update={"note": note}).model_dump_json().encode()
        return {"blob": self._blobs.add(content), "seconds": profile.samples * profile.interval}
