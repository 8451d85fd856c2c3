"""The calls of R that pages name are there, and take the arguments that the pages show."""

import re
import subprocess

from tests.installation import ROOT

CHECK = """
.libPaths(c(commandArgs(TRUE)[[1]], .libPaths()))
x <- f <- g <- k <- v <- kv <- result <- NULL
for (line in readLines(file("stdin"))) {
  call <- parse(text = line)[[1]]
  f <- tryCatch(getExportedValue("rspark", as.character(call[[1]])), error = function(error) stop(line, " is not there"))
  tryCatch(match.call(f, call), error = function(error) stop(line, ": ", conditionMessage(error)))
}
"""
HUB = """
calls <- function(x) {
  if (is.call(x)) c(if (is.name(x[[1]]) && startsWith(as.character(x[[1]]), "hub_")) list(x), unlist(lapply(x, calls)))
}
cat(vapply(unlist(lapply(parse(file("stdin")), calls)), function(call) paste(deparse(call), collapse = " "), ""), sep = "\\n")
"""


def calls(page: str) -> tuple[list[str], list[str]]:
    """Return the calls in the two columns of the page's table from old to new."""
    text = (ROOT / page).read_text(encoding="utf-8").partition("## From rhdfs and rmr2")[2]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    old, new = ([call for row in rows for call in re.findall(r"`(\w[\w.]*\(.*?\))`", row[column])] for column in (0, 1))
    return old, [call.replace("…, ", "").replace("…", "") for call in new]


def run(code: str, given: str) -> str:
    """Return what R code says of what it is given."""
    asked = ["Rscript", "--no-init-file", "-e", code, str(ROOT / ".r-library")]
    done = subprocess.run(asked, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_call_of_the_hub_is_on_its_page_and_takes_what_the_page_shows() -> None:
    text = (ROOT / "docs/how-to/use-the-hub-from-r.md").read_text(encoding="utf-8")
    shown = run(HUB, "\n".join(re.findall(r"```r\n(.*?)```", text, re.DOTALL)))
    run(CHECK, shown)
    exported = re.findall(r"^export\((hub_\w+)\)$", (ROOT / "r/rspark/NAMESPACE").read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(r"\bhub_\w+(?=\()", text))
    assert named - {*exported} == set()
    assert {*exported} - named == {"hub_courses", "hub_rename", "hub_token_remove", "hub_wait"}  # said by the help pages
    assert len(shown.splitlines()) > 20


def test_each_new_call_of_the_table_is_there_with_its_arguments() -> None:
    old, new = calls("docs/how-to/use-mapreduce.md")
    run(CHECK, "\n".join(new))
    names = {call.partition("(")[0] for call in old}
    wanted = {f"hdfs.{name}" for name in ("init", "ls", "put", "get", "cat", "rm", "mkdir")}
    wanted |= {"to.dfs", "from.dfs", "mapreduce", "keyval", "make.input.format", "make.output.format"}
    assert wanted <= names, wanted - names
