"""An environment file that is wrong is told in sentences: where, what, and what is expected."""

from pathlib import Path

import pytest

from rsparkhub.catalog import read_environment
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.errors import EnvironmentInvalid
from rsparkhub.installed.schema import environment_schema

GOOD = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: rspark, title: RSpark}
spec:
  interface: jupyterlab
  kernels: [r, python]
  resources: {cpu: 2, memory: 4Gi}
  services:
    spark: {mode: local}
    postgres: {scope: shared}
  lifecycle: {idle: 1h30m}
"""
SCHEMA = environment_schema(BackendTraits(name="process"))
MODE = "spec.services.spark.mode"
INTERFACES = "jupyterlab, rc2, rstudio, {shiny: {app: …}}, terminal, vscode, {web: {command: […]}}"
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rspark.yaml"


def problem_of(file: Path, text: str | bytes) -> str:
    """Say what is wrong with a file of this text."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(EnvironmentInvalid) as refusal:
        read_environment(file, SCHEMA)
    return str(refusal.value).replace(str(file), "FILE")


def with_(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_good_file_is_read(file: Path) -> None:
    file.write_text(GOOD)
    environment = read_environment(file, SCHEMA)
    assert (environment.name, environment.spec.interface.name) == ("rspark", "jupyterlab")
    assert environment.spec.kernels == ("r", "python")
    assert environment.spec.resources.memory == 4 * 2**30
    assert environment.spec.lifecycle.idle.total_seconds() == 5400
    assert tuple(environment.spec.services) == ("spark", "postgres")


@pytest.mark.parametrize("path", sorted(CHECKOUT.glob("environments/*.yaml")), ids=lambda path: path.stem)
def test_the_projects_own_environments_are_good(path: Path) -> None:
    assert read_environment(path, SCHEMA).name == path.stem


def test_the_environments_that_people_begin_with_open_rc2() -> None:
    own = {path.stem: read_environment(path, SCHEMA) for path in CHECKOUT.glob("environments/*.yaml")}
    opened = {name: environment.spec.interface.name for name, environment in own.items()}
    assert {name for name, interface in opened.items() if interface != "rc2"} == {"jupyterlab", "terminal"}
    assert {"rspark", "r", "python", "tensorflow", "rspark-full"} < opened.keys()
    assert [name for name, environment in own.items() if environment.metadata.hidden] == ["r-basics"]
    assert own["r-basics"].spec == own["r"].spec, "what was started by the old name is the same"


def test_what_an_environment_needs_and_is_not_installed_is_said(file: Path) -> None:
    needs = "requires: {python: [tensorflow], installed_by: make tensorflow}"
    file.write_text(GOOD.replace("  interface:", f"  {needs}\n  interface:"))
    assert read_environment(file, SCHEMA).unavailable is None
    bare = environment_schema(BackendTraits(name="process"), lambda requirements: "tensorflow" not in requirements.python)
    assert read_environment(file, bare).unavailable == (
        "RSpark is not installed here. Run `make tensorflow` where RSparkHub is installed, then start RSparkHub again."
    )
    one = environment_schema(BackendTraits(name="kubernetes", uses_images=True, one_image=True))
    assert read_environment(file, one).unavailable == (
        "RSpark needs an image of its own, and all sessions here run in one. Ask your administrator."
    )
    assert read_environment(file, environment_schema(BackendTraits(name="kubernetes", uses_images=True))).unavailable is None
    wrong = GOOD.replace("  interface:", f"  {needs.replace('[tensorflow]', '[tensor-flow]')}\n  interface:")
    assert problem_of(file, wrong) == (
        "FILE, line 5: spec.requires.python[0] can't be read: a module of Python is named by letters, digits and underscores; "
        'found "tensor-flow".'
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cpu: 2", "cpu: two", 'FILE, line 7: spec.resources.cpu is to be a number; found "two".'),
        ("cpu: 2", 'cpu: "2"', 'FILE, line 7: spec.resources.cpu is to be a number; found "2".'),
        ("cpu: 2", "cpu: yes", "FILE, line 7: spec.resources.cpu is to be a number; found true."),
        ("cpu: 2", "cpu: 0", "FILE, line 7: spec.resources.cpu is to be more than 0; found 0."),
        ("cpu: 2", "cpu: .inf", "FILE, line 7: spec.resources.cpu is to be at most 1024; found Infinity."),
        ("cpu: 2", "cpu: .nan", "FILE, line 7: spec.resources.cpu is to be at most 1024; found NaN."),
        (
            "4Gi", "4 GB",
            "FILE, line 7: spec.resources.memory can't be read: a size is written like 512Mi or 4Gi; found \"4 GB\".",
        ),
        (
            "1h30m", "90",
            "FILE, line 11: spec.lifecycle.idle can't be read: a duration is written like 60s, 90m, 2h or 7d; found 90.",
        ),
        ("[r, python]", "r", 'FILE, line 6: spec.kernels is to be a list; found "r".'),
        ("[r, python]", "[r, julia]", "FILE, line 6: spec.kernels[1] is to be 'r', 'python' or 'bash'; found \"julia\"."),
        ("{mode: local}", "local", 'FILE, line 9: spec.services.spark is to be a mapping of keys and values; found "local".'),
        ("idle:", "idel:", "FILE, line 11: spec.lifecycle.idel is not a key that RSparkHub knows; did you mean idle?"),
        (
            "scope: shared", "colour: red",
            "FILE, line 10: spec.services.postgres.colour is not a key that RSparkHub knows; known here: scope.",
        ),
        ("kind: Environment\n", "", "FILE, line 1: kind is missing."),
        (", title: RSpark", "", "FILE, line 3: metadata.title is missing."),
        ("title: RSpark", "title: ''", 'FILE, line 3: metadata.title is to be a text of length 1 or more; found "".'),
        ("title: RSpark", "title: 7", "FILE, line 3: metadata.title is to be a text; found 7."),
        (
            "name: rspark", "name: R Spark",
            ("FILE, line 3: metadata.name is to be lower-case letters, digits and hyphens, at most 40, beginning with a "
             'letter; found "R Spark".'),
        ),
        ("rsparkhub/v1", "rsparkhub/v2", "FILE, line 1: apiVersion is to be 'rsparkhub/v1'; found \"rsparkhub/v2\"."),
        ("jupyterlab", "jupyter", "FILE, line 5: spec.interface jupyter is not in this version; did you mean jupyterlab?"),
        ("jupyterlab", "emacs", f"FILE, line 5: spec.interface emacs is not in this version; choose one of {INTERFACES}."),
        (
            "jupyterlab", "{spyder: {}}",
            f"FILE, line 5: spec.interface.spyder is not in this version; choose one of {INTERFACES}.",
        ),
        ("jupyterlab", "[vscode]", f'FILE, line 5: spec.interface is to be one of {INTERFACES}; found ["vscode"].'),
        (
            "jupyterlab", "{terminal: {}, jupyterlab: {}}",
            f'FILE, line 5: spec.interface is to be one of {INTERFACES}; found {{"terminal": {{}}, "jupyterlab": {{}}}}.',
        ),
        ("jupyterlab", "web", "FILE, line 5: spec.interface web needs options; write {web: {command: […]}}."),
        (
            "jupyterlab", "{web: {command: []}}",
            "FILE, line 5: spec.interface.web.command is to be of length 1 or more; found [].",
        ),
        ("jupyterlab", "{web: {port: 80}}", "FILE, line 5: spec.interface.web.command is missing."),
        (
            "postgres: {scope: shared}", "cassandra: {scope: shared}",
            (
                "FILE, line 10: spec.services.cassandra is not in this version; "
                "choose one of hdfs, hive, mapreduce, postgres, s3, spark."
            ),
        ),
        ("postgres:", "postgrs:", "FILE, line 10: spec.services.postgrs is not in this version; did you mean postgres?"),
        (
            "scope: shared", "scope: nobody",
            "FILE, line 10: spec.services.postgres.scope nobody is not in this version; choose one of shared, session.",
        ),
        (
            "mode: local", "mode: yarn",
            f"FILE, line 9: {MODE} yarn is not in this version; choose one of local, standalone, kubernetes.",
        ),
        (
            "mode: local", "mode: kubernetes",
            f"FILE, line 9: {MODE} kubernetes is not possible on the backend process; choose local or standalone.",
        ),
        ("  lifecycle:", "  warm: 1\n  lifecycle:", "FILE, line 11: spec.warm is not in this version; leave it out."),
        (
            "  lifecycle:", "  kubernetes: {egress: [everything]}\n  lifecycle:",
            "FILE, line 11: spec.kubernetes.egress[0] can't be read: Expected 4 octets in 'everything'; found \"everything\".",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_sentence(file: Path, old: str, new: str, said: str) -> None:
    assert problem_of(file, with_(old, new)) == said


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ("{shell: bash}", f".shell bash is not in this version; choose one of {INTERFACES}."),
        ("{shell: {}}", f".shell is to be one of {INTERFACES}; found {{}}."),
        ("{shell: {bash: {}}}", f".shell.bash is not in this version; choose one of {INTERFACES}."),
        ("{app: shiny}", ".app shiny needs options; write {shiny: {app: …}}."),
        ("{app: {shiny: {app: x, ap: y}}}", ".app.shiny.ap is not a key that RSparkHub knows; did you mean app?"),
        ("[terminal]", ' is to be a mapping of keys and values; found ["terminal"].'),
        (
            "{A Shell: terminal}",
            '.A Shell is to be lower-case letters, digits and hyphens, at most 40, beginning with a letter; found "A Shell".',
        ),
    ],
)
def test_what_is_wrong_with_an_interface_beside_the_first_is_told_as_of_the_first(file: Path, beside: str, said: str) -> None:
    text = with_("interface: jupyterlab", f"interface: jupyterlab\n  beside: {beside}")
    assert problem_of(file, text) == f"FILE, line 6: spec.beside{said}"


def test_all_problems_are_told_at_once_in_the_order_of_the_lines(file: Path) -> None:
    text = with_("cpu: 2", "cpu: two").replace("kind: Environment", "kind: Thing").replace("idle:", "idel:")
    assert problem_of(file, text) == (
        "FILE has 3 problems:\n"
        "  line 2: kind is to be 'Environment'; found \"Thing\".\n"
        '  line 7: spec.resources.cpu is to be a number; found "two".\n'
        "  line 11: spec.lifecycle.idel is not a key that RSparkHub knows; did you mean idle?"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "FILE: the file is empty."),
        ("# nothing\n", "FILE: the file is empty."),
        ("hello", 'FILE, line 1: The file is to be a mapping of keys and values; found "hello".'),
        ("- a\n- b\n", 'FILE, line 1: The file is to be a mapping of keys and values; found ["a", "b"].'),
        ("a: 1\n\tb: 2\n", "FILE, line 2: this is not YAML: found character '\\t' that cannot start any token."),
        ("a: [1, 2\n", "FILE, line 2: this is not YAML: expected ',' or ']', but got '<stream end>'."),
        ("a: 1\nb: 2\na: 3\n", "FILE, line 3: the key a stands twice (first on line 1)."),
        ("a: {b: 1,\n  b: 2}\n", "FILE, line 2: the key b stands twice (first on line 1)."),
        ("a: &x 1\n", "FILE, line 1: anchors and aliases (& and *) are not allowed; write the value out."),
        ("a: 1\nb: *x\n", "FILE, line 2: anchors and aliases (& and *) are not allowed; write the value out."),
        ("a: 1\n<<: {b: 2}\n", "FILE, line 2: merging (<<) is not allowed; write the values out."),
        ("a: 1\n---\nb: 2\n", "FILE, line 2: the file holds a second document (after ---); write one environment a file."),
        ("a: 2026-11-24\n", "FILE, line 1: 2026-11-24 is read as a date; write it in quotes."),
        ("1: a\n", "FILE, line 1: 1 is not a name for a key; write it in quotes."),
        ("? [a]\n: b\n", "FILE, line 1: a list or a mapping is not a name for a key; write it in quotes."),
        (f"a: 1\nb: {'9' * 5000}\n", f"FILE, line 2: {'9' * 37}… can't be read as a int."),
        (
            "a: !!python/object/apply:os.system [id]\n",
            "FILE, line 1: the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed; write a plain value.",
        ),
        ("a: !!binary aGk=\n", "FILE, line 1: the tag tag:yaml.org,2002:binary is not allowed; write a plain value."),
        (b"a: \xff\xfe\n", "FILE, line 1: the file is not text in UTF-8."),
        (b"a: 1\nb: \x07\n", "FILE: this is not YAML: unacceptable character #x0007: special characters are not allowed."),
        ("a: " + "[" * 30, "FILE, line 1: the values are nested more than 20 deep."),
        ("a: " + "[" * 60_000, "FILE, line 1: the values are nested more than 20 deep."),
        ("a: " + "{b: " * 15_000, "FILE, line 1: the values are nested more than 20 deep."),
        ("# " + "x" * 70_000, "FILE: the file is larger than 64 KiB; an environment fits in a few."),
    ],
    ids=lambda value: None if len(value) < 60 else f"{value[:20]}…",
)
def test_what_is_no_plain_data_is_refused(file: Path, text: str | bytes, said: str) -> None:
    assert problem_of(file, text) == said


