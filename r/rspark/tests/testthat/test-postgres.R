test_that("the sample database is read without an address or a password", {
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  first <- DBI::dbGetQuery(con, "SELECT carrier, count(*)::int AS n FROM flights GROUP BY 1 ORDER BY n DESC LIMIT 1")
  expect_equal(first, data.frame(carrier = "UA", n = 58665L))
})

test_that("nobody writes to the sample database", {
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  expect_error(suppressWarnings(DBI::dbExecute(con, "DELETE FROM airlines")), "read-only|permission denied")
})

test_that("without a name it is the person's own database, and tables can be made there", {
  con <- postgres()
  on.exit(DBI::dbDisconnect(con))
  expect_equal(DBI::dbGetQuery(con, "SELECT current_database()::text AS d, current_user::text AS u"), data.frame(d = "ada", u = "ada"))
  DBI::dbWriteTable(con, "made", data.frame(x = 1:3, y = c("a", NA, "c")), row.names = FALSE)
  expect_equal(DBI::dbReadTable(con, "made")$y, c("a", NA, "c"))
  DBI::dbRemoveTable(con, "made")
})

test_that("numbers that R has no room for are said once in a query, with their columns", {
  con <- postgres()
  on.exit(DBI::dbDisconnect(con))
  large <- "SELECT 9007199254740993 AS id, -1e20::numeric AS total, i AS small, 1.5e300::float8 AS far FROM generate_series(1, 4) AS i"
  expect_warning(DBI::dbGetQuery(con, large), "in id, total may be rounded.*id::text")
  expect_warning(DBI::dbGetQuery(con, large), "in id, total")
  result <- DBI::dbSendQuery(con, large)
  expect_warning(DBI::dbFetch(result, 2), "in id, total")
  expect_no_warning(DBI::dbFetch(result, 2))
  DBI::dbClearResult(result)
  exact <- "SELECT 9007199254740993::text AS id, 9007199254740991 AS most, NULL::bigint AS none"
  expect_no_warning(found <- DBI::dbGetQuery(con, exact))
  expect_identical(found$id, "9007199254740993")
  expect_no_warning(DBI::dbGetQuery(con, "SELECT 1::bigint AS none WHERE false"))
  expect_no_warning(postgres("flights") |> DBI::dbDisconnect())
})

test_that("a database that isn't there is named", {
  expect_error(postgres("nope"), "There is no database \"nope\"")
})

test_that("a session without PostgreSQL says what to do", {
  without("PGHOST", expect_error(postgres(), "Start an environment that has it"))
})

test_that("a server that is down is named by its address", {
  old <- Sys.getenv("PGPORT")
  on.exit(Sys.setenv(PGPORT = old))
  Sys.setenv(PGPORT = "1")
  expect_error(postgres(), "can't be reached at .*:1[.]")
})

test_that("a name that isn't one is refused before anything is asked", {
  expect_error(postgres(c("a", "b")), "`dbname` takes one name")
  expect_error(postgres(NA_character_), "`dbname` takes one name")
})

test_that("samples() names the five tables", {
  found <- samples()
  expect_setequal(found$table, c("airlines", "airports", "flights", "planes", "weather"))
  expect_equal(found$rows[found$table == "flights"], 336776L)
  expect_true(all(nzchar(found$description)))
})

test_that("connections() names what the session has", {
  expect_equal(connections()$use, c("postgres()", "s3_ls()", "spark()", "hdfs_ls()", "mapreduce()"))
  expect_match(connections()$address[3], "^local\\[[0-9]+\\]$")
  without(c("PGHOST", "RSPARK_S3_BUCKET", "SPARK_HOME", "RSPARK_HDFS", "RSPARK_HIVE", "RSPARK_MAPREDUCE"), expect_equal(nrow(connections()), 0L))
})

test_that("a password is found in a passfile as libpq finds it", {
  file <- tempfile()
  writeLines(c("other:5432:*:ada:wrong", "10.0.0.1:5432:*:ada:a\\:b\\\\c", "*:*:*:*:last"), file)
  expect_identical(passfile_password(file, "10.0.0.1", "ada"), "a:b\\c")
  expect_identical(passfile_password(file, "10.0.0.2", "ada"), "last")
  expect_null(passfile_password(tempfile(), "10.0.0.1", "ada"))
})
