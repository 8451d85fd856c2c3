"""What happens to kernels beyond what Jupyter Server knows of them, written in one place."""

import asyncio
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class KernelIdentity:
    """What names a kernel to a person: its id, its kernelspec's name and language, and the notebook it was started for."""

    id: str
    name: str
    language: str
    path: str | None


class KernelLedger:
    """Records by the kernel's id: crashes, prompts for input, setup code, and what becomes of a restore."""

    def __init__(self) -> None:
        self._prompting: set[str] = set()
        self._crashed_at: dict[str, datetime] = {}
        self._abandoned: list[KernelIdentity] = []
        self._setup_code: dict[str, str] = {}
        self._restoring: dict[str, asyncio.Future[None]] = {}
        self._unrestored: set[str] = set()

    # A prompt for input

    def record_prompt(self, kernel_id: str) -> None:
        """Record that a kernel waits for its person's input."""
        self._prompting.add(kernel_id)

    def clear_prompt(self, kernel_id: str) -> None:
        """Record that a kernel no longer waits for input."""
        self._prompting.discard(kernel_id)

    def is_prompting(self, kernel_id: str) -> bool:
        """Return whether a kernel waits for input, and so doesn't compute."""
        return kernel_id in self._prompting

    # Crashes

    def record_crash(self, kernel_id: str, at: datetime) -> None:
        """Record when a kernel ended by itself and was started anew."""
        self._crashed_at[kernel_id] = at

    def crashed_at(self, kernel_id: str) -> datetime | None:
        """Return when a kernel last ended by itself."""
        return self._crashed_at.get(kernel_id)

    def record_abandoned(self, kernel: KernelIdentity) -> None:
        """Record a kernel that crashed again and again and is not started any more."""
        self._abandoned.append(kernel)

    @property
    def abandoned(self) -> tuple[KernelIdentity, ...]:
        """The kernels that are not started any more."""
        return tuple(self._abandoned)

    # Setup code

    def add_setup_code(self, kernel_id: str, code: str) -> None:
        """Record code that a kernel which is about to start must run before anybody's."""
        self._setup_code[kernel_id] = code

    def take_setup_code(self, kernel_id: str) -> str | None:
        """Return a kernel's setup code and forget it: it is run once."""
        return self._setup_code.pop(kernel_id, None)

    # Restoring

    def begin_restore(self, kernel_id: str) -> None:
        """Let `wait_restored` wait for a kernel from now on."""
        self._restoring[kernel_id] = asyncio.get_running_loop().create_future()

    def end_restore(self, kernel_id: str) -> None:
        """Let those who wait for a kernel go on, whatever came of its restore."""
        self._restoring.pop(kernel_id).set_result(None)

    async def wait_restored(self, kernel_id: str) -> None:
        """Wait until the restore of a kernel has ended, where there is one."""
        if restoring := self._restoring.get(kernel_id):
            await asyncio.shield(restoring)

    def record_unrestored(self, kernel_id: str) -> None:
        """Record that what was saved of a kernel could not be restored and must be kept."""
        self._unrestored.add(kernel_id)

    @property
    def unrestored(self) -> frozenset[str]:
        """The kernels whose saved workspace could not be restored."""
        return frozenset(self._unrestored)
