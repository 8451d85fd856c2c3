"""The archive of Spark's classes: half of what a driver computes until it is ready is reading, checking and linking its classes.

Java keeps them as they are in memory (class data sharing, JEP 350), and maps that file at each start; processes share it. An
archive is of one Java and of one beginning of the class path, in its order: `class_path`, which drivers and executors have first.
Where either is another, Java starts as if there were none. `python class_archive.py FILE` makes it, by a driver that does a
little of everything; it is a program by itself, for images in which there is nothing of ours.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

#: Where an installation puts it, below the prefix of the session's Python.
ARCHIVE = Path("share/rspark/spark-classes.jsa")

# What most drivers do: frames of Python and of pandas, SQL, files, a function of Python, and the pages.
_WORK = """
import sys, urllib.request
import pandas
from pyspark.sql import SparkSession, functions as f
session = SparkSession.builder.master("local[2]").config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate()
frame = session.range(1000).withColumn("group", f.col("id") % 7).withColumn("text", f.concat(f.lit("t"), f.col("id")))
frame.createOrReplaceTempView("numbers")
session.sql("select `group`, count(*) n, avg(id) a from numbers group by `group` order by n desc limit 3").collect()
for kind in ("parquet", "csv", "json"):
    frame.write.format(kind).save(f"{sys.argv[1]}/{kind}")
    session.read.format(kind).load(f"{sys.argv[1]}/{kind}").count()
frame.write.saveAsTable("kept")
frame.join(session.table("kept"), "id").toPandas()
session.createDataFrame(pandas.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]})).describe().show()
frame.select(f.udf(lambda number: number + 1, "long")("id")).agg({"*": "max"}).collect()
session.sparkContext.parallelize(range(10)).map(lambda number: (number % 2, number)).reduceByKey(max).collect()
urllib.request.urlopen(session.sparkContext.uiWebUrl).read()
session.stop()
"""

# Spark's launcher puts its folder of configuration before the jars, and Java archives nothing behind a folder.
_JAVA = """
import os, sys
words = sys.argv[1:]
if "org.apache.spark.deploy.SparkSubmit" in words and "org.apache.spark.launcher.Main" not in words:
    words[words.index("-cp") + 1] = {class_path!r}
    words.insert(0, {archive!r})
os.execv({java!r}, [{java!r}, *words])
"""


def class_path() -> list[str]:
    """Return Spark's jars, in the order in which the archive has them."""
    found = find_spec("pyspark")
    places = found.submodule_search_locations if found is not None else None
    return sorted(str(jar) for place in places or () for jar in Path(place).resolve().glob("jars/*.jar"))


def java_options() -> tuple[str, ...]:
    """Return the options by which Java maps the archive of this installation; none where there is none.

    Where the archive is of another Java, there is nothing that a person could do about it.
    """
    archive = Path(sys.prefix) / ARCHIVE
    return (f"-XX:SharedArchiveFile={archive}", "-Xlog:cds*=off") if archive.is_file() else ()


def make(archive: Path) -> None:
    """Make the archive.

    Raises
    ------
    OSError, subprocess.SubprocessError
        When Java or Spark doesn't run.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    if java is None:
        raise FileNotFoundError("There is no Java on this machine.")
    with tempfile.TemporaryDirectory(prefix="spark-classes-") as made:
        place = Path(made)
        partial = place / archive.name
        program = place / "java/bin/java"
        program.parent.mkdir(parents=True)
        instead = place / "java.py"
        # A program of Python itself could be in a folder whose name has spaces, or is too long for a first line.
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(instead))} "$@"\n', encoding="utf-8")
        instead.write_text(
            _JAVA.format(
                java=java,
                class_path=":".join(class_path()),
                archive=f"-XX:ArchiveClassesAtExit={partial}",
            ),
            encoding="utf-8",
        )
        program.chmod(0o700)
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
        environ |= {
            "JAVA_HOME": str(place / "java"),
            "SPARK_CONF_DIR": str(place / "none"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
        }
        command = [sys.executable, "-c", _WORK, str(place)]
        done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode != 0 or not partial.is_file():
            raise subprocess.SubprocessError(f"{done.stdout}\n{done.stderr}\nSpark's classes could not be archived.")
        archive.parent.mkdir(parents=True, exist_ok=True)
        beside = archive.with_name(f".{archive.name}")
        shutil.copyfile(partial, beside)
        beside.chmod(0o644)
        with beside.open("rb") as file:  # Java ends at once where the archive is not whole
            os.fsync(file.fileno())
        beside.replace(archive)


def main(words: Sequence[str]) -> int:
    """Make the archive at the place that is named; return the exit code."""
    if len(words) != 1:
        print("usage: python class_archive.py FILE", file=sys.stderr)
        return 2
    try:
        make(Path(words[0]))
    except (OSError, subprocess.SubprocessError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
