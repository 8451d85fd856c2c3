"""`python -m rspark_session.handout HANDOUT`: brings one, and prints how far it is as lines of JSON.

`{"step": …}` while it goes on; at the end `{"folder": …, "document": …, "notes": […]}`, or `{"reason": …}`.
"""

import json
import os
import sys
from pathlib import Path

from rspark_contract import reading
from rspark_contract.handout import MOST_BYTES, Handout
from rspark_session.handout.bringing import bring
from rspark_session.handout.files import HandoutProblem, Limits
from rspark_session.processes import prctl
from rspark_session.project_template import TEMPLATES


def main() -> int:
    """Bring the handout of the command line; return the exit code."""
    prctl.end_with_parent()
    handout = Handout.parse(reading.decode(sys.argv[1], most=MOST_BYTES))
    try:
        brought = bring(
            handout,
            home=Path(os.environ["HOME"]),
            templates=Path(sys.prefix) / TEMPLATES,
            environ=os.environ,
            limits=Limits(),
            on_step=lambda step: _say({"step": step}),
        )
    except HandoutProblem as problem:
        _say({"reason": str(problem)})
        return 1
    _say({"folder": brought.folder, "document": brought.document, "notes": list(brought.notes)})
    return 0


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
