"""What a kernel's code reports of what it saved or restored."""

import json
from pathlib import Path

import pytest

from rspark_session.jupyter import snapshot
from rspark_session.jupyter.snapshot import SnapshotFailed


def test_the_code_of_each_language_names_its_folder_in_its_own_words() -> None:
    folder = Path('/home/ä "b"')
    assert snapshot.code("save", "R", folder) == '# rspark\ntry(rspark:::workspace_save("/home/ä \\"b\\""), silent = TRUE)'
    assert "restore" in (snapshot.code("restore", "python", folder) or "")
    assert (snapshot.code("save", "bash", folder) or "").endswith("/workspace.sh save '/home/ä \"b\"'")
    assert snapshot.code("save", "julia", folder) is None


def test_a_report_names_the_first_that_were_lost_and_counts_the_others(tmp_path: Path) -> None:
    lost = [{"name": str(number), "class": "lock", "why": "It is a lock."} for number in range(250)]
    (tmp_path / "manifest.json").write_text(json.dumps({"objects": 3.0, "bytes": 17, "lost": lost}))
    report = snapshot.read_report("save", tmp_path)
    assert (report.objects, report.bytes, len(report.lost)) == (3, 17, 101)
    assert report.lost[-1].why == "And 150 more."


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "The package that does it is not installed in this kernel, or broken."),
        ({"failed.json": '{"why": "the disk\\nis full."}'}, "the disk is full."),
        ({"failed.json": "half of"}, "What the kernel wrote into failed.json can't be read"),
        ({"manifest.json": "{}"}, "What the kernel wrote into manifest.json can't be read: objects is missing."),
        ({"manifest.json": "{}", "failed.json": '{"why": "no"}'}, "no."),
    ],
)
def test_without_a_report_it_is_said_what_failed(tmp_path: Path, files: dict[str, str], why: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(SnapshotFailed) as failed:
        snapshot.read_report("save", tmp_path)
    assert str(failed.value).startswith(why)


def test_what_an_earlier_run_reported_is_cleared(tmp_path: Path) -> None:
    for name in ("restored.json", "failed.json", "manifest.json"):
        (tmp_path / name).touch()
    snapshot.clear_report("restore", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]
