"""A target for atheris: any bytes as what a session reports, leaves, or notifies.

`python contract/tests/fuzz_reports.py -max_total_time=60` looks for bytes that are answered with anything but a bounded value or
none; `make test-long` does so for a while. The files of version 1 are where it begins.
"""

import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from rspark_contract import reading
    from rspark_contract.notification import read_notification
    from rspark_contract.record import read_record
    from rspark_contract.status import read_status

MOST = 2**18


def look_at(data: bytes) -> None:
    """Read the bytes in every way that there is; raise where one of them breaks its promise."""
    for read in (read_status, read_record):
        report = read(data)
        if report is None:
            continue
        written = json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False).encode()  # no half of a pair, no NaN
        if len(written) > MOST:
            raise AssertionError(f"a report of {len(written)} bytes")
        if read(written) != report:
            raise AssertionError("reading again what was read changes it")
    notification = read_notification(data)
    if notification is not None and reading.NAME.fullmatch(notification.session) is None:
        raise AssertionError("a notification names no session")


if __name__ == "__main__":
    atheris.Setup([*sys.argv, str(Path(__file__).with_name("version1"))], look_at)
    atheris.Fuzz()
