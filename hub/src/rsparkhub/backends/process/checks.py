"""What sessions need of this machine: programs and packages. `find_…` are quick, for every start; `run_…` are for `doctor`."""

import asyncio
import os
import shutil
from pathlib import Path

from rsparkhub.backends.process import accounts, become, cgroups, loopback, start
from rsparkhub.backends.process.start import MOVE
from rsparkhub.domain.finding import Finding, ok, problem, warning
from rsparkhub.domain.requirements import Needs, Requirements, java_version, python_modules, r_packages
from rsparkhub.programs import output_of
from rsparkhub.settings import Settings, checkout

OLDEST_R = (4, 2)
#: What sessions offer in R whatever their interface and their services are.
R_PACKAGES = ("reticulate", "tidyverse", "rmarkdown", "jsonlite", "rspark", "nycflights13")
_R_SCRIPT = (
    "cat(as.character(getRversion()), '\\n');"
    "for (p in commandArgs(TRUE)) cat(p, tryCatch(as.character(packageVersion(p)), error = function(e) '-'), '\\n')"
)
_PYTHON_SCRIPT = (
    "import importlib, os, sys, sysconfig;"
    "[importlib.import_module(name) for name in sys.argv[1:]];"
    "library = os.path.join(*(str(sysconfig.get_config_var(name)) for name in ('LIBDIR', 'INSTSONAME')));"
    "print(*sys.version_info[:2], sep='.', end=' '); print(os.path.exists(library))"
)


#: What is said wherever it matters: by `up`, by `doctor`, and on the page when a second person is added.
TRUST = (
    "RSparkHub was not started by root, so all sessions run under one account: who has one can read everybody's files, and take "
    "the hub's own rights. Use it alone, or with people who trust each other."
)
_APART = "Start it as root, and each person's sessions run under a Unix account of their own."


def people() -> Finding:
    """Say whether people are apart."""
    if not accounts.are_possible():
        return warning("people", TRUST, _APART)
    if shutil.which("useradd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") is None:
        return problem("people", "There is no useradd, which makes people's Unix accounts.", "Install it (Debian: passwd).")
    return ok("people", "Each person's sessions run under a Unix account of their own.")


async def examine_walls(settings: Settings) -> list[Finding]:
    """Return what `doctor` says of what keeps people apart, and within their limits."""
    if not accounts.are_possible():
        return [people()]
    tree = cgroups.Tree.of(os.fsencode(settings.data.absolute()))
    return [people(), limits(tree), ports(tree), await closed_folders(settings)]


def limits(tree: cgroups.Tree) -> Finding:
    """See whether the kernel lets us limit what one session uses, by making a group for a moment."""
    try:
        groups = tree.make(f"doctor.{os.getpid()}", memory=2**30, cpu=1)
    except OSError as error:
        return warning(
            "limits",
            f"The kernel keeps no limits here ({error.strerror}): one session can take all memory and processors of the machine.",
            "In a container, give it a control group that it may write to (Docker: --privileged, or --cgroupns=private and a "
            "mount of /sys/fs/cgroup that can be written).",
        )
    cgroups.remove(groups)
    names = {"memory": "memory", "cpu": "processors", "pids": "processes"}
    missing = [names[kind] for kind in cgroups.KINDS if kind not in tree.kinds()]
    if missing:
        return warning("limits", f"The kernel does not limit {' and '.join(missing)} of sessions here.", "Other limits hold.")
    return ok("limits", "The kernel limits memory, processors and processes of each session.")


