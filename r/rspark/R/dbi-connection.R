#' Spark as a database
#'
#' `spark_db()` is a connection of 'DBI' to the session's Spark, which it
#' starts where needed. With it 'dplyr' works on tables and views of Spark:
#' verbs become one query, which runs when it is printed or collected.
#' `dplyr::tbl(spark(), "flights")` is the same in short.
#'
#' All connections are to the same Spark. There are no transactions: each
#' statement counts at once. What `dplyr::compute()` and `dplyr::copy_to()`
#' make is temporary unless `temporary = FALSE`; a computed table is kept in
#' Spark's memory, and made again from its query after a sleep.
#'
#' @details `DBI::dbWriteTable()` takes `overwrite`, `append`, and `temporary`: a
#'   view of this Spark alone in place of a table in the warehouse.
#'   `DBI::dbGetQuery()` takes `params`, values for the question marks of a
#'   statement. A table of another database is `"database.table"` or a
#'   `DBI::Id()`.
#' @return A connection, for which the functions of 'DBI' return what 'DBI'
#'   says.
#' @seealso [spark_sql()] for one query; [DBI::DBIConnection-class].
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   con <- spark_db()
#'   DBI::dbWriteTable(con, "cars_of_r", mtcars, temporary = TRUE)
#'   DBI::dbGetQuery(con, "SELECT cyl, avg(mpg) AS mpg FROM cars_of_r GROUP BY cyl ORDER BY cyl")
#'   if (requireNamespace("dbplyr", quietly = TRUE)) {
#'     library(dplyr, warn.conflicts = FALSE)
#'     cars <- tbl(con, "cars_of_r")
#'     cars |>
#'       mutate(size = case_when(cyl > 6 ~ "large", cyl > 4 ~ "middle", TRUE ~ "small")) |>
#'       group_by(size) |>
#'       summarise(n = n(), mpg = mean(mpg, na.rm = TRUE)) |>
#'       collect()
#'   }
#' }
#' @export
spark_db <- function() {
  session <- spark()
  if (inherits(session, "spark_connection")) session else methods::new(dbi_class("SparkConnection"))
}

on_spark("show", "SparkConnection", function(object) cat("<", describe_spark(), ">\n", sep = ""))

describe_spark <- function() {
  if (is_live()) paste0("Spark ", state$session$version, ", ", state$session$conf$get("spark.master")) else "Spark, which is not running"
}

is_live <- function() !is.null(state$session) && !is.null(state$driver) && !state$driver$has_ended()

on_spark("dbIsValid", "SparkConnection", function(dbObj, ...) is_live())

on_spark("dbDisconnect", "SparkConnection", function(conn, ...) invisible(TRUE))

on_spark("dbGetInfo", "SparkConnection", function(dbObj, ...) {
  session <- spark()
  list(
    db.version = session$version, dbname = session$catalog$currentDatabase(), username = Sys.getenv("RSPARK_USER"),
    host = session$conf$get("spark.master"), port = NA_integer_
  )
})

on_spark("dbSendQuery", c("SparkConnection", "character"), function(conn, statement, params = NULL, ...) {
  rows <- new.env(parent = emptyenv())
  rows$data <- query_spark(statement, params)
  rows$at <- 0L
  methods::new(dbi_class("SparkResult"), rows = rows, statement = as.character(statement))
})

# Run a query, with values for its question marks, and return all rows.
query_spark <- function(statement, params = NULL) {
  session <- spark()
  values <- lapply(unname(as.list(params)), function(value) if (length(value) == 1 && is.na(value)) NULL else value)
  found <- finish(python_side("rspark_tables")$query(session, enc2utf8(as.character(statement)), "numeric", values))
  frame(found, driver()$time_zone(session))
}

on_spark("dbExecute", c("SparkConnection", "character"), function(conn, statement, params = NULL, ...) {
  query_spark(statement, params)
  0L
})

on_spark("dbFetch", "SparkResult", function(res, n = -1, ...) {
  rows <- res@rows
  if (is.null(rows$data)) problem("This result was cleared. Ask again.")
  left <- nrow(rows$data) - rows$at
  count <- if (is.na(n) || n < 0 || is.infinite(n)) left else min(n, left)
  found <- rows$data[rows$at + seq_len(count), , drop = FALSE]
  attr(found, "row.names") <- .set_row_names(as.integer(count))
  rows$at <- rows$at + as.integer(count)
  found
})

on_spark("dbHasCompleted", "SparkResult", function(res, ...) is.null(res@rows$data) || res@rows$at >= nrow(res@rows$data))

on_spark("dbClearResult", "SparkResult", function(res, ...) {
  res@rows$data <- NULL
  invisible(TRUE)
})

on_spark("dbIsValid", "SparkResult", function(dbObj, ...) !is.null(dbObj@rows$data))

on_spark("dbColumnInfo", "SparkResult", function(res, ...) {
  data.frame(name = names(res@rows$data), type = vapply(res@rows$data, function(column) class(column)[[1]], ""), row.names = NULL)
})

on_spark("dbGetStatement", "SparkResult", function(res, ...) res@statement)

on_spark("dbGetRowCount", "SparkResult", function(res, ...) res@rows$at)

on_spark("dbGetRowsAffected", "SparkResult", function(res, ...) 0L)

on_spark("dbBegin", "SparkConnection", function(conn, ...) no_transactions())

on_spark("dbCommit", "SparkConnection", function(conn, ...) no_transactions())

on_spark("dbRollback", "SparkConnection", function(conn, ...) no_transactions())

no_transactions <- function(title = "Spark") {
  problem(title, " has no transactions: each statement counts at once. Leave dbBegin() and dbCommit() out.")
}
