"""What the command line's exit codes mean, for scripts."""

from enum import IntEnum

from rsparkhub.domain.errors import AlreadyRunning, InstallationProblem, NotAllowed, NotSignedIn, RsparkhubError, Unavailable


class ExitCode(IntEnum):
    """An exit code; each has the sentence that the reference page shows."""

    explanation: str

    def __new__(cls, code: int, explanation: str) -> "ExitCode":
        member = int.__new__(cls, code)
        member._value_ = code
        member.explanation = explanation
        return member

    OK = 0, "It is done."
    FAILED = 1, "What you asked for could not be done; the sentence on standard error says why."
    USAGE = 2, "The command line was not understood."
    ALREADY_RUNNING = 3, "RSparkHub already runs on this data folder."
    INSTALLATION = 4, "Something about this machine, its settings or its data folder is in the way."
    UNREACHABLE = 5, "The hub does not answer."
    NOT_ALLOWED = 6, "You are not signed in, or may not do this."
    BUG = 70, "An error of RSparkHub itself; the log has the details."
    INTERRUPTED = 130, "You pressed Ctrl+C."


def code_of(error: RsparkhubError) -> ExitCode:
    """Return the exit code of an error."""
    match error:
        case AlreadyRunning():
            return ExitCode.ALREADY_RUNNING
        case InstallationProblem():
            return ExitCode.INSTALLATION
        case Unavailable():
            return ExitCode.UNREACHABLE
        case NotSignedIn() | NotAllowed():
            return ExitCode.NOT_ALLOWED
    return ExitCode.FAILED
