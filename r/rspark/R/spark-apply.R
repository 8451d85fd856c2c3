#' Run an R function on each part of a table of Spark
#'
#' The function gets a data frame with the rows of one part, or of one group,
#' and returns a data frame. It runs where the part is, in an R of its own:
#' with what it uses of the environment in which it was made, the packages
#' that are attached here, and `...`.
#'
#' @param data A table of Spark: its name, a table of 'dplyr', or a data frame.
#' @param f A function of a data frame, or a formula such as `~ head(.x, 1)`.
#' @param ... More arguments of `f`.
#' @param group_by Names of columns; then `f` is called once for each of their
#'   combinations.
#' @param columns A data frame whose columns are those that `f` returns, of
#'   which no rows are used. By default `f` is tried here on the first rows.
#' @param view A name. The result is then a view of Spark of that name, which
#'   is computed when it is used, in place of a data frame here.
#' @return A data frame, in the order in which parts are ready; or the name of
#'   the view, invisibly.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   spark_apply(mtcars, function(cars) {
#'     fit <- lm(mpg ~ wt, data = cars)
#'     data.frame(cyl = cars$cyl[1], slope = coef(fit)[["wt"]])
#'   }, group_by = "cyl")
#' }
#' @export
spark_apply <- function(data, f, ..., group_by = NULL, columns = NULL, view = NULL) {
  f <- rlang::as_function(f)
  check_name(view, "view", or_null = TRUE)
  data_frame <- spark_frame(data)
  side <- python_side("rspark_apply")
  missing <- setdiff(group_by, unlist(data_frame$columns))
  if (length(missing)) problem("The table has no column ", missing[[1]], " to group by.")
  if (is.null(columns)) columns <- columns_of(f, data_frame, group_by, ...)
  if (!is.data.frame(columns) || !length(columns)) problem("`f` has to return a data frame with at least one column.")
  if (!isTRUE(state$shipped)) {
    side$ship(spark(), system.file("python", package = "rspark", mustWork = TRUE))
    state$shipped <- TRUE
  }
  bytes <- serialize(list(f = f, more = list(...), packages = rev(.packages())), NULL)
  groups <- as.list(as.character(group_by))
  found <- finish(side$apply(spark(), data_frame, bytes, described_columns(columns[0, , drop = FALSE]), groups, "an R function", view))
  if (!is.null(view)) {
    return(invisible(view))
  }
  frame(found, driver()$time_zone(spark()))
}

# Return what `f` makes of the first rows, or of the first group: of which types its columns are.
columns_of <- function(f, data_frame, group_by, ...) {
  rows <- frame(finish(driver()$collected(data_frame$limit(100L))), driver()$time_zone(spark()))
  if (!nrow(rows)) problem("The table has no rows, so `f` can't be tried. Say by `columns` what it returns.")
  if (length(group_by)) {
    same <- Reduce(`&`, lapply(group_by, function(name) rows[[name]] %in% rows[[name]][[1]]))
    rows <- rows[same, , drop = FALSE]
  }
  found <- tryCatch(f(rows, ...), error = function(error) {
    problem("`f` failed on the first rows: ", conditionMessage(error), " Where it needs more of them, say by `columns` what it returns.")
  })
  if (is.data.frame(found)) found else problem("`f` has to return a data frame; it returned ", class(found)[[1]], ".")
}

# Run the function of a folder on its part: what an executor starts. What went wrong is one sentence in a file.
run_part <- function(folder) {
  within <- function(name) file.path(folder, name)
  tryCatch(
    {
      job <- unserialize(readBin(within("function"), "raw", file.size(within("function"))))
      for (package in job$packages) suppressPackageStartupMessages(library(package, character.only = TRUE))
      part <- frame(read_described(within("part")), readLines(within("zone"), warn = FALSE))
      result <- do.call(job$f, c(list(part), job$more))
      if (!is.data.frame(result)) stop("the function returned ", class(result)[[1]], " and no data frame")
      write_described(described_columns(as.data.frame(result)), within("result"))
    },
    error = function(error) writeLines(enc2utf8(conditionMessage(error)), within("problem"), useBytes = TRUE)
  )
}

# Read and write what rspark_columns, the Python side, writes and reads: a form as JSON, and all bytes beside it.
read_described <- function(path) {
  content <- readBin(path, "raw", file.size(path))
  with_bytes <- function(value) {
    if (!is.list(value)) {
      return(value)
    }
    if (identical(sort(names(value)), c("at", "bytes"))) {
      return(content[value$at + seq_len(value$bytes)])
    }
    lapply(value, with_bytes)
  }
  with_bytes(jsonlite::read_json(paste0(path, ".json"), simplifyVector = FALSE))
}

write_described <- function(described, path) {
  blobs <- new_growing()
  end <- 0
  without_bytes <- function(value) {
    if (is.raw(value)) {
      blobs$add(value)
      at <- end
      end <<- end + length(value)
      return(list(at = at, bytes = length(value)))
    }
    if (is.list(value)) lapply(value, without_bytes) else value
  }
  form <- without_bytes(described)
  writeBin(do.call(c, c(list(raw()), blobs$all())), path)
  jsonlite::write_json(form, paste0(path, ".json"), auto_unbox = TRUE, digits = NA)
}
