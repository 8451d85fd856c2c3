"""What can go wrong, named after what the person did. Each becomes problem+json in one place, and one line on a terminal."""

from collections.abc import Sequence


class RsparkhubError(Exception):
    """A sentence that says what is wrong and what to do. `status` is its HTTP status, `code` its name in problem+json."""

    status = 400
    code = "bad-request"


class InvalidInput(RsparkhubError):
    status, code = 422, "invalid-input"


class NotSignedIn(RsparkhubError):
    status, code = 401, "not-signed-in"


class NotAllowed(RsparkhubError):
    status, code = 403, "not-allowed"


class NotFound(RsparkhubError):
    status, code = 404, "not-found"


class Conflict(RsparkhubError):
    status, code = 409, "conflict"


class TooManyRequests(RsparkhubError):
    """Somebody asks for more than one person may have; `retry_after` is in seconds, None where waiting alone doesn't help."""

    status, code = 429, "too-many-requests"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyAttempts(TooManyRequests):
    """A password was wrong too often."""

    code = "too-many-attempts"


class Unavailable(RsparkhubError):
    status, code = 503, "unavailable"


class TookTooLong(RsparkhubError):
    status, code = 504, "took-too-long"


class Busy(Conflict):
    """A session computes, and what is asked would end that; `running` names it, and `confirm` does it all the same."""

    code = "busy"

    def __init__(self, message: str, *, running: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.running = tuple(running)


class SessionFailed(Conflict):
    """A session did not get where it was wanted."""

    code = "session-failed"


class EnvironmentInvalid(InvalidInput):
    code = "environment-invalid"


class InstallationProblem(RsparkhubError):
    """Something about this machine or its data folder keeps RSparkHub from starting."""

    status, code = 500, "installation-problem"


class AlreadyRunning(RsparkhubError):
    """Another process holds the data folder."""

    status, code = 409, "already-running"


class CannotStart(Unavailable):
    """A session could not be started where it should run. `detail` is the line that an administrator needs."""

    code = "cannot-start"

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail
