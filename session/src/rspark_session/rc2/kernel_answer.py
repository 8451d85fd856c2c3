"""What a kernel answers to a question of the server's: JSON, in which `problem` is why it can't."""

import json
from typing import Any

from rspark_session.rc2.refusal import Refusal

MOST_BYTES = 2**26


def read(text: str | bytes) -> dict[str, Any]:
    """Return an answer; raise `Refusal` when it is none, or says what is wrong."""
    try:
        answer = json.loads(text)
    except ValueError as problem:
        raise Refusal("The kernel's answer can't be read.") from problem
    if not isinstance(answer, dict):
        raise Refusal("The kernel's answer can't be read.")
    if isinstance(answer.get("problem"), str):
        raise Refusal(answer["problem"])
    return answer
