"""Which messages are a person's doing."""

import json

import pytest

from rspark_session.jupyter.activity import is_by_person, is_typed, read_message


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ("shell", "execute_request"),
        ("shell", "complete_request"),
        ("shell", "inspect_request"),
        ("shell", "comm_msg"),
        ("stdin", "input_reply"),
        ("control", "interrupt_request"),
    ],
)
def test_what_a_person_sets_off(channel: str, kind: str) -> None:
    assert is_by_person(channel, kind, {})


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ("shell", "kernel_info_request"),
        ("control", "kernel_info_request"),
        ("shell", "comm_info_request"),
        ("shell", "history_request"),
        ("shell", "is_complete_request"),
        ("control", "usage_request"),
        ("control", "debug_request"),
        ("iopub", "execute_request"),
    ],
)
def test_what_a_page_asks_by_itself(channel: str, kind: str) -> None:
    assert not is_by_person(channel, kind, {})


def test_code_that_runs_silently_is_a_programs() -> None:
    assert not is_by_person("shell", "execute_request", {"silent": True})
    assert is_by_person("shell", "execute_request", {"silent": False})


@pytest.mark.parametrize("text", ["a", "\r", "\x03", "\x1b", "\x1b[A", "\x1bOP", "ls\r", "\x1b[200~pasted\x1b[201~", "é"])
def test_keys_are_typed(text: str) -> None:
    assert is_typed(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x1b[?1;2c",
        "\x1b[>0;276;0c",
        "\x1b[0n",
        "\x1b[24;80R",
        "\x1b[I",
        "\x1b[O",
        "\x1b[?2004;1$y",
        "\x1b]10;rgb:0000/0000/0000\x1b\\",
        "\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[24;1R",
        "\x1bP1+r436f=32\x1b\\",
    ],
)
def test_a_terminals_answers_are_not(text: str) -> None:
    assert not is_typed(text)


HEADER = {"msg_id": "1", "msg_type": "execute_request"}


def test_a_message_as_json_is_read() -> None:
    message = {"channel": "shell", "header": HEADER, "parent_header": {}, "metadata": {}, "content": {"silent": True}}
    assert read_message(json.dumps(message)) == ("shell", "execute_request", {"silent": True})


@pytest.mark.parametrize(("kind", "content"), [("execute_request", {"silent": True}), ("comm_msg", {})])
def test_a_message_in_binary_is_read(kind: str, content: dict[str, bool]) -> None:
    """As JupyterLab sends it: v1.kernel.websocket.jupyter.org."""
    parts = [b"shell", json.dumps(HEADER | {"msg_type": kind}).encode(), b"{}", b"{}", json.dumps(content).encode(), b"buffer"]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    head = b"".join(number.to_bytes(8, "little") for number in [len(offsets), *offsets])
    assert read_message(head + b"".join(parts)) == ("shell", kind, content)
