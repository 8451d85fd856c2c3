skip_if_not_installed("dbplyr")

suppressPackageStartupMessages(library(dplyr))
con <- spark_db()
cars <- copy_to(con, mtcars, "cars", overwrite = TRUE)

test_that("columns of every kind go to Spark and come back", {
  sent <- data.frame(
    i = c(1L, NA), d = c(NaN, NA), s = c("a'b\\c", NA), f = factor(c("u", "\u00fc")), l = c(NA, TRUE), day = as.Date(c("1969-12-31", NA)),
    at = as.POSIXct(c("2020-01-02 03:04:05.25", NA), tz = "UTC"), dt = as.difftime(c(1.5, NA), units = "mins")
  )
  sent$b <- list(as.raw(0:1), NULL)
  sent$n <- list(1:2, NULL)
  back <- as.data.frame(collect(copy_to(con, sent, "sent", overwrite = TRUE)))
  expect_identical(back[c("i", "d", "s", "l", "day", "b", "n")], sent[c("i", "d", "s", "l", "day", "b", "n")])
  expect_identical(back$f, as.character(sent$f))
  expect_equal(as.numeric(back$at), as.numeric(sent$at))
  expect_equal(as.numeric(back$dt, units = "secs"), c(90, NA))
  expect_identical(collect(filter(tbl(con, "sent"), s == "a'b\\c"))$i, 1L)
  expect_equal(dim(collect(copy_to(con, sent[0, ], "none", overwrite = TRUE))), c(0L, 10L))
  expect_error(DBI::dbWriteTable(con, "x", data.frame(z = 1i)), "The column `z` is of class complex")
})

# The verbs give on Spark what they give in R.
expect_same <- function(verbs, ...) {
  in_spark <- as.data.frame(collect(verbs(cars, ...)))
  in_r <- as.data.frame(verbs(mtcars, ...))
  order_of <- function(x) x[do.call(order, unname(as.list(x))), , drop = FALSE]
  expect_equal(order_of(in_spark), order_of(in_r), ignore_attr = TRUE)
}

test_that("the verbs of a course give what they give in R", {
  expect_same(function(x) filter(x, cyl %in% c(4, 6), mpg > 20) |> select(mpg, horse = hp) |> arrange(desc(mpg)))
  expect_same(function(x) {
    mutate(x, size = case_when(cyl > 6 ~ "large", cyl > 4 ~ "middle", TRUE ~ "small"), hi = if_else(mpg > 20, "yes", "no")) |>
      group_by(size, hi) |>
      summarise(n = n(), mean = mean(mpg, na.rm = TRUE), sd = sd(mpg, na.rm = TRUE), mid = median(wt, na.rm = TRUE), most = max(hp, na.rm = TRUE),
        kinds = n_distinct(gear), .groups = "drop")
  })
  expect_same(function(x) {
    group_by(x, cyl) |>
      mutate(rank = min_rank(desc(mpg)), dense = dense_rank(wt), share = mpg / sum(mpg, na.rm = TRUE), n = n()) |>
      ungroup() |>
      select(cyl, mpg, rank, dense, share, n) |>
      filter(rank <= 3)
  })
  expect_same(function(x) count(x, cyl, gear, sort = TRUE))
  expect_same(function(x) mutate(x, m = as.integer(mpg) %% 3L, q = cyl %/% 3, t = paste0("a", as.integer(gear)), b = between(mpg, 15, 20), g = grepl("^2", as.character(as.integer(mpg)))) |> select(m:g))
  expect_same(function(x) slice_max(x, mpg, n = 3) |> select(mpg))
})

test_that("joins and sets give what they give in R", {
  names <- data.frame(cyl = c(4, 6, 10), name = c("four", "six", "ten"))
  here <- distinct(mtcars, cyl)
  there <- distinct(cars, cyl)
  other <- copy_to(con, names, "names_of_cyl", overwrite = TRUE)
  for (join in list(left_join, right_join, inner_join, full_join, semi_join, anti_join)) {
    found <- as.data.frame(arrange(collect(join(there, other, by = "cyl")), cyl))
    expect_equal(found, arrange(join(here, names, by = "cyl"), cyl), ignore_attr = TRUE)
  }
  expect_equal(collect(count(union_all(other, other)))$n, 6)
  expect_equal(collect(dplyr::setdiff(there, select(other, cyl)))$cyl, 8)
})

test_that("a computed table is in Spark's memory, a permanent one in the warehouse, and a query is shown", {
  fours <- compute(filter(cars, cyl == 4), name = "fours")
  expect_equal(pull(tally(fours)), 11)
  expect_true(spark()$catalog$isCached("fours"))
  expect_error(compute(cars, name = "fours"), "Spark has a table fours already")
  DBI::dbRemoveTable(con, "fours")
  kept <- compute(head(cars, 3), name = "kept_cars", temporary = FALSE)
  expect_equal(pull(tally(kept)), 3)
  DBI::dbRemoveTable(con, "kept_cars")
  expect_output(show_query(filter(cars, cyl == 4)), "WHERE \\(`cyl` = 4.0\\)")
  expect_output(explain(head(cars)), "Physical Plan")
  expect_equal(pull(tally(tbl(spark(), "cars"))), 32)
  expect_output(print(head(cars, 1)), "Database: Spark")
})

test_that("what Spark can't do is said in its own words, and the connection is DBI's", {
  error <- tryCatch(collect(mutate(cars, x = no_such(mpg))), error = identity)
  expect_match(conditionMessage(error$parent), "^Spark says: \\[UNRESOLVED_ROUTINE\\]")
  DBI::dbWriteTable(con, "a_table", head(mtcars, 2), overwrite = TRUE)
  expect_true("a_table" %in% DBI::dbListTables(con))
  expect_error(DBI::dbWriteTable(con, "a_table", mtcars), "Spark has a table a_table already")
  DBI::dbAppendTable(con, "a_table", head(mtcars, 1))
  expect_equal(nrow(DBI::dbReadTable(con, "a_table")), 3)
  expect_equal(DBI::dbGetQuery(con, "SELECT count(*) AS n FROM a_table WHERE cyl = ? AND gear = ?", params = list(6, 4))$n, 3)
  expect_identical(DBI::dbListFields(con, "a_table"), names(mtcars))
  result <- DBI::dbSendQuery(con, "SELECT id FROM range(5) ORDER BY id")
  expect_equal(DBI::dbFetch(result, 2)$id, 0:1)
  expect_false(DBI::dbHasCompleted(result))
  expect_equal(DBI::dbFetch(result)$id, 2:4)
  expect_true(DBI::dbClearResult(result))
  DBI::dbRemoveTable(con, "a_table")
  expect_false(DBI::dbExistsTable(con, "a_table"))
  expect_error(DBI::dbReadTable(con, "a_table"), "Spark has no table a_table")
  expect_error(DBI::dbBegin(con), "Spark has no transactions")
  expect_identical(as.character(DBI::dbQuoteIdentifier(con, "a`b")), "`a``b`")
  expect_output(print(con), "^<Spark [0-9.]+, local")
})
