# What dplyr asks of Spark through dbplyr. Both are optional: the methods are registered when dbplyr is loaded.

#' @exportS3Method dbplyr::dbplyr_edition
dbplyr_edition.SparkConnection <- function(con) 2L

#' @exportS3Method dbplyr::db_connection_describe
db_connection_describe.SparkConnection <- function(con, ...) describe_spark()

#' @exportS3Method dbplyr::supports_window_clause
supports_window_clause.SparkConnection <- function(con) TRUE

#' @exportS3Method dbplyr::sql_table_analyze
sql_table_analyze.SparkConnection <- function(con, table, ...) NULL

# The columns of a query, for which Spark computes nothing; so it works on streams, too.
#' @exportS3Method dplyr::db_query_fields
db_query_fields.SparkConnection <- function(con, sql, ...) {
  finish(python_side("rspark_tables")$columns(spark(), as.character(dbplyr::sql_query_fields(con, sql))))
}

#' @exportS3Method dbplyr::sql_query_explain
sql_query_explain.SparkConnection <- function(con, sql, ...) dbplyr::build_sql("EXPLAIN ", sql, con = con)

#' @exportS3Method dbplyr::db_copy_to
db_copy_to.SparkConnection <- function(con, table, values, overwrite = FALSE, types = NULL, temporary = TRUE, ...) {
  DBI::dbWriteTable(con, plain_name(table), as.data.frame(values), overwrite = overwrite, temporary = temporary)
  table
}

#' @exportS3Method dbplyr::db_compute
db_compute.SparkConnection <- function(con, table, sql, temporary = TRUE, overwrite = FALSE, ...) {
  name <- plain_name(table)
  if (overwrite) DBI::dbRemoveTable(con, name, fail_if_missing = FALSE)
  if (DBI::dbExistsTable(con, name)) {
    problem("Spark has a table ", name, " already. Choose another name.")
  }
  if (temporary) {
    cache_view(name, as.character(sql))
    state$views[[name]] <- list(sql = as.character(sql))
  } else {
    query_spark(paste("CREATE TABLE", quoted_name(con, name), "AS", sql))
  }
  table
}

# Make a view of a query, with its rows in Spark's memory.
cache_view <- function(name, sql) {
  query_spark(paste0("CACHE TABLE `", gsub("`", "``", name, fixed = TRUE), "` AS ", sql))
}

# Return the name of a table as dbplyr has it: text, a path of its own class, or a quoted identifier.
plain_name <- function(table) {
  if (inherits(table, "Id")) return(table_name(table))
  if (is.list(table)) table <- unlist(table)
  paste(gsub("`", "", as.character(table), fixed = TRUE), collapse = ".")
}

#' @exportS3Method dplyr::tbl
tbl.pyspark.sql.session.SparkSession <- function(src, ...) getExportedValue("dplyr", "tbl")(spark_db(), ...)

#' @exportS3Method dplyr::copy_to
copy_to.pyspark.sql.session.SparkSession <- function(dest, df, name = deparse(substitute(df)), ...) {
  getExportedValue("dplyr", "copy_to")(spark_db(), df, name = name, ...)
}

#' @exportS3Method dbplyr::sql_translation
sql_translation.SparkConnection <- function(con) {
  dbplyr::sql_variant(spark_scalar(), spark_aggregate(), spark_window())
}