def ports(tree: cgroups.Tree) -> Finding:
    """See whether the kernel lets us close the ports of one person's session to another's, by a group and a rule for a moment."""
    name, problem_found = f"doctor.{os.getpid()}", "the kernel has no control groups of version 2 here"
    try:
        groups = tree.make(name, memory=2**30, cpu=1)
    except OSError as error:
        groups, problem_found = [], f"no control group can be made ({error.strerror})"
    if groups and tree.socket_group(name) is not None:
        said = loopback.load(loopback.rules(tree, {name: 65534}), check_only=True)
        problem_found = said or ""
    cgroups.remove(groups)
    if problem_found:
        return warning(
            "ports",
            f"A port that a person opens (a server, Shiny) is open to everybody on this machine: {problem_found}.",
            "Install nftables, and let RSparkHub use it and control groups of version 2 (in a container: NET_ADMIN).",
        )
    return ok("ports", "A port that a person's session opens on this machine is closed to other people's sessions.")


async def closed_folders(settings: Settings) -> Finding:
    """See whether people's accounts reach what sessions need, where it lies in a folder that only root may pass."""
    needed = [*start.needed(settings.python_of_sessions, r_libs=settings.r_libs_of_sessions, checkout=checkout()), settings.data]
    nobody = 65534
    found = {become.closed(str(path), nobody, nobody) for path in needed} - {None}
    if not found:
        return ok("closed folders", "People's accounts reach all that sessions need.")
    folders = ", ".join(sorted(str(folder) for folder in found))
    code, _ = await output_of("unshare", "--mount", "true")
    if code:
        return problem(
            "closed folders",
            f"Sessions can't reach what lies in {folders}, and this machine doesn't let us show it to them.",
            MOVE,
        )
    return ok("closed folders", f"Sessions see what they need of {folders}, and nothing else there.")


def find_programs(settings: Settings, needs: Needs) -> list[Finding]:
    """Return what a start needs: that the programs are there."""
    return [find_r(), *_java(needs), find_session_python(settings)]


async def examine(settings: Settings, needs: Needs) -> list[Finding]:
    """Return what `doctor` says: that the programs run, and have the packages."""
    looks = [run_r(settings, needs), *([run_java(needs)] if java_version(needs) else []), run_session_python(settings, needs)]
    return [*await asyncio.gather(*looks), *find_optional(settings, needs)]


def find_optional(settings: Settings, needs: Needs) -> list[Finding]:
    """Say of each interface and service that is installed by a command of its own whether it is: a start needs none of them."""
    findings = []
    for title, each in needs.items():
        if each.installed_by is None:
            continue
        absent = missing(settings, each)
        text = f"{title} is not installed: {', '.join(absent)} is missing. `{each.installed_by}` installs it."
        findings.append(ok(title, text if absent else f"{title} is installed."))
    return findings


def missing(settings: Settings, requirements: Requirements) -> list[str]:
    """Return what a command of its own has not installed yet: programs, and folders and modules of the sessions' Python."""
    if requirements.installed_by is None:
        return []
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    prefix = settings.python_of_sessions.parent.parent
    absent = [program for program in requirements.programs if shutil.which(program, path=path) is None]
    absent += [folder for folder in requirements.folders if not (prefix / folder).is_dir()]
    return absent + [module for module in requirements.python if not _has_module(prefix, module)]


def _has_module(prefix: Path, module: str) -> bool:
    packages = "lib/python3*/site-packages"
    return any(place for name in (module, f"{module}.py") for place in prefix.glob(f"{packages}/{name}"))


def again() -> str:
    """Return how what is missing gets installed: in a checkout by make, elsewhere by hand."""
    return "`make up` installs it." if checkout() else "Install it, then try again."


def find_r() -> Finding:
    """Find R on the path."""
    path = shutil.which("Rscript")
    if path is None:
        return problem("R", "R is missing: there is no Rscript on the path.", again())
    return ok("R", f"R is {path}.")


async def run_r(settings: Settings, needs: Needs) -> Finding:
    """Ask R for its version and its packages."""
    if (finding := find_r()).level != "ok":
        return finding
    libraries = {"R_LIBS": settings.r_libs_of_sessions} if settings.r_libs_of_sessions else {}
    packages = dict.fromkeys((*r_packages(needs), *R_PACKAGES))
    code, printed = await output_of("Rscript", "--vanilla", "-e", _R_SCRIPT, *packages, **libraries)
    return judge_r(code, printed)


