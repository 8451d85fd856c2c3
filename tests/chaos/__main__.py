"""`python -m tests.chaos --sessions 20 --rounds 30`."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.harness import Plan, run
from tests.unix_accounts import remove_accounts


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    arguments.add_argument("--sessions", type=int, default=20)
    arguments.add_argument("--rounds", type=int, default=30)
    arguments.add_argument("--seed", type=int, default=None, help="to do the same again")
    arguments.add_argument("--pause", type=float, default=6.0, help="seconds of a round, about")
    arguments.add_argument("--stand-in", action="store_true", help="light sessions without R, which start in an instant")
    given = arguments.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    plan = Plan(sessions=given.sessions, rounds=given.rounds, seed=seed, real=not given.stand_in, pause=given.pause)
    print(f"{plan.sessions} sessions, {plan.rounds} rounds, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        try:
            report = asyncio.run(run(plan, Path(folder)))
        finally:
            remove_accounts(Path(folder))
    print("\n".join(report.lines()))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
