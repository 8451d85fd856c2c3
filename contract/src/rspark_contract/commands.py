"""The command that `rsparkhub session exec` has a session run: one message, and so within bounds that both sides know."""

import json
from collections.abc import Sequence

#: How many words it may have, and how many letters each of them.
MOST_WORDS, MOST_LETTERS = 2**14, 2**17
#: How many bytes the message may have that begins it, and how many of them the words as JSON: the rest says how it runs.
MOST_BYTES = 2**20
_MOST_BYTES_OF_WORDS = MOST_BYTES - 2**10


def why_not(command: Sequence[str]) -> str | None:
    """Return in sentences why no session takes this command, and what to do; None where it does."""
    if len(command) > MOST_WORDS:
        return (
            f"The command has {len(command):,} words, and may have {MOST_WORDS:,}. "
            "Give long lists as input: `… | rsparkhub session exec ID -- xargs COMMAND`."
        )
    for number, word in enumerate(command, start=1):
        try:
            word.encode()
        except UnicodeEncodeError:
            return (
                f"The command's word {number} is not UTF-8, and a session takes no other. "
                "Give it as input, or run it by a script in the session."
            )
        if len(word) > MOST_LETTERS:
            return (
                f"The command's word {number} has {len(word):,} letters, and may have {MOST_LETTERS:,}. "
                "Give what is long as input."
            )
    if len(json.dumps(list(command), ensure_ascii=False).encode()) > _MOST_BYTES_OF_WORDS:
        return "The command's words have more than 1 MB together, and may have no more. Give what is long as input."
    return None
