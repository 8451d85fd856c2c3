"""One R script that touches every service: the same table in each, and everywhere the same count."""

from pathlib import Path

import pytest

from rsparkhub.services.hdfs import Hdfs
from rsparkhub.services.hive import Hive
from rsparkhub.services.postgres import Postgres
from rsparkhub.services.s3 import S3
from tests.services.conftest import FullSession

pytestmark = pytest.mark.timeout(900)
SCRIPT = r"""
suppressMessages({ library(rspark); library(DBI) })
months <- function(months, counts) setNames(as.numeric(counts), months)[as.character(sort(unique(airquality$Month)))]

con <- postgres()
dbWriteTable(con, "air", airquality, overwrite = TRUE, row.names = FALSE)
found <- dbGetQuery(con, 'SELECT "Month", count(*) AS n FROM air GROUP BY "Month"')
counts <- list(postgres = months(found$Month, found$n))
invisible(dbDisconnect(con))

spark_postgres("air")
found <- spark_sql("SELECT Month, count(*) AS n FROM air GROUP BY Month")
counts$spark <- months(found$Month, found$n)

invisible(spark()$table("air")$repartition(2L)$write$mode("overwrite")$parquet("air.parquet"))
invisible(spark()$read$parquet("air.parquet")$createOrReplaceTempView("stored"))
found <- spark_sql("SELECT Month, count(*) AS n FROM stored GROUP BY Month")
counts$hdfs <- months(found$Month, found$n)

# Hive's table lies in HDFS too, and outlives the session: another script, or another program, asks for it by its name.
hive <- hive()
if (dbExistsTable(hive, "air_of_hive")) dbRemoveTable(hive, "air_of_hive")
invisible(dbExecute(hive, "CREATE TABLE air_of_hive STORED AS PARQUET AS SELECT * FROM stored"))
found <- dbGetQuery(hive, "SELECT Month, count(*) AS n FROM air_of_hive GROUP BY Month")
counts$hive <- months(found$Month, found$n)

# A map of MapReduce reads lines: one month each.
invisible(spark()$sql("SELECT string(Month) AS value FROM air_of_hive")$write$mode("overwrite")$text("air.months"))
if ("air.counted" %in% hdfs_ls()$name) hdfs_rm("air.counted", recursive = TRUE, trash = FALSE)
code <- system2("mapred", c("streaming", "-input", "air.months", "-output", "air.counted", "-mapper", "cat",
                            "-reducer", shQuote("uniq -c")))
stopifnot(code == 0)
lines <- unlist(lapply(grep("^part-", hdfs_ls("air.counted")$name, value = TRUE),
                       function(part) hdfs_read_lines(file.path("air.counted", part))))
found <- read.table(text = lines)
counts$mapreduce <- months(found[[2]], found[[1]])

bucket <- s3_buckets()[[1]]
invisible(spark()$read$parquet("air.parquet")$write$mode("overwrite")$parquet(sprintf("s3a://%s/air.parquet", bucket)))
invisible(spark()$read$parquet(sprintf("s3a://%s/air.parquet", bucket))$createOrReplaceTempView("copied"))
found <- spark_sql("SELECT Month, count(*) AS n FROM copied GROUP BY Month")
counts$s3 <- months(found$Month, found$n)

expected <- months(names(table(airquality$Month)), table(airquality$Month))
for (place in names(counts)) cat(place, if (identical(counts[[place]], expected)) "agrees" else deparse(counts[[place]]), "\n")
"""


def test_one_script_takes_a_table_through_every_service_and_the_counts_agree(full: FullSession) -> None:
    said = full.r(SCRIPT)
    assert [line.split() for line in said.splitlines() if line.split()[-1:] == ["agrees"]] == [
        [place, "agrees"] for place in ("postgres", "spark", "hdfs", "hive", "mapreduce", "s3")
    ], said


def test_the_first_start_of_a_service_told_why_it_took_longer_and_the_next_is_none(full: FullSession) -> None:
    told = full.audit()
    for service in (Hdfs(), Hive(), Postgres(), S3()):
        for instance in service.instances():
            for component in instance.components:
                first = component.first_start
                assert first is not None
                assert Path(first.path.format(data=full.services / instance.id)).exists()
                if service.name in ("hdfs", "hive"):  # the others may be ready before anybody looks
                    assert first.reason in told