def judge_r(code: int, printed: str) -> Finding:
    """Judge what R printed about itself and its packages."""
    if code:
        return problem("R", f"R does not run: {printed.splitlines()[-1] if printed else f'code {code}'}.", again())
    version, *lines = printed.splitlines()
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_R:
        return problem("R", f"R is version {version.strip()}; 4.2 or newer is needed.", again())
    absent = [line.split()[0] for line in lines if line.split()[1] == "-"]
    if absent:
        return problem("R", f"R lacks {', '.join(absent)}.", again())
    return ok("R", f"R {version.strip()}, with {', '.join(line.split()[0] for line in lines)}.")


def _java(needs: Needs) -> list[Finding]:
    needed = java_version(needs)
    return [find_java_of(*needed)] if needed else []


def find_java_of(oldest: int, who: str) -> Finding:
    """Find a Java of this version where a session finds it: by JAVA_HOME, else on the path."""
    home = find_java()
    if home is None:
        return problem("Java", f"Java is missing: neither JAVA_HOME nor the path leads to one. {who} needs it.", again())
    version = version_of_java(home)
    if version is None:
        return ok("Java", f"Java is {home}; its version is not written there.")
    if version < oldest:
        return problem("Java", f"The Java in {home} is version {version}; {who} needs {oldest} or newer.", again())
    return ok("Java", f"Java {version} is {home}.")


async def run_java(needs: Needs) -> Finding:
    """See that the Java that is found runs."""
    (finding,) = _java(needs)
    home = find_java()
    if finding.level != "ok" or home is None:
        return finding
    code, printed = await output_of(str(home / "bin/java"), "-version")
    if code:
        return problem("Java", f"Java does not run: {printed.splitlines()[0] if printed else f'code {code}'}.", again())
    return finding


def find_java() -> Path | None:
    """Return the home of the Java that a session finds."""
    named = os.environ.get("JAVA_HOME")
    if named and (Path(named) / "bin/java").is_file():
        return Path(named)
    on_path = shutil.which("java")
    return Path(on_path).resolve().parent.parent if on_path else None


def version_of_java(home: Path) -> int | None:
    """Return the version in the `release` file that each Java has."""
    try:
        lines = (home / "release").read_text().splitlines()
    except OSError:
        return None
    versions = [line.split('"')[1] for line in lines if line.startswith("JAVA_VERSION=")]
    numbers = versions[0].split(".") if versions else []
    return int(numbers[1] if numbers[0] == "1" else numbers[0]) if numbers else None


def find_session_python(settings: Settings) -> Finding:
    """Find the Python of sessions."""
    python = settings.python_of_sessions
    if not os.access(python, os.X_OK):
        return problem("session Python", f"The Python of sessions is missing: {python}.", again())
    return ok("session Python", f"Sessions run {python}.")


async def run_session_python(settings: Settings, needs: Needs) -> Finding:
    """See that the Python of sessions has the agent, and what interfaces and services need."""
    if (finding := find_session_python(settings)).level != "ok":
        return finding
    python = str(settings.python_of_sessions)
    code, printed = await output_of(python, "-c", _PYTHON_SCRIPT, "rspark_session.agent", *python_modules(needs))
    if code:
        last = printed.splitlines()[-1] if printed else f"code {code}"
        return problem("session Python", f"The Python of sessions ({python}) lacks what they need: {last}.", again())
    version, as_library = printed.split()
    text = f"Sessions run Python {version} ({python}), with the agent and what {', '.join(needs)} need."
    if as_library != "True":
        mend = f"Install it (Debian: libpython{version})."
        return warning("session Python", f"{text} R can't use it, for want of its shared library.", mend)
    return ok("session Python", text)
