"""From what the hub said was wrong back to the error it was."""

import httpx
from pydantic import ValidationError

from rsparkhub.domain import errors
from rsparkhub.domain.errors import Busy, RsparkhubError, TooManyRequests, Unavailable
from rsparkhub.wire.problem import Problem

_RETRY_AFTER = 60  # seconds, where the hub says nothing


def _all(kind: type[RsparkhubError]) -> list[type[RsparkhubError]]:
    """Return the errors that a caller may know: what the hub's own rooms make of them is theirs."""
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(each for child in children for each in _all(child))]


_BY_CODE = {kind.code: kind for kind in _all(errors.RsparkhubError)}
_BY_STATUS = {kind.status: kind for kind in reversed(_all(errors.RsparkhubError))}


def error_of(response: httpx.Response) -> RsparkhubError:
    """Return the error that an answer tells; its content has been read."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:  # not from the hub: the edge, or something else on the way
        return Unavailable(
            f"RSparkHub at {response.request.url.host} does not answer (status {response.status_code}). Try again."
        )
    kind = _BY_CODE.get(problem.code) or _BY_STATUS.get(problem.status) or RsparkhubError
    if issubclass(kind, TooManyRequests):
        after = response.headers.get("Retry-After", "")
        return kind(problem.detail, retry_after=int(after) if after.isdigit() else _RETRY_AFTER)
    if kind is Busy:
        return Busy(problem.detail, running=problem.running or ())
    return kind(problem.detail)
