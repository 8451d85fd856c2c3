"""What `make test-changed` runs for a change: all that it can touch, and little else."""

import sys

import pytest

from tests.installation import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import changed


def test_a_module_touches_the_tests_that_reach_it_by_imports() -> None:
    touched = changed.touched_tests(["hub/src/rsparkhub/domain/plan.py"])
    assert "hub/tests/domain/test_plan.py" in touched["hub"]
    assert "hub/tests/controller/test_reconcile.py" in touched["hub"]  # through the controller
    assert "hub/tests/catalog/test_catalog.py" not in touched["hub"]
    assert "session" not in touched


def test_what_both_sides_agree_on_touches_both() -> None:
    touched = changed.touched_tests(["contract/src/rspark_contract/status.py"])
    assert set(touched) == {"contract", "hub", "session"}


def test_a_helper_touches_the_tests_that_use_it_and_a_test_itself() -> None:
    scene = changed.touched_tests(["hub/tests/store/store_scene.py"])["hub"]
    assert "hub/tests/store/test_leases.py" in scene
    assert all(test.startswith("hub/tests/store/") for test in scene)
    assert changed.touched_tests(["hub/tests/domain/test_cull.py"]) == {"hub": ("hub/tests/domain/test_cull.py",)}


def test_a_file_that_is_no_module_touches_who_reads_it() -> None:
    manifests = changed.touched_tests(["hub/tests/backends/kubernetes/manifests/everything.yaml"])["hub"]
    assert manifests
    assert all(test.startswith("hub/tests/backends/kubernetes/") for test in manifests)
    assert "session" in changed.touched_tests(["session/src/rspark_session/services/postgres/flights-keys.sql"])


@pytest.mark.parametrize(
    ("file", "steps"),
    [
        ("web/ui/src/tokens.css", {"pages: check", "pages: test", "pages: browser", "end to end"}),
        ("r/rspark/R/spark.R", {"R package", "end to end"}),
        ("cluster/cmd/cluster/main.go", {"build: cluster", "cluster", "build: Helm", "build: images", "Kubernetes"}),
        ("tests/kubernetes/test_nodes.py", {"build: cluster", "build: Helm", "build: images", "Kubernetes"}),
        ("docs/site/conf.py", {"end to end"}),
        ("tests/pages/test_home.py", {"pages: browser"}),
        ("README.md", set()),
    ],
)
def test_what_runs_as_a_program_is_touched_by_folders(file: str, steps: set[str]) -> None:
    assert set(changed.touched_by([file]).steps) == steps


def test_a_change_of_what_everything_stands_on_touches_everything() -> None:
    assert changed.touched_by(["requirements/dev.txt"]).everything
    assert not changed.touched_by(["docs/concepts.md"]).everything


def test_every_step_that_is_named_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import testing

    known = {step.name for step in testing.STEPS}
    assert known >= {*changed.BY_FOLDER, *changed.SUITES, *(name for names in changed.FIRST.values() for name in names)}
