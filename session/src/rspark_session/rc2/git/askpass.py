"""Answers the questions of git for a name and a password, from a file that only the person can read.

Git starts it with its question. Where the file has no answer for the place that asks, it says nothing, and leaves the question
beside it. It imports nothing of ours, so that it starts at once.
"""

import json
import os
import re
import sys
from pathlib import Path

QUESTION = re.compile(r"^(Username|Password) for '([A-Za-z][A-Za-z0-9+.-]*://)(?:([^/@']*)@)?([^/@']+[^']*)': ?$")


def main() -> int:
    """Print the answer, and return 0; 1 where there is none."""
    folder = Path(os.environ["RSPARK_GIT_ANSWERS"])
    asked = QUESTION.match(sys.argv[1] if len(sys.argv) > 1 else "")
    if asked is None:
        return 1
    kind, scheme, username, host = asked.groups()
    place = scheme + host
    answers = json.loads((folder / "answers").read_text()).get(place)
    if answers is None:
        (folder / "question").write_text(json.dumps({"place": place, "username": username}))
        return 1
    sys.stdout.write(f"{answers[0 if kind == 'Username' else 1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
