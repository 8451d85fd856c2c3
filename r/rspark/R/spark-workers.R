#' The workers of the session's own Spark
#'
#' Where an environment has Spark in the mode `standalone`, a session has
#' workers of its own. Their number can be changed at any time: a query that
#' runs uses those that come, and goes on without those that leave.
#'
#' @param n How many workers there shall be; `NULL` only asks.
#' @return How many workers are ready, invisibly after a change.
#' @examples
#' if (nzchar(Sys.which("spark-workers")) && isTRUE(grepl("^spark:", connections()$address[connections()$service == "Spark"]))) {
#'   spark_workers()
#' }
#' @export
spark_workers <- function(n = NULL) {
  if (!is.null(n) && (!is.numeric(n) || length(n) != 1 || is.na(n) || n < 0 || n != round(n))) {
    problem("`n` takes one whole number, such as 2.")
  }
  if (!nzchar(Sys.which("spark-workers"))) problem("This R session has no Spark. Start an environment that has it, such as RSpark.")
  said <- suppressWarnings(system2("spark-workers", if (!is.null(n)) format(n, scientific = FALSE), stdout = TRUE, stderr = TRUE))
  if (!is.null(attr(said, "status"))) problem(paste(said, collapse = " "))
  ready <- as.integer(sub(" .*", "", said[[1]]))
  if (is.null(n)) {
    return(ready)
  }
  message(paste(said, collapse = "\n"))
  invisible(ready)
}
