# The methods of DBI that know of tables, and how names and values are written in Spark's SQL.

on_spark("dbQuoteIdentifier", c("SparkConnection", "character"), function(conn, x, ...) {
  if (inherits(x, "SQL")) {
    return(x)
  }
  if (anyNA(x)) problem("A name can't be NA.")
  DBI::SQL(paste0("`", gsub("`", "``", enc2utf8(x), fixed = TRUE), "`", recycle0 = TRUE), names = names(x))
})

on_spark("dbQuoteString", c("SparkConnection", "character"), function(conn, x, ...) {
  if (inherits(x, "SQL")) {
    return(x)
  }
  text <- gsub("'", "\\'", gsub("\\", "\\\\", enc2utf8(x), fixed = TRUE), fixed = TRUE)
  DBI::SQL(ifelse(is.na(x), "NULL", paste0("'", text, "'", recycle0 = TRUE)))
})

on_spark("dbDataType", "SparkConnection", function(dbObj, obj, ...) {
  if (is.data.frame(obj)) {
    return(vapply(obj, function(column) spark_type(column), ""))
  }
  spark_type(obj)
})

spark_type <- function(values) {
  switch(kind_of(values, "value"),
    integer64 = "BIGINT", Date = "DATE", POSIXct = "TIMESTAMP", difftime = "INTERVAL DAY TO SECOND", character = "STRING",
    logical = "BOOLEAN", integer = "INT", double = "DOUBLE", list = if (all(vapply(values, is.raw, NA))) "BINARY" else "ARRAY"
  )
}

# Return a name as Spark's catalog knows it.
table_name <- function(name) {
  if (inherits(name, "Id")) {
    return(paste(name@name, collapse = "."))
  }
  name <- as.character(name)
  check_name(name, "name")
  gsub("`", "", name, fixed = TRUE)
}

on_spark("dbListTables", "SparkConnection", function(conn, ...) as.character(python_side("rspark_tables")$names(spark())))

on_spark("dbExistsTable", c("SparkConnection", "table"), function(conn, name, ...) {
  python_side("rspark_tables")$exists(spark(), table_name(name))
})

on_spark("dbListFields", c("SparkConnection", "table"), function(conn, name, ...) {
  check_exists(conn, name)
  as.character(python_side("rspark_tables")$fields(spark(), table_name(name)))
})

on_spark("dbReadTable", c("SparkConnection", "table"), function(conn, name, ...) {
  check_exists(conn, name)
  query_spark(paste("SELECT * FROM", quoted_name(conn, name)))
})

quoted_name <- function(conn, name) {
  paste(DBI::dbQuoteIdentifier(conn, strsplit(table_name(name), ".", fixed = TRUE)[[1]]), collapse = ".")
}

check_exists <- function(conn, name) {
  if (!DBI::dbExistsTable(conn, name)) problem("Spark has no table ", table_name(name), ". dbListTables() has those that there are.")
}

on_spark("dbWriteTable", c("SparkConnection", "table"), function(conn, name, value, overwrite = FALSE, append = FALSE,
                                                                 temporary = FALSE, ...) {
  if (!is.data.frame(value)) problem("`value` takes a data frame.")
  if (overwrite && append) problem("A table is replaced or added to: choose one of `overwrite` and `append`.")
  if (append && temporary) problem("A temporary view can't be added to. Leave `append` or `temporary` out.")
  if (!overwrite && !append && DBI::dbExistsTable(conn, name)) {
    problem("Spark has a table ", table_name(name), " already. Choose another name, `overwrite = TRUE` or `append = TRUE`.")
  }
  mode <- if (append) "append" else if (overwrite) "overwrite" else "error"
  columns <- described_columns(value) # its errors are R's, so it isn't left to the call of Python
  finish(python_side("rspark_tables")$write(spark(), columns, table_name(name), mode, temporary))
  invisible(TRUE)
})

on_spark("dbAppendTable", c("SparkConnection", "table"), function(conn, name, value, ...) {
  check_exists(conn, name)
  DBI::dbWriteTable(conn, name, value, append = TRUE)
  invisible(nrow(value))
})

on_spark("dbRemoveTable", c("SparkConnection", "table"), function(conn, name, ..., fail_if_missing = TRUE) {
  if (fail_if_missing) check_exists(conn, name)
  if (DBI::dbExistsTable(conn, name)) {
    python_side("rspark_tables")$drop(spark(), table_name(name))
    state$views[[table_name(name)]] <- NULL
  }
  invisible(TRUE)
})
