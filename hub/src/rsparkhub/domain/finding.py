"""What a check of the installation found: fine, a warning, or a problem with the way to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rsparkhub.domain.errors import InstallationProblem

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of `rsparkhub doctor`. `mend` says what to do, where something is to be done."""

    name: str
    level: Level
    says: str
    mend: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.says} {self.mend}".strip()


def ok(name: str, says: str) -> Finding:
    return Finding(name=name, level="ok", says=says)


def warning(name: str, says: str, mend: str) -> Finding:
    return Finding(name=name, level="warning", says=says, mend=mend)


def problem(name: str, says: str, mend: str) -> Finding:
    return Finding(name=name, level="problem", says=says, mend=mend)


def refuse_problems(findings: Iterable[Finding]) -> None:
    """Raise InstallationProblem when there is a problem among the findings, with all of them in it."""
    problems = [finding.sentence for finding in findings if finding.level == "problem"]
    if problems:
        raise InstallationProblem("\n".join(problems))
