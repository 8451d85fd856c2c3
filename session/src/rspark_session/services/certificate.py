"""A certificate that a service signs itself, by which its clients know it."""

import subprocess
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from rspark_session.services.problem import ServiceProblem

_DAYS = 36500  # who renews it would have to hand it to every session


def make(pem: Path, key: Path, *, names: Sequence[str], openssl: str, title: str) -> None:
    """Write a certificate, which is also the authority that clients trust, and its private key.

    It is of `names`, names of hosts and addresses, and of this machine.

    Raises
    ------
    ServiceProblem
        When the program `openssl` fails.
    """
    command = [
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(key), "-out", str(pem), "-days", str(_DAYS), "-subj", f"/CN={names[0]}",
        "-addext", f"subjectAltName={','.join(map(_alternative, (names[0], 'localhost', '127.0.0.1', *names[1:])))}",
    ]  # fmt: skip
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceProblem(f"The certificate of {title} could not be made: {(done.stderr or done.stdout).strip()}")
    for path in (pem, key):
        path.chmod(0o600)


def _alternative(name: str) -> str:
    """Return a name or an address as a certificate has it."""
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"
