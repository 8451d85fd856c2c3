"""What a job prints, as events: its beginning as it comes, and its end, when all is more than a bound."""

from rspark_session.rc2 import protocol
from rspark_session.rc2.recorder import Recorder, clean

#: Characters that are recorded as they come, and those of the end that are recorded where there are more.
_MOST, _END = 2**20, 2**16
#: Characters of text that are one event.
_LARGEST = 2**16
#: Pieces between returns of a line that is recorded whole; of more only the last are, after the line is cleared.
_MOST_PIECES = 3


class JobOutput:
    """The output of one job. `dropped` are the characters between its recorded beginning and the recorded end."""

    def __init__(self, recorder: Recorder, job: str) -> None:
        self.end = ""
        self.dropped = 0
        self._recorder = recorder
        self._job = job
        self._recorded = 0
        self._beyond = ""

    def take(self, text: str) -> None:
        """Record text, or remember it as the end where enough was recorded."""
        text = clean(without_rewritten(text))
        self.end = (self.end + text)[-_END:]
        room = max(0, _MOST - self._recorded)
        self._record(text[:room])
        if beyond := text[room:]:
            both = self._beyond + beyond
            self._beyond = both[-_END:]
            self.dropped += len(both) - len(self._beyond)

    def close(self) -> None:
        """Record the end that was remembered."""
        if self.dropped:
            self._record(f"\n… {self.dropped:,} characters are left out here …\n")
        self._record(self._beyond)
        self._beyond = ""

    def _record(self, text: str) -> None:
        self._recorded += len(text)
        for begin in range(0, len(text), _LARGEST):
            self._recorder.record(protocol.JobOutput, job=self._job, text=text[begin : begin + _LARGEST])


def without_rewritten(text: str) -> str:
    """Return text without the states of a line that were written over many times at once, as progress bars are."""
    if text.count("\r") < _MOST_PIECES:
        return text
    return "\n".join(map(_last_state, text.split("\n")))


def _last_state(line: str) -> str:
    pieces = line.split("\r")
    return line if len(pieces) <= _MOST_PIECES else f"\r\x1b[2K{pieces[-2]}\r{pieces[-1]}"
