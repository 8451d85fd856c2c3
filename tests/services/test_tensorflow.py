"""TensorFlow is installed by its command, and a small model is trained in a session of it from Python, and from R."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.running import Running, environ
from tests.installation import ROOT
from tests.services.conftest import FullSession

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
STAMP = ROOT / ".build/stamps/tensorflow"
PYTHON = """
import keras, numpy
keras.utils.set_random_seed(1)
x = numpy.linspace(0, 1, 200).reshape(-1, 1)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
model.fit(x, 2 * x + 1, epochs=60, verbose=0)
print("slope", round(float(model.get_weights()[0][0][0]), 1))
"""
R = """
library(reticulate)
tf <- import("tensorflow")
keras <- import("keras")
keras$utils$set_random_seed(1L)
cat("trace", tf$linalg$trace(tf$constant(diag(3)))$numpy(), "\\n")
x <- matrix(seq(0, 1, length.out = 200))
model <- keras$Sequential(list(keras$Input(tuple(1L)), keras$layers$Dense(1L)))
model$compile(optimizer = keras$optimizers$SGD(0.5), loss = "mse")
invisible(model$fit(x, 2 * x + 1, epochs = 60L, verbose = 0L))
cat("slope", round(model$get_weights()[[1]][1, 1], 1), "shape", dim(model$predict(x, verbose = 0L)), "\\n")
"""


def names_in(lock: str) -> set[str]:
    """The packages of a lock."""
    return set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / lock).read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def installed() -> Iterator[None]:
    """TensorFlow in the sessions' Python, as `make tensorflow` brings it there; it goes again where it was not there before."""
    was_there = STAMP.exists()
    subprocess.run([ROOT / "scripts/install", "tensorflow"], check=True, timeout=1200)
    yield
    if not was_there:
        STAMP.unlink()
        words = ("pip", "uninstall", "--quiet", "--python", ROOT / ".venv-session/bin/python")
        subprocess.run([ROOT / ".build/uv/bin/uv", *words, *names_in("tensorflow.txt") - names_in("session.txt")], check=True)


@pytest.fixture(scope="module")
def session(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FullSession]:
    """A session of the environment `tensorflow`."""
    folder = tmp_path_factory.mktemp("tensorflow")
    (folder / "environments").mkdir()
    (folder / "environments/tensorflow.yaml").write_text((ROOT / "environments/tensorflow.yaml").read_text())
    with Running(folder / "data", environ=environ(RSPARKHUB_ENVIRONMENTS=str(folder / "environments"))) as running:
        yield FullSession(running, "tensorflow")


def test_a_model_is_trained_from_python(session: FullSession) -> None:
    assert "slope 2" in session.run("python", "-c", PYTHON)


def test_a_model_is_trained_from_r(session: FullSession, tmp_path: Path) -> None:
    said = session.r(R)
    assert "trace 3" in said
    assert "slope 2 shape 200 1" in said