spark_scalar <- function() {
  prefix <- dbplyr::sql_prefix
  dbplyr::sql_translator(.parent = dbplyr::base_scalar,
    as.numeric = dbplyr::sql_cast("DOUBLE"), as.double = dbplyr::sql_cast("DOUBLE"), as.integer = dbplyr::sql_cast("INT"),
    as.integer64 = dbplyr::sql_cast("BIGINT"), as.character = dbplyr::sql_cast("STRING"), as.logical = dbplyr::sql_cast("BOOLEAN"),
    as.Date = dbplyr::sql_cast("DATE"), as_date = dbplyr::sql_cast("DATE"), as_datetime = dbplyr::sql_cast("TIMESTAMP"),
    as.POSIXct = dbplyr::sql_cast("TIMESTAMP"),
    `%/%` = function(x, y) dbplyr::build_sql("FLOOR((", x, ") / (", y, "))"), `%%` = prefix("PMOD", 2),
    paste = dbplyr::sql_paste(" "), paste0 = dbplyr::sql_paste(""), str_c = dbplyr::sql_paste(""),
    grepl = function(pattern, x, ...) dbplyr::build_sql("((", x, ") RLIKE ", pattern, ")"),
    str_detect = function(string, pattern, negate = FALSE) {
      found <- dbplyr::build_sql("((", string, ") RLIKE ", pattern, ")")
      if (negate) dbplyr::build_sql("(NOT ", found, ")") else found
    },
    gsub = function(pattern, replacement, x, ...) dbplyr::build_sql("REGEXP_REPLACE(", x, ", ", pattern, ", ", replacement, ")"),
    str_replace_all = prefix("REGEXP_REPLACE", 3), str_starts = prefix("STARTSWITH", 2), startsWith = prefix("STARTSWITH", 2),
    str_ends = prefix("ENDSWITH", 2), endsWith = prefix("ENDSWITH", 2), str_length = prefix("LENGTH", 1), rev = prefix("REVERSE", 1),
    is.nan = prefix("ISNAN", 1), runif = function(n = n(), min = 0, max = 1) dbplyr::sql("RAND()"),
    year = prefix("YEAR", 1), quarter = prefix("QUARTER", 1), day = prefix("DAY", 1), mday = prefix("DAY", 1),
    month = prefix("MONTH", 1), yday = prefix("DAYOFYEAR", 1), wday = prefix("DAYOFWEEK", 1), isoweek = prefix("WEEKOFYEAR", 1),
    hour = prefix("HOUR", 1), minute = prefix("MINUTE", 1), second = prefix("SECOND", 1),
    today = function() dbplyr::sql("CURRENT_DATE()"), Sys.Date = function() dbplyr::sql("CURRENT_DATE()"),
    now = function() dbplyr::sql("CURRENT_TIMESTAMP()"), Sys.time = function() dbplyr::sql("CURRENT_TIMESTAMP()"),
    floor_date = function(x, unit = "second") dbplyr::build_sql("DATE_TRUNC(", unit, ", ", x, ")"),
    difftime = function(time1, time2, units = "days") {
      if (units != "days") problem("In Spark, difftime() counts days. Subtract the times for others.")
      dbplyr::build_sql("DATEDIFF(", time1, ", ", time2, ")")
    }
  )
}

spark_aggregate <- function() {
  aggregate <- dbplyr::sql_aggregate
  dbplyr::sql_translator(.parent = dbplyr::base_agg,
    n = function() dbplyr::sql("COUNT(*)"), sd = aggregate("STDDEV_SAMP", "sd"), var = aggregate("VAR_SAMP", "var"),
    median = aggregate("MEDIAN"), quantile = function(x, probs, ...) dbplyr::build_sql("PERCENTILE(", x, ", ", probs, ")"),
    cor = dbplyr::sql_aggregate_2("CORR"), cov = dbplyr::sql_aggregate_2("COVAR_SAMP"),
    any = aggregate("BOOL_OR", "any"), all = aggregate("BOOL_AND", "all"), first = aggregate("FIRST"), last = aggregate("LAST"),
    str_flatten = function(x, collapse = "") dbplyr::build_sql("ARRAY_JOIN(COLLECT_LIST(", x, "), ", collapse, ")")
  )
}

spark_window <- function() {
  aggregate <- dbplyr::win_aggregate
  dbplyr::sql_translator(.parent = dbplyr::base_win,
    sd = aggregate("STDDEV_SAMP"), var = aggregate("VAR_SAMP"), median = aggregate("MEDIAN"),
    any = aggregate("BOOL_OR"), all = aggregate("BOOL_AND"),
    row_number = spark_rank("ROW_NUMBER"), min_rank = spark_rank("RANK"), dense_rank = spark_rank("DENSE_RANK"),
    percent_rank = spark_rank("PERCENT_RANK"), cume_dist = spark_rank("CUME_DIST"), str_flatten = dbplyr::win_absent("str_flatten"),
    cor = dbplyr::win_aggregate_2("CORR"), cov = dbplyr::win_aggregate_2("COVAR_SAMP"), n_distinct = dbplyr::win_absent("n_distinct")
  )
}

# A rank as dplyr has it: what is missing has none, and takes no place. (dbplyr 2.3.0 can't do it for `desc()`.)
spark_rank <- function(name) {
  force(name)
  function(order = NULL) {
    ranked <- function(by) dbplyr::win_over(dbplyr::sql(paste0(name, "()")), dbplyr::win_current_group(), by)
    if (is.null(order)) {
      return(ranked(dbplyr::win_current_order()))
    }
    text <- as.character(dbplyr::build_sql(order))
    bare <- sub(" DESC$", "", text)
    by <- dbplyr::sql(paste0(bare, if (bare != text) " DESC", " NULLS LAST"))
    dbplyr::build_sql("CASE WHEN ", dbplyr::sql(bare), " IS NOT NULL THEN ", ranked(by), " END")
  }
}
