"""What an R kernel has again after a sleep."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from session.tests.places import CHECKOUT

from .conftest import Kernel, kernels

Start = Callable[..., Kernel]
COMMAND = [shutil.which("R") or "R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"]


class Sleeper:
    """Runs cells in one kernel, sleeps, and goes on in another."""

    def __init__(self, start: Start, folder: Path, library: Path) -> None:
        self.folder = folder
        self._start = lambda: start(COMMAND, environ={"R_LIBS": str(library), "R_PROFILE_USER": "/dev/null"})
        self.kernel = self._start()

    def run(self, code: str) -> str:
        return self.kernel.run(code)

    def ask(self, expression: str) -> str:
        return self.kernel.run(f"cat(deparse({{{expression}}}))")

    def save(self) -> None:
        assert self._shown("save") == []
        assert (self.folder / "manifest.json").exists(), self.left("failed.json")

    def wake(self) -> None:
        self.kernel.end()
        self.kernel = self._start()
        assert self._shown("restore") == []

    def sleep(self) -> None:
        self.save()
        self.wake()

    def _shown(self, what: str) -> list[Any]:
        return self.kernel.shown(f"rspark:::workspace_{what}({json.dumps(str(self.folder))})", silent=True)

    def left(self, name: str) -> dict[str, Any]:
        return json.loads((self.folder / name).read_text())

    def lost(self) -> dict[str, tuple[str, str]]:
        return {entry["name"]: (entry["class"], entry["why"]) for entry in self.left("manifest.json")["lost"]}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An R library with the package as it is in the checkout."""
    folder = tmp_path_factory.mktemp("library")
    command = [CHECKOUT / "r/install-rspark", folder, "--no-docs", "--no-test-load"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def r(start_kernel: Start, tmp_path: Path, library: Path) -> Sleeper:
    return Sleeper(start_kernel, tmp_path / "kept", library)


ACCOUNT = """
Account <- setRefClass("Account", fields = list(total = "numeric"), methods = list(
  add = function(x) { total <<- total + x; invisible(.self) }
))
account <- Account$new(total = 1)
"""
STACK = """
Stack <- R6::R6Class("Stack", public = list(items = list(), push = function(x) { self$items <- c(self$items, x); self }))
stack <- Stack$new()$push(1)
"""
# Made in one kernel; each is asked for in another after the sleep.
KEPT = [
    ("n <- 41", "n + 1", "42"),
    ("text <- 'ünïcode'", "text", '"ünïcode"'),
    (".hidden <- list(1, b = list(c = 'deep'))", ".hidden$b$c", '"deep"'),
    (
        "frame <- data.frame(x = c(1L, NA), y = factor(c('a', 'b')))",
        "list(frame$x, levels(frame$y))",
        'list(c(1L, NA), c("a", "b"))',
    ),
    ("day <- as.Date('2013-01-01')", "class(day)", '"Date"'),
    ("double <- function(x) 2 * x", "double(21)", "42"),
    ("factor6 <- 6; times <- function(x) factor6 * x", "times(7)", "42"),
    ("counter <- local({ n <- 0; function() (n <<- n + 1) }); invisible(counter())", "counter()", "2"),
    ("fit <- lm(mpg ~ wt, mtcars)", "round(coef(fit)[['wt']], 3)", "-5.344"),
    ("setClass('Point', representation(x = 'numeric')); point <- new('Point', x = 3)", "point@x", "3"),
    ("setGeneric('area', function(o) standardGeneric('area'))", "isGeneric('area')", "TRUE"),
    ("setMethod('area', 'Point', function(o) o@x * 2)", "area(point)", "6"),
    (ACCOUNT, "account$add(41)$total", "42"),
    (STACK, "length(stack$push(2)$items)", "2L"),
    ("print.loud <- function(x, ...) cat('LOUD'); loud <- structure(1, class = 'loud')", "capture.output(print(loud))", '"LOUD"'),
    ("formula <- y ~ x + z", "all.vars(formula)", 'c("y", "x", "z")'),
    ("when <- as.POSIXct('2013-01-01', tz = 'UTC')", "format(when)", '"2013-01-01"'),
    ("code <- quote(a + b)", "as.character(code)", 'c("+", "a", "b")'),
    ("makeActiveBinding('computed', function() 42, globalenv())", "computed", "42"),
    ("fixed <- 1; lockBinding('fixed', globalenv())", "bindingIsLocked('fixed', globalenv())", "TRUE"),
    ("two <- new.env(); two$self <- two; two$v <- 5", "two$self$self$v", "5"),
    ("delayedAssign('lazy', { late <- 3; late * 14 })", "lazy", "42"),
    ("data(women)", "women[1, 1]", "58"),
    (
        "table <- data.table::data.table(a = 3:1, key = 'a'); second <- table; listed <- list(data.table::data.table(l = 1))",
        "{data.table::set(table, j = 'b', value = 7); list(table$b, table$a, second$a, listed[[1]]$l)}",
        "list(c(7, 7, 7), 1:3, 1:3, 1)",
    ),
    ("plotted <- ggplot2::qplot(wt, mpg, data = mtcars)", "class(plotted)[2]", '"ggplot"'),
]


@pytest.fixture(scope="module")
def slept(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[Sleeper]:
    """A kernel that has all of `KEPT` after a sleep."""
    folder = tmp_path_factory.mktemp("r")
    with kernels(folder / "work") as start:
        r = Sleeper(start, folder / "kept", library)
        for made, _, _ in KEPT:
            r.run(made)
        r.sleep()
        yield r


@pytest.mark.parametrize(("asked", "answer"), [case[1:] for case in KEPT])
def test_it_has_its_objects_again(slept: Sleeper, asked: str, answer: str) -> None:
    assert slept.ask(asked) == answer


def test_nothing_of_that_was_lost(slept: Sleeper) -> None:
    assert slept.left("manifest.json")["lost"] == []
    assert slept.left("restored.json")["lost"] == []
    assert slept.left("restored.json")["objects"] == slept.left("manifest.json")["objects"] >= len(KEPT)


class Case(NamedTuple):
    """What is lost whole, or a part of `made`: `where`, what is asked of the rest afterwards, and the answer."""

    made: str
    where: str
    class_: str
    why: str
    asked: str = "TRUE"
    answer: str = "TRUE"


CONNECTION = "It is a connection. Open it again."
POINTER = "It is a pointer to memory that ends with the process. Make it again."
SLOTTED = "setClass('Holder', representation(it = 'ANY', n = 'numeric')); slotted <- new('Holder', it = con, n = 4)"
CYCLIC = "cyclic <- new.env(); cyclic$self <- cyclic; cyclic$z <- list(5, con)"
IN_CODE = "in_code <- eval(bquote(function(x) if (missing(x)) 6 else .Call(.(stats:::C_rnorm$address))))"
PYTHON = "python <- list(n = 3, dict = reticulate::py_eval('{}', convert = FALSE))"
BASE = "library(DBI); setClass('Base', contains = 'DBIConnection', representation(id = 'integer'))"
DATABASE = f"{BASE}; db <- list(n = 2, con = new('Base', id = 1L))"
COLUMN = "frame <- data.frame(x = 1:2); frame$of <- list(1, con)"
FIELDS = "Fields <- setRefClass('Fields', fields = c('n', 'it')); fields <- Fields$new(n = 7, it = con)"
STACKED = "Held <- R6::R6Class('Held', public = list(n = 8, it = NULL)); held <- Held$new(); held$it <- con"
TABLE = "table <- utils::hashtab(); utils::sethash(table, 'a', 9); utils::sethash(table, 'b', con)"
WEAK = "weak <- list(10, rlang::new_weakref(new.env()))"
#: What is lost as a whole: there is no such name afterwards.
WHOLE = {
    "con": Case("con <- file('/dev/null', 'r')", "con", "file", CONNECTION),
    "text_con": Case("text_con <- textConnection('a')", "text_con", "textConnection", CONNECTION),
    "pointer": Case("pointer <- stats:::C_rnorm$address", "pointer", "RegisteredNativeSymbol", POINTER),
}
#: Of what only a part is lost.
PARTLY = {
    "nested": Case("nested <- list(a = 1, b = list(con))", "nested$b[[1]]", "file", CONNECTION, "nested$a", "1"),
    "attributed": Case(
        "attributed <- structure(1, of = con)", 'attr(attributed, "of")', "file", CONNECTION, "attributed[1] == 1"
    ),
    "boxed": Case("boxed <- new.env(); boxed$con <- con; boxed$n <- 2", "boxed$con", "file", CONNECTION, "boxed$n", "2"),
    "closed": Case("closed <- local({ k <- con; function() 3 })", "environment(closed)$k", "file", CONNECTION, "closed()", "3"),
    "cyclic": Case(CYCLIC, "cyclic$z[[2]]", "file", CONNECTION, "cyclic$self$self$z[[1]]", "5"),
    "slotted": Case(SLOTTED, "slotted@it", "file", CONNECTION, "slotted@n", "4"),
    "document": Case(
        "document <- xml2::read_xml('<a/>')", "document$node", "externalptr", POINTER, "names(document)[1] == 'node'"
    ),
    "in_code": Case(IN_CODE, "body(in_code)", "RegisteredNativeSymbol", POINTER, "in_code()", "6"),
    "python": Case(PYTHON, "python$dict", "python.builtin.dict", "It is a Python object.", "python$n", "3"),
    "db": Case(DATABASE, "db$con", "Base", "It is a database connection, or belongs to one. Connect again.", "db$n", "2"),
    "frame": Case(COLUMN, "frame$of[[2]]", "file", CONNECTION, "frame$x", "1:2"),
    "fields": Case(FIELDS, "fields$it", "file", CONNECTION, "fields$n", "7"),
    "held": Case(STACKED, "held$it", "file", CONNECTION, "held$n", "8"),
    "table": Case(TABLE, "an entry of table", "file", CONNECTION, "utils::gethash(table, 'a')", "9"),
    "weak": Case(WEAK, "weak[[2]]", "weakref", "It is a weak reference. Make it again.", "weak[[1]]", "10"),
}


@pytest.fixture(scope="module")
def bereft(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[Sleeper]:
    """A kernel that had all of these before a sleep, each between two objects that can be kept."""
    folder = tmp_path_factory.mktemp("r")
    with kernels(folder / "work") as start:
        r = Sleeper(start, folder / "kept", library)
        r.run("before_all <- new.env()")
        for name, case in (WHOLE | PARTLY).items():
            r.run(case.made)
            r.run(f"after_{name} <- list(before_all, '{name}')")
        r.sleep()
        yield r


@pytest.mark.long
@pytest.mark.parametrize("name", WHOLE | PARTLY)
def test_what_cannot_be_kept_is_named_and_takes_nothing_else_along(bereft: Sleeper, name: str) -> None:
    case = (WHOLE | PARTLY)[name]
    (place,) = [place for place in bereft.lost() if place == case.where or (name == "in_code" and place.startswith(case.where))]
    class_, why = bereft.lost()[place]
    assert class_ == case.class_
    assert case.why in why
    assert bereft.ask(f"identical(after_{name}[[1]], before_all)") == "TRUE"
    assert bereft.ask(f"exists('{name}', envir = globalenv(), inherits = FALSE)") == ("FALSE" if name in WHOLE else "TRUE")
    assert bereft.ask(case.asked) == case.answer


STANDING = ["nested$b[[1]]", "boxed$con", "slotted@it", "python$dict", "frame$of[[2]]", "held$it", "db$con"]


@pytest.mark.parametrize("place", STANDING)
def test_what_stands_for_it_says_what_it_was(bereft: Sleeper, place: str) -> None:
    assert bereft.run(f"print({place})").startswith("<lost> This was a ")
    said = bereft.ask(f"tryCatch({place}$anything, error = conditionMessage)")
    assert "before the session slept" in said
    assert "again." in said


def test_nothing_else_of_that_was_lost(bereft: Sleeper) -> None:
    named = {place for place in bereft.lost() if not place.startswith(("connection ", "body(in_code)"))}
    assert named == {case.where for name, case in (WHOLE | PARTLY).items() if name != "in_code"} | {"document$doc"}
    assert bereft.left("restored.json")["lost"] == bereft.left("manifest.json")["lost"]
    assert not any(entry.get("failed") for entry in bereft.left("manifest.json")["lost"])


def test_what_two_names_share_stays_shared(r: Sleeper) -> None:
    r.run("a <- new.env(); a$n <- 1; b <- list(a); f <- function() a$n; g <- local({ e <- a; function() e$n })")
    r.sleep()
    r.run("a$n <- 7")
    assert r.ask("c(b[[1]]$n, f(), g())") == "c(7, 7, 7)"


def test_promises_are_not_computed_by_looking(r: Sleeper) -> None:
    r.run("make <- function(x, y) function() x; kept <- make({ cat('computed'); 1 }, stop('never'))")
    r.sleep()
    assert r.lost() == {}
    assert r.run("kept()").startswith("computed")


def test_packages_and_attached_data_come_back_in_their_order(r: Sleeper) -> None:
    r.run(
        "suppressPackageStartupMessages(library(splines)); attach(mtcars); library(tools); attach(list(mine = 42), name = 'own')"
    )
    before = r.ask("setdiff(search(), 'jupyter:irkernel')")
    r.sleep()
    assert r.ask("setdiff(search(), 'jupyter:irkernel')") == before
    assert r.ask("c(mine, mpg[[1]])") == "c(42, 21)"


@pytest.mark.long
def test_a_package_that_went_away_is_named_and_the_rest_is_there(r: Sleeper, library: Path, tmp_path: Path) -> None:
    package = tmp_path / "passing"
    (package / "R").mkdir(parents=True)
    (package / "DESCRIPTION").write_text("Package: passing\nVersion: 1.0\nTitle: T\nDescription: D.\nLicense: GPL-3\n")
    (package / "NAMESPACE").write_text("export(f)\n")
    (package / "R/f.R").write_text("f <- function() 1\n")
    subprocess.run(["R", "CMD", "INSTALL", "--no-docs", "-l", library, package], check=True, capture_output=True)
    r.run("library(passing); n <- 5; from <- f")
    r.save()
    shutil.rmtree(library / "passing")
    r.wake()
    (lost,) = r.left("restored.json")["lost"]
    assert (lost["name"], lost["class"]) == ("passing", "package")
    assert r.ask("n") == "5"


def test_options_that_the_person_changed_come_back_and_the_front_ends_stay(r: Sleeper) -> None:
    r.run("options(digits = 4, my.own = list(1, 'two'), scipen = NULL)")
    r.run("options(pager = 'mine', jupyter.logfile = 'mine')")
    r.sleep()
    assert r.ask("list(getOption('digits'), getOption('my.own')[[2]])") == 'list(4L, "two")'
    assert r.ask("identical(getOption('jupyter.logfile'), 'mine')") == "FALSE"
    assert r.ask("is.function(getOption('pager')) || !identical(getOption('pager'), 'mine')") == "TRUE"


def test_a_baseline_tells_what_the_kernel_started_with(r: Sleeper) -> None:
    r.run("options(of.the.start = 1)")
    r.run("rspark:::workspace_baseline()")
    r.run("options(of.the.person = 2)")
    r.sleep()
    assert r.ask("list(getOption('of.the.start'), getOption('of.the.person'))") == "list(NULL, 2)"


def test_random_numbers_go_on_where_they_were(r: Sleeper) -> None:
    r.run(
        "RNGkind('Wichmann-Hill'); set.seed(1); invisible(runif(3)); s <- .Random.seed; expected <- runif(2); .Random.seed <- s"
    )
    r.sleep()
    assert r.ask("identical(runif(2), expected)") == "TRUE"
    assert r.ask("RNGkind()[1]") == '"Wichmann-Hill"'


@pytest.mark.long
def test_the_working_directory_comes_back_or_is_named(r: Sleeper, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    r.run(f"setwd('{tmp_path}/project'); n <- 1")
    r.sleep()
    assert r.ask("getwd()") == f'"{tmp_path}/project"'
    r.save()
    shutil.rmtree(tmp_path / "project")
    r.wake()
    assert [entry["name"] for entry in r.left("restored.json")["lost"]] == [f"{tmp_path}/project"]
    assert r.ask("n") == "1"


def test_plots_work_after_the_sleep_and_none_is_shown_again(r: Sleeper) -> None:
    r.run("plot(1:3); recorded <- recordPlot()")
    r.sleep()
    assert r.lost() == {}
    shown = r.kernel.shown("plot(3:1)")
    plots = [message["content"]["data"] for message in shown if message["msg_type"] == "display_data"]
    assert ["image/png" in plot for plot in plots] == [True]


@pytest.mark.long
def test_thousands_of_temporary_files_are_kept_and_a_pipe_is_not_waited_for(r: Sleeper) -> None:
    r.run("place <- file.path(tempdir(), 'many', 1:20000 %% 7); for (each in unique(place)) dir.create(each, recursive = TRUE)")
    r.run("paths <- file.path(place, 1:20000); invisible(mapply(cat, 1:20000, file = paths))")
    r.run("Sys.setFileTime(paths[[7]], '2020-01-01')")
    r.run("system2('mkfifo', file.path(tempdir(), 'pipe'))")
    r.sleep()
    assert r.lost() == {}
    assert r.ask("sum(as.integer(vapply(paths, readLines, '', warn = FALSE))) == sum(1:20000)") == "TRUE"
    assert r.ask("format(file.mtime(paths[[7]]), '%Y')") == '"2020"'


def test_of_many_temporary_files_that_are_too_large_the_largest_are_named(r: Sleeper) -> None:
    r.run("for (i in 1:60) writeBin(raw(2e6 + i), file.path(tempdir(), sprintf('large%d', i)))")
    r.sleep()
    named = [Path(name).name for name in r.lost()]
    assert named[:20] == [f"large{number}" for number in range(60, 40, -1)]
    assert [why for kind, why in r.lost().values() if kind == "temporary files"] == [
        "7 smaller files in it, 13.4 Mb, are lost, too."
    ]
    assert len([*(r.folder / "files").iterdir()]) == 33


@pytest.mark.long
def test_a_part_that_hangs_or_fails_takes_nothing_along(r: Sleeper) -> None:
    r.run("rspark:::workspace_baseline()")
    r.run("put <- function(name, f) { n <- asNamespace('grDevices'); base::unlockBinding(name, n); assign(name, f, n) }")
    r.run("put('palette', function(...) repeat Sys.sleep(0.1));")
    r.run(
        "assign('getAllConnections', function() stop('none'), {base::unlockBinding('getAllConnections', baseenv()); baseenv()})"
    )
    r.run("length.hangs <- function(x) repeat Sys.sleep(0.1); odd <- structure(list(1), class = 'hangs')")
    r.run("makeActiveBinding('active', function() repeat Sys.sleep(0.1), globalenv()); x <- 42")
    assert r.kernel.shown(f"rspark:::workspace_save({json.dumps(str(r.folder))}, 12)", silent=True) == []
    lost = r.lost()
    assert lost["package settings"] == ("", "It can't be read: reached elapsed time limit")
    assert lost["connections"] == ("", "What of this is lost can't be told: none")
    r.wake()
    assert r.ask("c(x, unclass(odd)[[1]])") == "c(42, 1)"


@pytest.mark.long
def test_a_part_in_which_one_thing_after_the_other_hangs_ends_all_the_same(r: Sleeper) -> None:
    r.run("rspark:::workspace_baseline(); x <- 42; f <- function() 1; g <- function() 2")
    r.run("base::unlockBinding('isdebugged', baseenv())")
    r.run("assign('isdebugged', function(...) repeat Sys.sleep(0.1), baseenv())")
    assert r.kernel.shown(f"rspark:::workspace_save({json.dumps(str(r.folder))}, 12)", silent=True) == []
    assert r.lost()["locks and debugging"] == ("", "It can't be read: reached elapsed time limit")
    r.wake()
    assert r.ask("c(x, f(), g())") == "c(42, 1, 2)"


def test_saving_changes_nothing_in_the_kernel(r: Sleeper) -> None:
    r.run("set.seed(3); n <- 1; options(warn = 1)")
    names = "setdiff(ls(all.names = TRUE), '.pbd_env')"
    others = "getwd(), sum(.Random.seed), nrow(showConnections()), sink.number()"
    look = f"list({names}, unique(search()), {others})"
    before = r.ask(look)
    r.save()
    assert r.ask(look) == before


@pytest.mark.long
def test_much_data_is_kept_as_it_is(r: Sleeper) -> None:
    r.run("much <- runif(4e7); sum_before <- sum(much)")
    r.sleep()
    assert (r.folder / "objects").stat().st_size > 3 * 10**8
    assert r.left("manifest.json")["bytes"] > 3 * 10**8
    assert r.ask("sum(much) == sum_before") == "TRUE"


def test_a_folder_that_cannot_be_used_is_said_in_a_file_or_not_at_all(r: Sleeper, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    r.folder = tmp_path / "file/kept"
    assert r._shown("save") == []
    r.folder = tmp_path / "empty"
    assert r._shown("restore") == []
    assert "manifest.json" in r.left("failed.json")["why"]
    assert not (r.folder / "restored.json").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_what_the_disk_has_no_room_for_is_named_and_the_small_is_kept(r: Sleeper, small_disk: Path) -> None:
    r.folder = small_disk / "kept"
    r.run("large <- runif(1e6); n <- 1; frame <- data.frame(x = 1:3); shared <- new.env(); f <- function() shared")
    r.sleep()
    lost, *others = r.left("manifest.json")["lost"]
    assert others == []
    assert (lost["name"], lost["class"], lost["failed"]) == ("large", "numeric", True)
    assert lost["why"] == "There is no room for it on the disk. It takes 7.6 Mb."
    assert r.ask("list(n, sum(frame$x), identical(f(), shared), exists('large'))") == "list(1, 6L, TRUE, FALSE)"


def test_a_full_disk_leaves_no_manifest(r: Sleeper, small_disk: Path) -> None:
    r.folder = small_disk / "kept"
    subprocess.run(["dd", "if=/dev/zero", f"of={small_disk}/filler"], stderr=subprocess.DEVNULL, check=False)
    r.run("n <- runif(1e5)")
    assert r._shown("save") == []
    assert not (r.folder / "manifest.json").exists()


def test_a_killed_save_leaves_no_manifest_that_says_it_is_whole(r: Sleeper) -> None:
    r.run("n <- runif(1e6)")
    r.run("trace('compress', quote(tools::pskill(Sys.getpid(), 9)), where = asNamespace('rspark'), print = FALSE)")
    r.kernel.client.execute(f"rspark:::workspace_save('{r.folder}')", silent=True)
    while r.kernel.manager.is_alive():
        pass
    assert (r.folder / "objects").exists()
    if (r.folder / "manifest.json").exists():  # a save of more than a second reports how far it is
        assert not r.left("manifest.json")["complete"]


def test_kinds_of_random_numbers_are_kept_before_the_first_of_them(r: Sleeper) -> None:
    r.run("suppressWarnings(RNGkind('Marsaglia-Multicarry', sample.kind = 'Rounding')); rm(.Random.seed)")
    r.sleep()
    assert r.ask("RNGkind()[c(1, 3)]") == 'c("Marsaglia-Multicarry", "Rounding")'


@pytest.mark.long
def test_threads_of_data_table_are_kept_where_somebody_set_them(r: Sleeper, start_kernel: Start, library: Path) -> None:
    environ = {"R_LIBS": str(library), "R_PROFILE_USER": "/dev/null", "R_DATATABLE_NUM_PROCS_PERCENT": "100"}
    r.run("rspark:::workspace_baseline()")
    r.run("invisible(loadNamespace('data.table'))")
    r.save()

    def more_processors() -> Kernel:
        kernel = start_kernel(COMMAND, environ=environ)
        kernel.run("rspark:::workspace_baseline()")
        return kernel

    r._start = more_processors
    r.wake()
    r.run("before <- data.table::getDTthreads(); data.table::setDTthreads(NULL)")
    assert r.ask("before == data.table::getDTthreads()") == "TRUE"
    r.run("data.table::setDTthreads(1)")
    r.sleep()
    assert r.ask("data.table::getDTthreads()") == "1L"


def test_what_several_names_hold_and_is_lost_is_named_for_each(r: Sleeper) -> None:
    r.run("e <- new.env(); e$con <- file('/dev/null', 'r'); e$n <- 5; a <- list(e); b <- list(e = e); k <- e; clean <- new.env()")
    r.run("f <- local({ held <- e; function() held$n }); apart <- list(clean)")
    r.sleep()
    assert set(r.lost()) == {"e$con", "a[[1]]$con", "b$e$con", "k$con", "environment(f)$held$con"}
    assert (
        r.ask("c(identical(a[[1]], e), identical(b$e, k), f() == 5, inherits(e$con, 'rspark_lost'))")
        == "c(TRUE, TRUE, TRUE, TRUE)"
    )
