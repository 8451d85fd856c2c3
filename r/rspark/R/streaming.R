#' Streams of Spark
#'
#' `stream_read()` makes a view of a folder: of the files that are in it and
#' of all that come. `stream_start()` runs a query on such views, again with
#' each file that comes; its result is a table in Spark's memory, or Parquet in
#' a folder.
#'
#' How far a query is lies in a folder of the home, its checkpoint. After a
#' sleep, or when Spark has ended, views and queries of these functions are
#' there again as soon as Spark starts: each query goes on where it was. One
#' that can't, such as a table in memory that only grows, is named in a message.
#'
#' @param folder The folder, which has to be there; one in HDFS is written
#'   `hdfs:///user/<name>/…`.
#' @param format Of the files: `"csv"`, `"json"`, `"parquet"`, `"orc"` or
#'   `"text"`.
#' @param like A data frame, or a table of Spark, with the columns of the files.
#'   By default they are those of the files that are there.
#' @param view The name of the view.
#' @param ... Options of Spark for the format, such as `sep = ";"`.
#' @param sql A query on the view, or a table of 'dplyr' on it.
#' @param name The name of the query, and of its table in memory.
#' @param output `"complete"`: all of the result after each file, as counts
#'   need it; `"append"`: the rows that are new; `"update"`: those that have
#'   changed.
#' @param path A folder for Parquet, which takes `output = "append"`.
#' @param every How many seconds to wait between two looks at the folder, at
#'   least.
#' @param forget Whether the checkpoint is deleted, so that a query of this name
#'   begins anew.
#' @return `stream_read()` and `stream_start()` return the name, invisibly;
#'   `streams()` a data frame of the queries that run.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   inbox <- tempfile("inbox")
#'   dir.create(inbox)
#'   write.csv(head(mtcars), file.path(inbox, "one.csv"), row.names = FALSE)
#'   stream_read(inbox, like = mtcars, view = "cars_that_come", header = TRUE)
#'   stream_start("SELECT cyl, count(*) AS n FROM cars_that_come GROUP BY cyl", "cars_by_cyl")
#'   stream_wait("cars_by_cyl")
#'   spark_sql("SELECT * FROM cars_by_cyl ORDER BY cyl")
#'   stream_stop("cars_by_cyl", forget = TRUE)
#' }
#' @export
stream_read <- function(folder, format = "csv", like = NULL, view = basename(folder), ...) {
  check_name(folder, "folder")
  check_name(view, "view")
  format <- one_of(format, c("csv", "json", "parquet", "orc", "text"), "format")
  if (!grepl("^[a-z0-9]+:", folder)) {
    if (!dir.exists(folder)) problem("There is no folder ", folder, ". Make it first, by dir.create().")
    folder <- session_folder(folder)
  }
  options <- lapply(list(...), function(value) if (is.logical(value)) tolower(value) else as.character(value))
  columns <- if (is.data.frame(like)) like[0, , drop = FALSE] else like
  make_stream_view(view, list(folder = folder, format = format, like = columns, options = options))
  state$views[[view]] <- list(stream = list(folder = folder, format = format, like = kept_columns(columns), options = options))
  invisible(view)
}

# A table of dplyr doesn't outlive its connection; a data frame without rows does.
kept_columns <- function(columns) {
  if (is.null(columns) || is.data.frame(columns)) {
    return(columns)
  }
  found <- frame(finish(driver()$collected(spark_frame(columns)$limit(0L))), driver()$time_zone(spark()))
  found[0, , drop = FALSE]
}

make_stream_view <- function(view, stream) {
  like <- if (!is.null(stream$like)) spark_frame(stream$like, "like")
  options <- if (length(stream$options)) stream$options else reticulate::dict()
  finish(python_side("rspark_streams")$view(spark(), stream$folder, stream$format, like, options, view))
}

#' @rdname stream_read
#' @export
stream_start <- function(sql, name, output = c("complete", "append", "update"), path = NULL, every = NULL) {
  if (inherits(sql, "tbl_lazy")) sql <- as.character(getExportedValue("dbplyr", "sql_render")(sql))
  check_name(sql, "sql")
  check_name(name, "name")
  check_name(path, "path", or_null = TRUE)
  if (!grepl("^[A-Za-z][A-Za-z0-9_]*$", name)) problem("`name` takes letters, digits and _, such as \"by_hour\".")
  output <- if (missing(output) && !is.null(path)) "append" else one_of(output, c("complete", "append", "update"), "output")
  if (!is.null(path) && output != "append") problem("Parquet only grows: with `path`, `output` is \"append\".")
  if (!is.null(path) && !grepl("^[a-z0-9]+:", path)) path <- session_folder(path)
  query <- list(sql = sql, output = output, path = path, every = every)
  start_query(name, query)
  state$streams[[name]] <- query
  invisible(name)
}

start_query <- function(name, query) {
  finish(python_side("rspark_streams")$start(
    spark(), query$sql, name, query$output, query$path, checkpoint_folder(name), query$every
  ))
}

# Where a query's checkpoint is: in the home, or for tests where `rspark.checkpoints` says.
checkpoint_folder <- function(name) {
  file.path(path.expand(getOption("rspark.checkpoints", "~/.local/share/rspark/checkpoints")), name)
}

#' @rdname stream_read
#' @export
stream_wait <- function(name) {
  check_name(name, "name")
  finish(python_side("rspark_streams")$wait(spark(), name))
  invisible(name)
}

#' @rdname stream_read
#' @export
stream_stop <- function(name, forget = FALSE) {
  check_name(name, "name")
  if (is_live()) python_side("rspark_streams")$stop(spark(), name)
  state$streams[[name]] <- NULL
  if (forget) unlink(checkpoint_folder(name), recursive = TRUE)
  invisible(name)
}

#' @rdname stream_read
#' @export
streams <- function() {
  found <- if (is_live()) python_side("rspark_streams")$running(spark()) else list()
  value <- function(name, kind) vapply(found, function(query) methods::as(query[[name]], kind), methods::as(NA, kind))
  data.frame(name = value("name", "character"), status = value("status", "character"), batch = value("batch", "numeric"), rows = value("rows", "numeric"))
}

# Start the queries again in a driver that has just started, each from its checkpoint, and say so; one that can't is named.
streams_again <- function() {
  queries <- state$streams
  state$streams <- NULL
  for (name in names(queries)) {
    again(paste0("The query ", name), "goes on from its checkpoint", {
      start_query(name, queries[[name]])
      state$streams[[name]] <- queries[[name]]
    })
  }
}
