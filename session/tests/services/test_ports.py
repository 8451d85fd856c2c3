"""The ports of a server that listens seconds after they were chosen."""

import json
import socket
from pathlib import Path

from rspark_session.services.ports import keep_ports

HOST = "127.0.0.1"


def test_they_are_none_that_an_outgoing_connection_gets(tmp_path: Path) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = keep_ports(tmp_path / "ports.json", [f"port{number}" for number in range(40)], host=HOST, title="Tests")
    assert len(set(ports.values())) == 40
    assert max(ports.values()) < min(first, 30000)


def test_they_stay_what_they_were_unless_somebody_has_taken_one(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    ports = keep_ports(file, ["a", "b"], host=HOST, title="Tests")
    assert keep_ports(file, ["a", "b"], host=HOST, title="Tests") == ports
    with socket.socket() as other:
        other.bind((HOST, ports["a"]))
        other.listen()
        again = keep_ports(file, ["a", "b"], host=HOST, title="Tests")
    assert again["a"] != ports["a"]
    assert again["b"] == ports["b"]
    assert json.loads(file.read_text()) == again
