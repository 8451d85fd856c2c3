"""The side of a process that is looked after: it says when it is ready, and doesn't outlive who looks after it."""

import os
import signal
import socket
import sys

from rsparkhub import prctl

PARENT = "RSPARKHUB_PARENT"


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when `rsparkhub up`, which started this process, ends in whatever way."""
    parent = os.environ.pop(PARENT, None)  # not for the processes that this one starts
    if parent is None:
        return
    if not prctl.signal_at_end_of(int(parent), signal.SIGTERM):
        sys.exit(0)


def say_ready() -> None:
    """Notify systemd or `rsparkhub up` that this process answers (sd_notify); without either, nobody."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
        notify.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        notify.send(b"READY=1")
