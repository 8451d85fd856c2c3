"""What a session gets to reach a service: variables and files, and nothing else."""

from dataclasses import dataclass, field

from rspark_contract.ensemble import SecretFile


@dataclass(frozen=True, kw_only=True)
class ServiceAccess:
    """Variables and secret files that a session needs for one service.

    `{run}` in a value stands for the session's run folder, where the files lie.
    """

    environ: dict[str, str] = field(default_factory=dict)
    files: tuple[SecretFile, ...] = ()
