"""What is recorded of kernels, and who waits for what."""

import asyncio
from datetime import UTC, datetime

from rspark_session.jupyter.ledger import KernelIdentity, KernelLedger


def test_setup_code_is_taken_once() -> None:
    ledger = KernelLedger()
    ledger.add_setup_code("a", "x <- 1")
    assert ledger.take_setup_code("b") is None
    assert ledger.take_setup_code("a") == "x <- 1"
    assert ledger.take_setup_code("a") is None


def test_a_kernel_prompts_until_it_is_answered() -> None:
    ledger = KernelLedger()
    ledger.record_prompt("a")
    assert (ledger.is_prompting("a"), ledger.is_prompting("b")) == (True, False)
    ledger.clear_prompt("a")
    ledger.clear_prompt("a")  # also when its state changes, and when it is removed
    assert not ledger.is_prompting("a")


def test_the_last_crash_counts_and_who_is_abandoned_is_named() -> None:
    ledger = KernelLedger()
    assert ledger.crashed_at("a") is None
    for minute in (1, 2):
        ledger.record_crash("a", datetime(2026, 11, 28, 7, minute, tzinfo=UTC))
    assert ledger.crashed_at("a") == datetime(2026, 11, 28, 7, 2, tzinfo=UTC)
    kernel = KernelIdentity(id="a", name="ir", language="R", path=None)
    ledger.record_abandoned(kernel)
    assert ledger.abandoned == (kernel,)


async def test_who_waits_for_a_restore_goes_on_when_it_ends_however_it_ends() -> None:
    ledger = KernelLedger()
    await ledger.wait_restored("never asleep")
    ledger.begin_restore("a")
    waiting = [asyncio.ensure_future(ledger.wait_restored("a")) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # a page that gave up takes no other along
    await asyncio.sleep(0)
    assert not waiting[1].done()
    ledger.end_restore("a")
    ledger.record_unrestored("a")
    await waiting[1]
    await ledger.wait_restored("a")
    assert ledger.unrestored == {"a"}
