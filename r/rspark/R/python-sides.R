# The modules of Python that do in Spark what R asks for, each loaded once.
python_side <- function(name) {
  spark()
  if (is.null(state$sides[[name]])) {
    path <- system.file("python", package = "rspark", mustWork = TRUE)
    state$sides[[name]] <- reticulate::import_from_path(name, path = path, convert = TRUE)
  }
  state$sides[[name]]
}

# Return what a person means as a table, for the Python side: a name, a table of dplyr, a data frame, or Spark's own.
spark_frame <- function(data, argument = "data") {
  tables <- python_side("rspark_tables")
  if (inherits(data, "tbl_lazy")) {
    return(tables$of(spark(), list(sql = as.character(getExportedValue("dbplyr", "sql_render")(data)))))
  }
  if (inherits(data, "pyspark.sql.dataframe.DataFrame")) {
    return(data)
  }
  if (is.data.frame(data)) {
    columns <- described_columns(data)
    return(tables$frame(spark(), columns))
  }
  if (is.character(data) && length(data) == 1) {
    check_exists(spark_db(), data)
    return(tables$of(spark(), list(table = table_name(data))))
  }
  problem("`", argument, "` takes a table of Spark: its name, `dplyr::tbl(spark(), \"name\")`, or a data frame, which is copied.")
}
