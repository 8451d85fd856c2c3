"""A service's server ends when it is told to, wherever the signal meets it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rspark_session.services.problem import ServiceProblem
from rspark_session.services.run_server import run_server


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class _EndsInItsLastMoment:
    """Is told to end where Python drops every exception."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_end_that_python_drops_is_asked_for_again() -> None:
    def serve() -> None:
        held = _EndsInItsLastMoment()
        del held
        time.sleep(60)

    began = time.monotonic()
    assert run_server(serve) == 0
    assert time.monotonic() - began < 30


def test_an_ending_that_takes_its_time_is_interrupted_by_nothing() -> None:
    steps = []

    @contextmanager
    def running() -> Iterator[None]:
        try:
            yield
        finally:
            subprocess.run([sys.executable, "-c", "import time; time.sleep(1)"], check=True)
            try:
                raise ValueError
            except ValueError:
                time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append("ended")

    def serve() -> None:
        with running():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

    assert run_server(serve) == 0
    assert steps == ["ended"]


def test_a_problem_is_one_sentence_and_1(capfd: pytest.CaptureFixture[str]) -> None:
    def serve() -> None:
        raise ServiceProblem("The port is taken.")

    assert run_server(serve) == 1
    assert capfd.readouterr().err == "The port is taken.\n"
