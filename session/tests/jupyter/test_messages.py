"""What the agent and the Jupyter server write to each other: typed at both ends, and bounded."""

import json
from datetime import UTC, datetime

import pytest

from rspark_contract.reading import Unreadable
from rspark_contract.saved import LostObject, Restored, RestoredKernel, Saved, SavedKernel
from rspark_session.jupyter.messages import (
    Activity,
    End,
    Processes,
    Ready,
    Report,
    Request,
    SaveWorkspace,
    WorkspaceRestored,
    WorkspaceSaved,
    decode_report,
    decode_request,
    encode,
)

LOST = LostObject(name="con", class_name="connection", why="It is a connection. Open it again.")
KERNEL = SavedKernel(id="k", name="ir", language="R", path="ä.ipynb", objects=3, bytes=12, lost=(LOST,))
REPORTS: list[Report] = [
    Ready(),
    Activity(datetime(2026, 11, 28, 7, 30, 1, 5, tzinfo=UTC)),
    Processes(titles={17: "R kernel, ä.ipynb", 18: "terminal 1"}, busy=("R kernel, ä.ipynb",), warm_kernel=19),
    Processes(titles={}, busy=(), warm_kernel=None, shells=(20,), helpers=(21, 22)),
    WorkspaceSaved(Saved(kernels=(KERNEL,), terminals=2)),
    WorkspaceRestored(Restored(kernels=(RestoredKernel(id="k", name="ir", language="R", reason="It broke."),), reason="why")),
]
REQUESTS: list[Request] = [SaveWorkspace(folder="/home/ann/keep/2.new", within=21.5), End()]


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_arrives_as_it_was_sent(report: Report) -> None:
    assert decode_report(encode(report)) == report


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_arrives_as_it_was_sent(request_: Request) -> None:
    assert decode_request(encode(request_)) == request_


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no JSON\n",
        b"[]\n",
        b"{}\n",
        b'{"type": "End"}\n',
        b'{"type": "Activity"}\n',
        b'{"type": "Activity", "at": "yesterday"}\n',
        b'{"type": "Processes", "titles": {"one": "R"}, "busy": []}\n',
        b'{"type": "Processes", "titles": {}, "busy": [1]}\n',
        b'{"type": "WorkspaceSaved", "saved": null}\n',
    ],
)
def test_what_is_no_report_is_refused(line: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_report(line)


@pytest.mark.parametrize("line", [b'{"type": "Ready"}\n', b'{"type": "SaveWorkspace", "folder": 1, "within": 2}\n'])
def test_what_is_no_request_is_refused(line: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_request(line)


def test_more_processes_than_one_report_may_name_leave_the_report_readable() -> None:
    many = Processes(titles=dict.fromkeys(range(1, 1000), "shell"), busy=("R",) * 1000, warm_kernel=None)
    read = decode_report(encode(many))
    assert isinstance(read, Processes)
    assert len(read.titles) == len(read.busy) == 256


def test_a_message_is_one_line() -> None:
    line = encode(WorkspaceRestored(Restored(reason="two\nlines")))
    assert line.count(b"\n") == 1
    assert json.loads(line)["restored"]["reason"] == "two\nlines"
