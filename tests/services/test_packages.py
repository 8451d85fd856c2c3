"""What people who use R expect in a session is there: packages that load, and compilers."""

import re
from pathlib import Path

import pytest

from tests.installation import ROOT
from tests.services.conftest import FullSession

pytestmark = pytest.mark.timeout(900)
LIST = ROOT / "requirements/r-packages.txt"
ABSENT = ROOT / "requirements/r-packages-absent.txt"
#: What the project's own tutorial and courses in statistics ask for.
EXPECTED = {
    *("rmarkdown", "knitr", "tidyverse", "data.table", "lubridate", "readxl", "jsonlite", "XML", "httr", "shiny", "glmnet"),
    *("randomForest", "rpart", "survival", "lme4", "testthat", "devtools", "reticulate"),
}


def names_in(file: Path) -> list[str]:
    return [line.split()[0] for line in file.read_text().splitlines() if line and not line.startswith("#")]


def test_the_list_has_what_is_expected_and_each_once() -> None:
    names = names_in(LIST)
    assert set(names) >= EXPECTED
    assert len(set(names)) == len(names)
    assert not set(names) & set(names_in(ABSENT))


@pytest.mark.long
def test_every_package_of_the_list_is_attached_in_a_session(full: FullSession) -> None:
    names = [*names_in(LIST), "rspark", "nycflights13"]
    wanted = ", ".join(f'"{name}"' for name in names)
    said = full.r(
        f"for (name in c({wanted})) {{ suppressWarnings(suppressMessages(library(name, character.only = TRUE))); "
        'cat("attached:", name, "\\n") }'
    )
    assert re.findall(r"attached: (\S+)", said) == names


@pytest.mark.long
def test_a_package_with_code_to_compile_is_installed_from_a_repository(full: FullSession) -> None:
    package = full.home / "source/three"
    (package / "R").mkdir(parents=True)
    (package / "src").mkdir()
    (package / "DESCRIPTION").write_text(
        "Package: three\nVersion: 1.0\nTitle: Three Languages\nDescription: Compiled.\nAuthor: A\nMaintainer: A <a@b.example>\n"
        "License: GPL-3\n"
    )
    (package / "NAMESPACE").write_text("useDynLib(three)\nexport(three)\n")
    (package / "R/three.R").write_text(
        'three <- function() .C("in_c", 1)[[1]] + .C("in_cpp", 1)[[1]] + .Fortran("inf", x = 1)$x\n'
    )
    (package / "src/a.c").write_text("void in_c(double *x) { *x = 10 * *x; }\n")
    (package / "src/b.cpp").write_text(
        '#include <vector>\nextern "C" void in_cpp(double *x) { *x = std::vector<int>(20).size(); }\n'
    )
    (package / "src/c.f").write_text("      subroutine inf(x)\n      double precision x\n      x = 12\n      end\n")
    full.run("bash", "-c", "mkdir -p repository/src/contrib && cd repository/src/contrib && R CMD build ~/source/three")
    said = full.r(
        'tools::write_PACKAGES("repository/src/contrib", type = "source"); '
        'install.packages("three", repos = paste0("file://", normalizePath("repository")), quiet = TRUE); '
        'cat("three is", three::three())'
    )
    assert "three is 42" in said


@pytest.mark.long
def test_parquet_is_read_and_written_from_r_without_arrow(full: FullSession) -> None:
    said = full.r(
        'library(reticulate); pq <- import("pyarrow.parquet"); pa <- import("pyarrow"); '
        'pq$write_table(pa$Table$from_pandas(r_to_py(mtcars)), "cars.parquet"); '
        'cat("rows:", nrow(pq$read_table("cars.parquet")$to_pandas()))'
    )
    assert "rows: 32" in said


@pytest.mark.long
def test_matrices_and_data_frames_go_to_python_and_back(full: FullSession) -> None:
    said = full.r(
        'library(reticulate); np <- import("numpy"); pd <- import("pandas"); '
        "m <- matrix(c(2, 0, 0, 4), 2); stopifnot(all.equal(np$linalg$inv(m), solve(m))); "
        "stopifnot(np$arange(3L)[2:3] == 1:2, identical(dim(np$zeros(c(2L, 3L, 4L))), 2:4)); "
        'frame <- data.frame(n = 1:2, x = c(0.5, NA), s = c("a", "\u00fc")); back <- pd$concat(list(frame, frame)); '
        'cat("rows:", nrow(back), "sum:", sum(back$n), "text:", back$s[[4]])'
    )
    assert "rows: 4 sum: 6 text: ü" in said
