#' Tables of Hive
#'
#' `hive()` is a connection of 'DBI' to Hive, whose tables R, Spark, Python and
#' `hive` in a terminal share, in all your sessions and after each sleep.
#' Their files are in HDFS. Every person has a database of their own, in which
#' names are looked for; each of your groups has one too, whose tables are
#' `"group_<name>.<table>"`. Nobody else can see or touch them.
#'
#' Queries run in the session's own Spark, which is started where needed: a table
#' that is made here is seen by [spark_sql()] at once, and the other way round.
#' With 'dplyr' verbs become one query, which runs when it is printed or
#' collected.
#'
#' @details There are no transactions: each statement counts at once.
#'   `DBI::dbWriteTable()` takes `overwrite`, `append`, and `temporary`: a view of
#'   this R alone. Databases are made by Hive itself, so `CREATE DATABASE` and
#'   `DROP DATABASE` are refused. When R is interrupted, the query's jobs are
#'   cancelled.
#' @return A connection, for which the functions of 'DBI' return what 'DBI'
#'   says.
#' @seealso [spark_db()], which is the same Spark without saying Hive;
#'   [hdfs_ls()] for files.
#' @examples
#' if (nzchar(Sys.getenv("RSPARK_HIVE"))) {
#'   con <- hive()
#'   DBI::dbWriteTable(con, "cars_of_hive", mtcars, overwrite = TRUE)
#'   DBI::dbGetQuery(con, "SELECT cyl, avg(mpg) AS mpg FROM cars_of_hive GROUP BY cyl ORDER BY cyl")
#'   if (requireNamespace("dbplyr", quietly = TRUE)) {
#'     library(dplyr, warn.conflicts = FALSE)
#'     tbl(con, "cars_of_hive") |>
#'       group_by(cyl) |>
#'       summarise(n = n()) |>
#'       collect()
#'   }
#'   DBI::dbRemoveTable(con, "cars_of_hive")
#' }
#' @export
hive <- function() {
  if (is.null(setting("RSPARK_HIVE"))) {
    problem("This R session has no Hive. Start an environment that has it.")
  }
  session <- spark()
  if (inherits(session, "spark_connection")) {
    return(session)
  }
  query_spark("SHOW DATABASES") # what keeps Hive from answering is said now
  methods::new(dbi_class("HiveConnection"))
}

on_spark("show", "HiveConnection", function(object) cat("<Hive, database ", hive_database(), ">\n", sep = ""))

hive_database <- function() Sys.getenv("RSPARK_HIVE")

on_spark("dbGetInfo", "HiveConnection", function(dbObj, ...) {
  list(
    db.version = spark()$version, dbname = hive_database(), username = Sys.getenv("RSPARK_USER"), host = hive_address(),
    port = NA_integer_
  )
})

# Return where the metastore is.
hive_address <- function() {
  address <- spark_defaults()[["spark.hadoop.hive.metastore.uris"]]
  if (is.null(address)) "" else address
}

on_spark("dbBegin", "HiveConnection", function(conn, ...) no_transactions("Hive"))

on_spark("dbCommit", "HiveConnection", function(conn, ...) no_transactions("Hive"))

on_spark("dbRollback", "HiveConnection", function(conn, ...) no_transactions("Hive"))
