"""Real kernels: one before the sleep, and another after it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager


@dataclass
class Kernel:
    """A running kernel; `run` executes a cell and gives what it shows."""

    command: list[str]
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manager = KernelManager(transport="ipc", ip=str(self.folder / "ipc"))
        self.manager._kernel_spec = KernelSpec(argv=self.command)
        self.manager.start_kernel(cwd=str(self.folder), env=os.environ | self.environ)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def shown(self, code: str, *, silent: bool = False) -> list[dict[str, Any]]:
        """Execute, and give every message that it shows."""
        messages: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(code, silent=silent, timeout=60, output_hook=messages.append, allow_stdin=False)
        assert reply["content"]["status"] == "ok", reply["content"]
        return [message for message in messages if message["msg_type"] not in {"status", "execute_input"}]

    def run(self, code: str) -> str:
        """Execute, and give the text that it shows."""
        texts = []
        for message in self.shown(code):
            content = message["content"]
            texts.append(content.get("text") or content.get("data", {}).get("text/plain", ""))
        return "".join(texts).strip()

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@contextmanager
def kernels(folder: Path) -> Iterator[Callable[..., Kernel]]:
    """Give what starts kernels; all of them end with the block."""
    started: list[Kernel] = []

    def start(command: list[str], **more: Any) -> Kernel:
        kernel = Kernel(command, **({"folder": folder} | more))
        started.append(kernel)
        return kernel

    try:
        yield start
    finally:
        for kernel in started:
            kernel.end()


@pytest.fixture
def start_kernel(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels; all of them end with the test."""
    with kernels(tmp_path / "work") as start:
        yield start
