"""What a person installs: it goes into their home, is found everywhere, outlives the session, and breaks nothing of ours."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from session.tests.interfaces.own_packages import make_r_repository, make_wheel
from session.tests.running import PYTHON, Running, interface

Start = Callable[..., Running]


async def lab(start: Start, **changes: object) -> Running:
    running = start(**{"interface": interface("jupyterlab"), **changes})
    await running.until_state("ready")
    return running


def own_environment(running: Running) -> Path:
    (folder,) = (running.home / ".local/lib/python").iterdir()
    return folder


async def result(running: Running, kernel: str, code: str) -> str:
    async with running.kernel(await running.new_kernel(kernel)) as client:
        return await client.shown(code)


async def test_r_installs_into_the_home_and_finds_it_everywhere_and_after_sleep(
    prepare: Callable[..., Running], tmp_path: Path, r_library: Path
) -> None:
    repository = make_r_repository(tmp_path / "cran", "mine", "answer <- function() 42\n")
    first = prepare(interface=interface("jupyterlab"))
    first.start(RSPARK_R_LIBS=str(r_library))
    await first.until_state("ready")
    before = {path.name for path in r_library.iterdir()}
    async with first.kernel(await first.new_kernel("ir")) as kernel:
        libraries = (await kernel.shown("cat(.libPaths(), sep = '\\n')")).splitlines()
        assert libraries[0].startswith(str(first.home))
        assert {str(r_library), "/usr/lib/R/site-library"} < set(libraries)
        said = await kernel.shown(f"install.packages('mine', repos = '{repository}'); mine::answer()")
        assert said.endswith("[1] 42"), said
        assert await kernel.shown("cat(dirname(find.package('mine')) == .libPaths()[1])") == "TRUE"
        own = ".libPaths('/tmp'); cat(dirname(find.package('rspark')))"
        assert await kernel.shown(own) == str(r_library), "the product's own is found whatever a person sets"
    assert {path.name for path in r_library.iterdir()} == before
    for program in ("Rscript -e 'cat(mine::answer())'", "R --vanilla -s -e 'cat(mine::answer())'"):
        assert await result(first, "bash", program) == "42"
    assert await first.suspend() == 0
    again = prepare(interface=interface("jupyterlab"), generation=2, resume=True)
    again.start(RSPARK_R_LIBS=str(r_library))
    await again.until_state("ready")
    assert await result(again, "ir", "mine::answer()") == "[1] 42"


async def test_python_in_r_is_the_sessions_and_nobody_is_asked_to_download_one(start: Start) -> None:
    running = await lab(start)
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        said = await kernel.result_of(await kernel.begin("cat(reticulate::py_config()$python)", may_ask=True))
    assert Path(said).parent == own_environment(running) / "bin"


@pytest.mark.long
async def test_pip_installs_into_the_home_however_it_is_called(start: Start, tmp_path: Path) -> None:
    ways = ["pip install", "pip install --user", "pip3 install", "python -m pip install", "python3 -m pip install --user"]
    names = ["one", "two", "three", "four", "five"]
    running = await lab(start, interface=interface("terminal"))
    async with running.kernel(await running.new_kernel("bash")) as bash:
        for way, name in zip(ways, names, strict=True):
            wheel = make_wheel(tmp_path, name, "1.0", {f"{name}.py": "answer = 42\n"})
            said = await bash.shown(f"{way} --no-index {wheel} 2>&1; {name}")
            assert said.endswith("42"), said
            assert list(own_environment(running).glob(f"lib/*/site-packages/{name}.py"))
        everywhere = "python -c 'import one, pandas; print(one.answer)'; ipython -c 'import one' > /dev/null && echo too"
        assert await bash.shown(everywhere) == "42\ntoo"
    assert not [path for name in names for path in PYTHON.parents[1].glob(f"lib/*/site-packages/{name}*")]
    assert await result(running, "python3", "import one; one.answer") == "42"
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        found = "cat(reticulate::import('one')$answer, reticulate::py_module_available('pandas'))"
        assert await kernel.shown(found) == "42 TRUE"
        assert await kernel.shown("cat(system('one', intern = TRUE))") == "42"


@pytest.mark.long
async def test_a_notebook_and_r_install_for_python_and_it_is_there_after_sleep(
    prepare: Callable[..., Running], tmp_path: Path, r_library: Path
) -> None:
    first, second = make_wheel(tmp_path, "one", "1.0", {"one.py": ""}), make_wheel(tmp_path, "two", "1.0", {"two.py": ""})
    third = make_wheel(tmp_path, "three", "1.0", {"three.py": ""})
    running = prepare(interface=interface("jupyterlab"))
    running.start(RSPARK_R_LIBS=str(r_library))
    await running.until_state("ready")
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        assert "Successfully installed one" in await kernel.shown(f"%pip install --no-index {first}")
        assert "Successfully installed two" in await kernel.shown(f"!pip install --no-index {second}")
        assert "already satisfied" in await kernel.shown("%pip install --no-index pandas")
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        said = await kernel.shown(f"reticulate::py_install('{third}', pip = TRUE, pip_options = '--no-index')")
        assert await kernel.shown("cat(reticulate::py_module_available('three'))") == "TRUE", said
    assert await running.suspend() == 0
    again = prepare(interface=interface("jupyterlab"), generation=2, resume=True)
    again.start(RSPARK_R_LIBS=str(r_library))
    await again.until_state("ready")
    assert await result(again, "python3", "import one, two, three; print('all')") == "all"


@pytest.mark.long
@pytest.mark.parametrize("broken", ["raise ImportError('broken by ann')", "import os; os._exit(1)"])
async def test_a_broken_package_breaks_no_more_than_its_own_kernel_and_that_says_how_to_mend_it(
    prepare: Callable[..., Running], tmp_path: Path, broken: str
) -> None:
    wheel = make_wheel(tmp_path, "tornado", "99.0", {"tornado/__init__.py": broken})
    running = prepare(interface=interface("jupyterlab"))
    (running.home).mkdir()
    shadows = ("json.py", "asyncio.py", "tornado.py", "pexpect.py", "random.py")
    for name in shadows:
        (running.home / name).write_text("raise ImportError('a file of the person')\n")
    running.start()
    await running.until_state("ready")
    assert await result(running, "bash", f"pip install --no-index {wheel} > /dev/null 2>&1; echo $?") == "0"
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        said = await kernel.shown("print(6 * 7)")
        assert "42" in said
        assert "What you installed keeps Python's kernel from starting" in said
        assert "ImportError" not in broken or "%pip uninstall --yes tornado" in said
        assert await kernel.shown("print(6 * 7)") == "42"
        for name in shadows:  # pip, as any program of Python's, would read them
            (running.home / name).unlink()
        assert "Successfully uninstalled tornado" in await kernel.shown("%pip uninstall --yes tornado")
    assert await result(running, "python3", "print(6 * 7)") == "42"
    assert (await running.get("api/status")).status_code == 200
    assert await running.suspend() == 0


@pytest.mark.long
async def test_kernels_of_a_persons_own_environments_appear_and_are_kept(
    prepare: Callable[..., Running], r_library: Path
) -> None:
    running = prepare(interface=interface("jupyterlab"))
    running.start(RSPARK_R_LIBS=str(r_library))
    await running.until_state("ready")
    kernels = running.home / ".local/share/jupyter/kernels"
    own = running.home / "venv"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(own)], check=True)
    packages = next((PYTHON.parents[1] / "lib").glob("python3*/site-packages"))
    (next((own / "lib").glob("python3*")) / "site-packages/borrowed.pth").write_text(f"{packages}\n")
    install = f"{own}/bin/python -m ipykernel install --user --name course --display-name 'Course'"
    assert "Installed kernelspec course" in await result(running, "bash", f"{install} 2>&1")
    assert await result(running, "bash", f"{own}/bin/python -m ipykernel install --user > /dev/null 2>&1; echo $?") == "0"
    (kernels / "broken").mkdir()
    (kernels / "broken/kernel.json").write_text("{")
    offered = (await running.get("api/kernelspecs")).json()["kernelspecs"]
    titles = {name: kernel["spec"]["display_name"] for name, kernel in offered.items()}
    assert titles == {
        "ir": "R",
        "python3": "Python",
        "bash": "bash",
        "course": "Course",
        "own-python3": "Python 3 (ipykernel), your own",
    }
    for name in ("course", "own-python3"):
        assert await result(running, name, "import sys; print(sys.prefix)") == str(own)
    assert await result(running, "python3", "import sys; print(sys.prefix)") == str(own_environment(running))
    last = await running.new_kernel("course")
    async with running.kernel(last) as kernel:
        await kernel.shown("import sys; x, f = [1, 2], lambda: sys.prefix")
    for kernel in (await running.get("api/kernels")).json():  # but the last one
        if kernel["id"] != last:
            await running.http.delete(running.url(f"api/kernels/{kernel['id']}"))
    assert await running.suspend() == 0
    again = prepare(interface=interface("jupyterlab"), generation=2, resume=True)
    again.start(RSPARK_R_LIBS=str(r_library))
    await again.until_state("ready")
    async with again.kernel(last) as kernel:
        assert await kernel.shown("print(x, f())") == f"[1, 2] {own}"


@pytest.mark.long
async def test_a_broken_package_of_r_breaks_no_more_than_itself(prepare: Callable[..., Running], tmp_path: Path) -> None:
    repository = make_r_repository(tmp_path / "cran", "jsonlite", "toJSON <- function(...) stop('broken by ann')\n")
    running = prepare(interface=interface("jupyterlab"))
    running.start()
    await running.until_state("ready")
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        await kernel.shown(f"install.packages('jsonlite', repos = '{repository}')")
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        said = await kernel.shown("6 * 7")
        assert "[1] 42" in said
        assert "keeps R's kernel from starting" in said
        assert await kernel.shown("6 * 7") == "[1] 42"
        await kernel.shown("remove.packages('jsonlite', lib = Sys.getenv('R_LIBS_USER'))")
    assert await result(running, "ir", "cat(.libPaths()[1] == normalizePath(Sys.getenv('R_LIBS_USER')))") == "TRUE"


async def test_git_knows_who_commits_unless_the_person_says_otherwise(start: Start) -> None:
    running = await lab(start, interface=interface("terminal"))
    async with running.kernel(await running.new_kernel("bash")) as kernel:
        commit = "git init -q w && cd w && git commit -q --allow-empty -m one && git log -1 --format='%an <%ae>'"
        assert await kernel.shown(commit) == "ann <ann@localhost>"
        own = "git config --global user.name Ann && git commit -q --allow-empty -m two && git log -1 --format='%an <%ae>'"
        assert await kernel.shown(own) == "Ann <ann@localhost>"


#: Jupyter's server asks a kernel that has ended for a minute whether it is ready.
A_MINUTE = pytest.mark.long


@pytest.mark.long
@pytest.mark.parametrize(
    ("kernel", "file", "text"),
    [
        ("ir", ".Rprofile", "stop('ann')"),
        ("ir", ".Rprofile", "library(gone)"),
        ("ir", ".Rprofile", "q()"),
        ("ir", ".Renviron", "R_LIBS_SITE=/nowhere"),
        ("python3", ".ipython/profile_default/startup/own.py", "import os; os._exit(1)"),
        ("python3", ".ipython/profile_default/startup/own.py", "import os; os._exit(0)"),
        ("python3", ".ipython/profile_default/startup/own.py", "raise SystemExit(3)"),
        ("python3", ".ipython/profile_default/startup/own.py", "exit()"),
        ("python3", ".ipython/profile_default/startup/own.py", "raise KeyboardInterrupt"),
        pytest.param("python3", ".ipython/profile_default/startup/own.py", "import os; os.kill(os.getpid(), 9)", marks=A_MINUTE),
        ("python3", ".ipython/profile_default/ipython_config.py", "raise SystemExit"),
        ("python3", ".ipython/profile_default/ipython_kernel_config.py", "import os; os._exit(3)"),
        pytest.param("bash", ".bashrc", "exit 3", marks=A_MINUTE),
    ],
)
async def test_a_file_that_is_read_at_the_start_keeps_no_kernel_from_starting_and_is_named(
    prepare: Callable[..., Running], r_library: Path, kernel: str, file: str, text: str
) -> None:
    running = prepare(interface=interface("jupyterlab"))
    own = running.home / file
    own.parent.mkdir(parents=True)
    own.write_text(f"{text}\n")
    running.start(RSPARK_R_LIBS=str(r_library))
    await running.until_state("ready")
    code = "echo $((6 * 7))" if kernel == "bash" else "print(6 * 7)"
    async with running.kernel(await running.new_kernel(kernel)) as client:
        said = await client.shown(code)
        assert "42" in said
        assert "keeps" in said
        assert own.name in said
        assert (await client.shown(code)).removeprefix("[1] ") == "42"
    own.unlink()
    assert (await result(running, kernel, code)).removeprefix("[1] ") == "42"


async def test_files_of_ipython_run_others_and_end_well_without_a_word(prepare: Callable[..., Running]) -> None:
    running = prepare(interface=interface("jupyterlab"))
    profile = running.home / ".ipython/profile_default"
    (profile / "startup").mkdir(parents=True)
    (running.home / "other.py").write_text("import sys\nfirst = 6\nsys.exit(0)\n")
    run = f"get_ipython().run_line_magic('run', '{running.home}/other.py')"
    (profile / "startup/own.py").write_text(f"{run}\nsecond = 7\nimport sys\nsys.exit()\n")
    (profile / "startup/then.py").write_text("third = first * second\n")
    (running.home / "last.py").write_text("import sys\nfourth = third\nsys.exit(0)\n")
    (profile / "ipython_config.py").write_text(f"c.InteractiveShellApp.exec_files = ['{running.home}/last.py']\n")
    running.start()
    await running.until_state("ready")
    assert await result(running, "python3", "print(fourth)") == "42"


@pytest.mark.long
@pytest.mark.parametrize("name", ["IRkernel", "rspark"])
async def test_a_package_of_r_with_the_name_of_the_sessions_keeps_nothing_from_running(
    prepare: Callable[..., Running], tmp_path: Path, r_library: Path, name: str
) -> None:
    repository = make_r_repository(tmp_path / "cran", name, "answer <- function() 42\n")
    running = prepare(interface=interface("jupyterlab"))
    running.start(RSPARK_R_LIBS=str(r_library))
    await running.until_state("ready")
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        await kernel.shown(f"install.packages('{name}', repos = '{repository}')")
    async with running.kernel(await running.new_kernel("ir")) as kernel:
        assert f"your package {name} is another one than the session's" in await kernel.shown("x <- 6 * 7")
        assert await kernel.shown("x") == "[1] 42"
    assert await running.suspend() == 0
