"""The catalog is what the files say now."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rsparkhub.catalog import Catalog, catalog
from rsparkhub.domain.errors import EnvironmentInvalid, NotFound
from rsparkhub.domain.session import Component, Session, State, Wanted
from rsparkhub.installed.schema import environment_schema


def write(folder: Path, name: str, *, title: str = "A title", file: str | None = None, interface: str = "jupyterlab") -> Path:
    """Write an environment's file as an editor does, in place of the one that was there."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{file or name}.yaml"
    text = "apiVersion: rsparkhub/v1\nkind: Environment\n"
    text += f"metadata: {{name: {name}, title: {title}}}\nspec: {{interface: {interface}}}\n"
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)
    return path


def names(of: Catalog) -> list[str]:
    return [environment.name for environment in of.list()]


def test_environments_are_listed_by_title(tmp_path: Path) -> None:
    write(tmp_path, "one", title="Zebra")
    write(tmp_path, "two", title="Ape")
    (tmp_path / "README.md").write_text("not an environment")
    catalog = Catalog([tmp_path], environment_schema())
    catalog.check()
    assert names(catalog) == ["two", "one"]
    assert catalog.get("one").metadata.title == "Zebra"
    with pytest.raises(NotFound, match="no environment three"):
        catalog.get("three")


def test_a_change_is_seen_at_once(tmp_path: Path) -> None:
    first = write(tmp_path, "one")
    catalog = Catalog([tmp_path], environment_schema())
    assert names(catalog) == ["one"]
    write(tmp_path, "two")
    assert names(catalog) == ["one", "two"]
    write(tmp_path, "one", title="B title")
    assert catalog.get("one").metadata.title == "B title"
    first.unlink()
    assert names(catalog) == ["two"]


def test_who_asks_very_often_sees_a_change_after_a_moment(tmp_path: Path) -> None:
    now = [100.0]
    write(tmp_path, "one", title="Before")
    catalog = Catalog([tmp_path], environment_schema(), check_every=timedelta(seconds=1), clock=lambda: now[0])
    assert catalog.get("one").metadata.title == "Before"
    write(tmp_path, "one", title="After it")
    now[0] += 0.9
    assert catalog.get("one").metadata.title == "Before"
    now[0] += 0.2
    assert catalog.get("one").metadata.title == "After it"


def test_a_change_of_the_same_length_and_the_same_second_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path, "one", title="AAAA")
    catalog = Catalog([tmp_path], environment_schema())
    assert catalog.get("one").metadata.title == "AAAA"
    stamp = path.stat()
    write(tmp_path, "one", title="BBBB")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert catalog.get("one").metadata.title == "BBBB"


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "one")
    read: list[Path] = []
    real = catalog.read_environment
    monkeypatch.setattr(catalog, "read_environment", lambda path, schema: (read.append(path), real(path, schema))[1])
    some = Catalog([tmp_path], environment_schema())
    for _ in range(3):
        assert names(some) == ["one"]
    assert len(read) == 1


def test_a_file_that_an_edit_broke_keeps_what_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, "one")
    catalog = Catalog([tmp_path], environment_schema())
    catalog.check()
    path.write_text("spec: [")
    assert names(catalog) == ["one"]
    assert names(catalog) == ["one"]
    (problem,) = catalog.problems()
    assert "this is not YAML" in problem
    assert len(caplog.records) == 1
    with pytest.raises(EnvironmentInvalid, match="this is not YAML"):
        catalog.check()
    write(tmp_path, "one")
    assert catalog.problems() == []


def test_a_file_that_asks_for_what_does_not_exist_keeps_what_it_was(tmp_path: Path) -> None:
    path = write(tmp_path, "one")
    catalog = Catalog([tmp_path], environment_schema())
    catalog.check()
    path.write_text(path.read_text().replace("jupyterlab", "spyder"))
    assert catalog.get("one").spec.interface.name == "jupyterlab"
    (problem,) = catalog.problems()
    assert "line 4: spec.interface spyder is not in this version; choose one of" in problem


