"""The calls of R that pages name in place of older ones are there, and take the arguments that the pages show."""

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


def calls(page: str) -> tuple[list[str], list[str]]:
    """Return the calls in the two columns of the page's table from old to new."""
    text = (ROOT / page).read_text(encoding="utf-8").partition("## From rhdfs and rmr2")[2]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    old, new = ([call for row in rows for call in re.findall(r"`(\w[\w.]*\(.*?\))`", row[column])] for column in (0, 1))
    return old, [call.replace("…, ", "").replace("…", "") for call in new]


def test_each_new_call_of_the_table_is_there_with_its_arguments() -> None:
    old, new = calls("docs/how-to/use-mapreduce.md")
    asked = ["Rscript", "--no-init-file", "-e", CHECK, str(ROOT / ".r-library")]
    done = subprocess.run(asked, input="\n".join(new), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = {call.partition("(")[0] for call in old}
    wanted = {f"hdfs.{name}" for name in ("init", "ls", "put", "get", "cat", "rm", "mkdir")}
    wanted |= {"to.dfs", "from.dfs", "mapreduce", "keyval", "make.input.format", "make.output.format"}
    assert wanted <= names, wanted - names