def test_a_bomb_does_no_harm(file: Path) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "anchors and aliases" in problem_of(file, bomb)


def test_of_very_many_problems_the_first_are_told(file: Path) -> None:
    lines = problem_of(file, "".join(f"k{number}: {{}}\n" for number in range(5000))).splitlines()
    assert lines[0] == "FILE has 5004 problems:"
    assert lines[-1] == "  and 4984 more."
    assert len(lines) == 22


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(EnvironmentInvalid, match=r"rspark\.yaml can't be read: No such file or directory\. Check"):
        read_environment(file, SCHEMA)


OPTIONS = """\
  options:
    size:
      title: Size
      kind: choice
      default: small
      choices:
      - {value: small, cpu: 1, memory: 2Gi}
      - {value: large, title: Large, cpu: 4, memory: 16Gi}
    trace: {title: Trace, kind: yes-no, default: false, variable: TRACE}
"""


def test_an_environment_offers_options_in_their_order(file: Path) -> None:
    file.write_text(GOOD + OPTIONS)
    options = read_environment(file, SCHEMA).spec.options
    assert list(options) == ["size", "trace"]
    assert [(each.value, each.cpu, str(each.memory)) for each in options["size"].choices] == [
        ("small", 1.0, "2Gi"), ("large", 4.0, "16Gi"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("default: small", "default: huge", "line 13: spec.options.size has a default that is not possible: it is to be one of"),
        ("cpu: 4", "cpu: -4", "line 19: spec.options.size.choices[1].cpu is to be more than 0; found -4"),
        ("kind: yes-no", "kind: switch", "line 20: spec.options.trace.kind is to be 'choice', 'number', 'text' or 'yes-no'"),
        ("variable: TRACE", "variable: trace", "line 20: spec.options.trace sets trace, which is no variable's name"),
        ("variable: TRACE", "colour: red", "spec.options.trace.colour is not a key that RSparkHub knows"),
        ("    trace:", "    Trace:", "spec.options"),
        ("variable: TRACE", "variable: HOME", "line 20: spec.options.trace sets HOME, which the session itself needs"),
    ],
)
def test_a_wrong_option_is_told_with_its_line(file: Path, old: str, new: str, problem: str) -> None:
    text = GOOD + OPTIONS
    assert old in text
    assert problem in problem_of(file, text.replace(old, new))


def test_two_options_do_not_set_the_same(file: Path) -> None:
    cores = "    cores: {title: Cores, kind: number, least: 1, most: 2, default: 1, sets: cpu}\n"
    assert "spec.options.cores sets cpu, which size sets too; let one of them do it." in problem_of(file, GOOD + OPTIONS + cores)