def test_a_broken_file_says_what_became_of_its_environment(tmp_path: Path) -> None:
    kept, gone = write(tmp_path, "one"), tmp_path / "two.yaml"
    catalog = Catalog([tmp_path], environment_schema())
    catalog.check()
    kept.write_text("spec: [")
    gone.write_text("metadata: [")
    problems = {problem.path: problem for problem in catalog.file_problems()}
    assert {path: problem.kept for path, problem in problems.items()} == {str(kept): "one", str(gone): None}
    assert all("this is not YAML" in problem.text for problem in problems.values())


def test_a_link_to_nowhere_is_no_environment(tmp_path: Path) -> None:
    write(tmp_path, "one")
    (tmp_path / "two.yaml").symlink_to(tmp_path / "nowhere")
    catalog = Catalog([tmp_path], environment_schema())
    catalog.check()
    assert names(catalog) == ["one"]


def test_every_problem_of_every_file_is_told(tmp_path: Path) -> None:
    write(tmp_path, "one")
    write(tmp_path, "one", file="other")
    write(tmp_path, "two", interface="none")
    (tmp_path / "three.yml").write_text("")
    with pytest.raises(EnvironmentInvalid) as refusal:
        Catalog([tmp_path], environment_schema()).check()
    lines = str(refusal.value).splitlines()
    assert len(lines) == 3
    assert "three.yml: the file is empty." in lines[0]
    assert "two.yaml, line 4: spec.interface none is not in this version" in lines[1]
    assert "both describe the environment one. Rename one of them." in lines[2]


def test_a_later_folder_may_replace_an_environment(tmp_path: Path) -> None:
    write(tmp_path / "ours", "one", title="Ours")
    write(tmp_path / "site", "one", title="Site")
    catalog = Catalog([tmp_path / "ours", tmp_path / "site"], environment_schema())
    catalog.check()
    assert catalog.get("one").metadata.title == "Site"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentInvalid, match=r"folder of environments .*none can't be read: .* Check the setting"):
        Catalog([tmp_path / "none"], environment_schema()).check()


def test_what_a_session_serves_is_for_visitors_while_it_and_its_environment_are_an_app(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    running = Session(
        id="aaaa", owner="ada", name="A", environment="app", wanted=Wanted.RUNNING, state=State.RUNNING, created=now,
        queued_at=now,
        components=(Component(name="interface", title="Shiny"),),
    )  # fmt: skip
    of_notebooks = replace(running, components=(Component(name="interface", title="JupyterLab"),))
    catalog = Catalog([tmp_path], environment_schema())
    assert not catalog.is_for_visitors(running), "nobody knows what it is"
    write(tmp_path, "app", interface="{shiny: {app: class/app}}")
    assert catalog.is_for_visitors(running)
    assert not catalog.is_for_visitors(of_notebooks), "it was started before the environment was changed"
    write(tmp_path, "app", interface="jupyterlab")
    assert not catalog.is_for_visitors(running)


@pytest.mark.parametrize(
    ("interface", "title", "viewable"),
    [("{shiny: {app: class/app}}", "Shiny", True), ("terminal", "Terminal", False), ("rc2", "Rc²", False)],
)
def test_what_a_session_serves_is_viewable_as_its_interface_is(
    tmp_path: Path, interface: str, title: str, viewable: bool
) -> None:
    now = datetime.now(UTC)
    running = Session(
        id="aaaa", owner="ada", name="A", environment="app", wanted=Wanted.RUNNING, state=State.RUNNING, created=now,
        queued_at=now,
        components=(Component(name="interface", title=title),),
    )  # fmt: skip
    catalog = Catalog([tmp_path], environment_schema())
    write(tmp_path, "app", interface=interface)
    assert catalog.get("app").spec.interface.title == title
    assert catalog.is_viewable(running) is viewable
    several = replace(running, components=(*running.components, Component(name="interface-lab", title="app")))
    assert not catalog.is_viewable(several)


@pytest.mark.parametrize("app", ["/etc", "~/app", "../app", "app/../../other", ""])
def test_an_app_is_in_the_home(tmp_path: Path, app: str) -> None:
    write(tmp_path, "app", interface=f"{{shiny: {{app: '{app}'}}}}")
    with pytest.raises(EnvironmentInvalid, match="app"):
        Catalog([tmp_path], environment_schema()).check()
