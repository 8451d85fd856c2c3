"""Settings: where they come from, and what is said of wrong ones."""

from datetime import timedelta
from pathlib import Path

import pytest

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.installed.extensions import backend_of
from rsparkhub.installed.settings import load_settings
from rsparkhub.settings import Settings
from rsparkhub.settings.kubernetes import KubernetesSettings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PORT", "LEASE", "ENVIRONMENTS", "DATA"):
        monkeypatch.delenv(f"RSPARKHUB_{name}", raising=False)
    return tmp_path


def settings_file(data: Path, text: str) -> None:
    (data / "settings.yaml").write_text(text)


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file(data, "port: 1001\nhost: 0.0.0.0\nlease: 20s\n")
    monkeypatch.setenv("RSPARKHUB_PORT", "1002")
    monkeypatch.setenv("RSPARKHUB_LEASE", "30s")
    settings = load_settings(data=data, port=1003, host=None)
    assert (settings.port, settings.lease, settings.host) == (1003, timedelta(seconds=30), "0.0.0.0")


def test_the_data_folder_of_the_environment_names_the_settings_file(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file(data, "port: 1001\n")
    monkeypatch.setenv("RSPARKHUB_DATA", str(data))
    assert load_settings().port == 1001


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prot: 9000\n", "There is no setting prot: remove it from settings.yaml"),
        ("port: eighty\n", r"The setting port \(in settings.yaml\) is wrong: .* integer"),
        ("lease: 5x\n", r"The setting lease \(in settings.yaml\) is wrong: a duration is written like"),
        ("- port\n", r"settings.yaml is not a file of settings"),
        ("7\n", r"settings.yaml is not a file of settings"),
        ("port: [}\n", r"settings.yaml is not a file of settings"),
    ],
)
def test_a_wrong_settings_file_is_one_clear_sentence(data: Path, text: str, sentence: str) -> None:
    settings_file(data, text)
    with pytest.raises(InstallationProblem, match=sentence) as caught:
        load_settings(data=data)
    assert "\n" not in str(caught.value)


def test_a_wrong_variable_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSPARKHUB_PORT", "99999")
    with pytest.raises(InstallationProblem, match=r"The setting port .in RSPARKHUB_PORT. is wrong"):
        load_settings(data=data)


def test_folders_of_environments_are_a_list_or_a_path(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file(data, "environments: [/one, /two]\n")
    assert load_settings(data=data).environments == (Path("/one"), Path("/two"))
    monkeypatch.setenv("RSPARKHUB_ENVIRONMENTS", "/three:/four")
    assert load_settings(data=data).environments == (Path("/three"), Path("/four"))


def test_every_setting_has_its_help_text() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_backends_settings_are_a_group_under_its_name(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file(data, "backend: kubernetes\nkubernetes: {namespace: ours, cpu_requests: 0.25}\n")
    monkeypatch.setenv("RSPARKHUB_KUBERNETES__NAMESPACE", "theirs")
    found = load_settings(data=data).of_backend("kubernetes", KubernetesSettings)
    assert (found.namespace, found.cpu_requests) == ("theirs", 0.25)
    without = Settings(data=data / "none").of_backend("kubernetes", KubernetesSettings)
    assert without.namespace == "rspark-sessions"


def test_a_backend_that_does_not_exist_is_refused_by_name(data: Path) -> None:
    sentence = r"The setting backend \(as given\) is wrong: container is not in this version; choose one of kubernetes, process\."
    with pytest.raises(InstallationProblem, match=sentence):
        load_settings(data=data, backend="container")
    with pytest.raises(InstallationProblem, match="The backend container is not in this version"):
        backend_of(Settings(data=data, backend="container"))


def test_to_ask_for_a_setting_makes_nothing(tmp_path: Path) -> None:
    for data in (tmp_path / "data", tmp_path / ("long" * 20) / "data"):
        settings = Settings(data=data)
        for name, what in vars(Settings).items():
            if isinstance(what, property):
                getattr(settings, name)
        assert not settings.socket_dir.exists()
    assert list(tmp_path.iterdir()) == []
