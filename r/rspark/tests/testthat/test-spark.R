test_that("values of every type become R's own, and NULL is NA", {
  one <- spark_sql("
    SELECT 1 AS i, cast(NULL AS int) AS i_na, 2L AS l, 2.5D AS d, 1.25 AS dec, 'a' AS s, cast(NULL AS string) AS s_na,
           date'2013-01-02' AS day, cast(NULL AS date) AS day_na, timestamp'2013-01-02 03:04:05.5' AS ts, true AS b,
           cast(NULL AS boolean) AS b_na, cast('NaN' AS double) AS nan, cast(-2147483648 AS int) AS least, array(1, 2) AS arr")
  expect_identical(one$i, 1L)
  expect_identical(one$i_na, NA_integer_)
  expect_identical(one$l, 2)
  expect_identical(one$d, 2.5)
  expect_identical(one$dec, 1.25)
  expect_identical(one$s, "a")
  expect_identical(one$s_na, NA_character_)
  expect_identical(one$day, as.Date("2013-01-02"))
  expect_identical(one$day_na, as.Date(NA))
  expect_equal(one$ts, as.POSIXct("2013-01-02 03:04:05.5"))
  expect_identical(one$b, TRUE)
  expect_identical(one$b_na, NA)
  expect_true(is.nan(one$nan))
  expect_identical(one$least, -2147483648)
  expect_identical(one$arr, list(1:2))
})

test_that("binary, intervals, times and what has no type in Arrow have R's own types", {
  one <- spark_sql("
    SELECT X'00ff' AS b, cast(NULL AS binary) AS b_na, INTERVAL '1 02:03:04.5' DAY TO SECOND AS dt,
           cast(NULL AS INTERVAL DAY) AS dt_na, INTERVAL '-1-2' YEAR TO MONTH AS ym, make_interval(1, 2) AS ci,
           timestamp_ntz'2013-01-02 03:04:05.5' AS wall, time'01:02:03' AS t, parse_json('{\"a\":[1]}') AS v, NULL AS n,
           cast('abc' AS char(5)) AS ch, cast(0.5 AS float) AS f, 1Y AS tiny")
  expect_identical(one$b, list(as.raw(c(0, 255))))
  expect_identical(one$b_na, list(NULL))
  expect_identical(one$dt, as.difftime(93784.5, units = "secs"))
  expect_identical(one$dt_na, as.difftime(NA_real_, units = "secs"))
  expect_identical(one$ym, -14L)
  expect_identical(one$ci, "1 years 2 months")
  expect_identical(format(one$wall, "%F %H:%M:%OS1"), "2013-01-02 03:04:05.5")
  expect_s3_class(one$t, c("hms", "difftime"))
  expect_identical(as.numeric(one$t), 3723)
  expect_identical(one$v, "{\"a\":[1]}")
  expect_identical(one$n, NA)
  expect_identical(trimws(one$ch), "abc")
  expect_identical(one$f, 0.5)
  expect_identical(one$tiny, 1L)
})

test_that("nested values hold R's own types at each depth", {
  day <- as.Date("2013-01-02")
  one <- spark_sql("
    SELECT array(date'2013-01-02', NULL) AS days, array(1.5, 2.25) AS decimals, array(array(1), array(2, 3)) AS arrays,
           map('a', 1, 'b', 2) AS m, map(1, date'2013-01-02') AS by_number, struct(1 AS x, date'2013-01-02' AS d) AS s,
           array(struct(X'01' AS b)) AS structs, array(INTERVAL '1' DAY) AS intervals, array(INTERVAL '2' MONTH) AS months,
           cast(NULL AS array<date>) AS none, array() AS empty, named_struct('a', 1, 'a', 'z') AS twice")
  expect_identical(one$days, list(c(day, NA)))
  expect_identical(one$decimals, list(c(1.5, 2.25)))
  expect_identical(one$arrays, list(list(1L, 2:3)))
  expect_identical(one$m, list(c(a = 1L, b = 2L)))
  expect_identical(one$by_number, list(data.frame(key = 1L, value = day)))
  expect_identical(one$s, list(list(x = 1L, d = day)))
  expect_identical(one$structs, list(list(list(b = as.raw(1)))))
  expect_identical(one$intervals, list(as.difftime(86400, units = "secs")))
  expect_identical(one$months, list(2L))
  expect_identical(one$none, list(NULL))
  expect_length(one$empty[[1]], 0)
  expect_identical(one$twice, list(list(a = 1L, a = "z")))
})

test_that("of many rows each has its own part, and those that are missing have none", {
  many <- spark_sql("
    SELECT id, CASE WHEN id % 3 = 0 THEN NULL ELSE sequence(1, cast(id % 5 AS int) + 1) END AS a,
           CASE WHEN id % 4 = 0 THEN NULL ELSE concat('\u00fc', id) END AS s, map('k', id) AS m
    FROM range(1000) ORDER BY id")
  expect_identical(many$a[[1]], NULL)
  expect_identical(many$a[[3]], 1:3)
  expect_identical(lengths(many$a), as.integer(ifelse(many$id %% 3 == 0, 0, many$id %% 5 + 1)))
  expect_identical(many$s, ifelse(many$id %% 4 == 0, NA, paste0("\u00fc", many$id)))
  expect_identical(many$m[[1000]], c(k = 999))
})

test_that("what R can't hold is said, with the column", {
  expect_warning(x <- spark_sql("SELECT 9007199254740993L AS big, 1 AS small"), "`big`: whole numbers beyond 2\\^53")
  expect_identical(x$big, 9007199254740992)
  expect_warning(spark_sql("SELECT array(9007199254740993L) AS a"), "`a`")
  expect_warning(spark_sql("SELECT cast('1234567890.12345678901' AS decimal(30, 11)) AS d"), "`d`: decimals of more digits")
  expect_warning(x <- spark_sql("SELECT 'a\\0b' AS z"), "`z`: text with NUL")
  expect_identical(x$z, "ab")
  expect_silent(spark_sql("SELECT 9007199254740992L AS l, cast(0.1 AS decimal(38, 18)) AS d, -9007199254740992L AS m"))
  expect_identical(spark_sql("SELECT 9007199254740993L AS l, cast(NULL AS bigint) AS n", bigint = "character"),
    data.frame(l = "9007199254740993", n = NA_character_))
  expect_error(spark_sql("SELECT 1", bigint = "long"), "`bigint` takes one of")
})

test_that("whole numbers of 64 bits are exact where 'bit64' is asked for", {
  skip_if_not_installed("bit64")
  x <- spark_sql("SELECT 9007199254740993L AS l, cast(NULL AS bigint) AS n", bigint = "integer64")
  expect_identical(bit64::as.character.integer64(x$l), "9007199254740993")
  expect_true(bit64::is.na.integer64(x$n))
})

test_that("columns may have one name, and there may be none", {
  expect_identical(names(spark_sql("SELECT 1 AS a, 2 AS a, 3 AS `a b.c`")), c("a", "a", "a b.c"))
  expect_equal(dim(spark_sql("SELECT * EXCEPT (a) FROM VALUES (1), (2) t(a)")), c(2L, 0L))
  expect_equal(dim(spark_sql("CREATE OR REPLACE TEMP VIEW nothing AS SELECT 1")), c(0L, 0L))
})

test_that("times are shown in Spark's time zone where R has another", {
  old <- spark()$conf$get("spark.sql.session.timeZone")
  on.exit(spark()$conf$set("spark.sql.session.timeZone", old))
  spark()$conf$set("spark.sql.session.timeZone", "Asia/Tokyo")
  ts <- spark_sql("SELECT timestamp'2013-01-02 03:04:05' AS ts, timestamp_ntz'2013-01-02 03:04:05' AS wall")
  expect_identical(format(ts$ts), "2013-01-02 03:04:05")
  expect_identical(as.numeric(ts$ts), as.numeric(as.POSIXct("2013-01-01 18:04:05", tz = "UTC")))
  expect_identical(format(ts$wall), "2013-01-02 03:04:05")
})

test_that("text of other languages arrives whole", {
  expect_identical(spark_sql("SELECT 'Zürich \u2192 \u6771\u4eac' AS s")$s, "Z\u00fcrich \u2192 \u6771\u4eac")
})

test_that("no rows are a data frame with columns", {
  none <- spark_sql("SELECT 1 AS i, 'a' AS s WHERE false")
  expect_equal(dim(none), c(0L, 2L))
  expect_type(none$s, "character")
})

test_that("a table of PostgreSQL gives the same numbers in Spark", {
  expect_equal(spark_postgres("flights", dbname = "flights"), "flights")
  in_spark <- spark_sql("
    SELECT origin, count(*) AS n, count(dep_time) AS left, round(avg(dep_delay), 6) AS delay
    FROM flights GROUP BY origin ORDER BY origin")
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  in_postgres <- DBI::dbGetQuery(con, "
    SELECT origin, count(*)::float8 AS n, count(dep_time)::float8 AS left, round(avg(dep_delay), 6)::float8 AS delay
    FROM flights GROUP BY origin ORDER BY origin")
  expect_equal(in_spark, in_postgres)
  expect_equal(sum(in_spark$n), 336776)
})

test_that("there is one Spark session for the R process", {
  expect_identical(spark(), spark())
})

test_that("an error of Spark is its first sentence, without pages of Java", {
  message <- tryCatch(spark_sql("SELECT * FROM nowhere"), error = conditionMessage)
  expect_match(message, "^Spark says: \\[TABLE_OR_VIEW_NOT_FOUND\\].*nowhere")
  expect_false(grepl("java|scala", message))
  expect_error(spark_sql("SELECT * FRM x"), "PARSE_SYNTAX_ERROR")
})

test_that("a syntax error shows where it is, a failed task what it says, and the trace is asked for", {
  message <- tryCatch(spark_sql("SELECT * FRM x"), error = conditionMessage)
  expect_match(message, "^Spark says: \\[PARSE_SYNTAX_ERROR\\].*\nSELECT \\* FRM x\n-+\\^\\^\\^$")
  message <- tryCatch(spark_sql("SELECT raise_error(concat('row ', id)) FROM range(1)"), error = conditionMessage)
  expect_match(message, "^Spark says: .*row 0$")
  expect_match(tryCatch(spark_sql("SELECT 1/0"), error = conditionMessage), "^Spark says: \\[DIVIDE_BY_ZERO\\][^\n]*$")
  expect_output(trace <- last_spark_error(), "Traceback")
  expect_match(trace, "DIVIDE_BY_ZERO")
  expect_null(conditionCall(tryCatch(spark_sql("SELECT 1/0"), error = identity)))
})

# Send R an interrupt after some seconds, as the button of a notebook does.
interrupt_in <- function(seconds) {
  system(sprintf("(sleep %f; kill -INT %d) >/dev/null 2>&1 &", seconds, Sys.getpid()))
}

# Spark writes of a job's end a moment after who waited for it has its answer.
expect_no_jobs <- function() {
  active <- function() length(spark()$sparkContext$statusTracker()$getActiveJobsIds())
  deadline <- Sys.time() + 30
  while (active() > 0 && Sys.time() < deadline) Sys.sleep(0.05)
  expect_equal(active(), 0)
}

test_that("an interrupt cancels the query, and the next call works", {
  long <- "SELECT sum(hash(a.id, b.id)) AS s FROM range(3000000000) a, range(300) b"
  spark()
  # More than once: what the first left in the middle, the third ended R by.
  for (time in 1:4) {
    interrupt_in(1.5)
    expect_identical(tryCatch(spark_sql(long), interrupt = function(condition) "interrupted"), "interrupted")
    expect_no_jobs()
  }
  expect_identical(spark_sql("SELECT 1 AS one")$one, 1L)
  # A call of the person's own, in R's own thread; Sys.sleep() changes what a signal does to a call that waits.
  session <- spark()
  for (pause in c(0, 0.1)) {
    frame <- session$sql(long)
    Sys.sleep(pause)
    interrupt_in(3)
    time <- system.time(said <- tryCatch(frame$collect(), interrupt = function(condition) "interrupted"))
    expect_identical(said, "interrupted")
    # The query itself takes a quarter of an hour.
    expect_lt(time[["elapsed"]], 120)
  }
  # What began before has no name yet that is cancelled for ever.
  expect_identical(as.numeric(session$range(3L)$count()), 3)
  expect_no_jobs()
})

test_that("an interrupt that Python is to serve is never served by R in between", {
  spark()
  reticulate::py_run_string("
import ctypes, signal
pending = ctypes.c_int.in_dll(ctypes.CDLL(None), 'R_interrupts_pending')
served = []
for time in range(300):
    pending.value = 1
    try:
        signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
        served.append('nothing')
    except BaseException as error:
        served.append(type(error).__name__)
pending.value = 0
")
  expect_equal(unique(reticulate::py$served), "KeyboardInterrupt")
})

test_that("a driver that ended is said, and the next call starts a new one", {
  kill <- "from pyspark import SparkContext as context; context._gateway.proc.kill(); context._gateway.proc.wait()"
  spark()
  reticulate::py_run_string(kill)
  expect_message(expect_message(x <- spark_sql("SELECT 1 AS one"), "Starting Spark"), "Spark has ended")
  expect_identical(x$one, 1L)
})

test_that("a query that isn't one is refused before Spark is asked", {
  expect_error(spark_sql(""), "`sql` takes one query")
  expect_error(spark_sql(c("a", "b")), "`sql` takes one query")
})

test_that("after spark_stop() the next call starts it again", {
  spark_stop()
  expect_message(x <- spark_sql("SELECT 1 AS one"), "Spark is ready after")
  expect_identical(x$one, 1L)
  spark_stop()
})

test_that("a session that the person started by PySpark is the one that spark() returns", {
  own <- reticulate::import("pyspark.sql")$SparkSession$builder$getOrCreate()
  expect_identical(spark()$sparkContext$applicationId, own$sparkContext$applicationId)
  spark_stop()
})

test_that("a session without Spark says what to do", {
  without("SPARK_HOME", expect_error(spark(), "Start an environment that has it"))
})
