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

test_that("a query that isn't one is refused before Spark is asked", {
  expect_error(spark_sql(""), "`sql` takes one query")
  expect_error(spark_sql(c("a", "b")), "`sql` takes one query")
})

test_that("after spark_stop() the next call starts it again", {
  spark_stop()
  expect_identical(spark_sql("SELECT 1 AS one")$one, 1L)
  spark_stop()
})

test_that("a session without Spark says what to do", {
  without("SPARK_HOME", expect_error(spark(), "Start an environment that has it"))
})

test_that("sparklyr gets the master that the session's configuration names", {
  file <- tempfile()
  writeLines(c("spark.app.id x", "spark.master k8s://https://kubernetes.default.svc"), file)
  expect_identical(rspark:::spark_master(file), "k8s://https://kubernetes.default.svc")
  expect_identical(rspark:::spark_master(tempfile()), "local")
  expect_identical(rspark:::spark_master(), spark()$conf$get("spark.master"))
})
