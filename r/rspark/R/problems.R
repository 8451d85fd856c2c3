# Stop with an error that ends in what to do, and doesn't show a call that the person didn't write.
problem <- function(...) {
  stop(paste0(...), call. = FALSE)
}

# Return the value of an environment variable that a session sets, or NULL.
setting <- function(name) {
  value <- Sys.getenv(name)
  if (nzchar(value)) value
}

# Stop unless an argument that names something is one string.
check_name <- function(value, argument, or_null = FALSE) {
  if (or_null && is.null(value)) {
    return(invisible())
  }
  if (!is.character(value) || length(value) != 1 || is.na(value) || !nzchar(value)) {
    problem("`", argument, "` takes one name in quotes, such as \"flights\".")
  }
}

# Return the chosen one of some values; the first where the argument was left as it is.
one_of <- function(value, values, argument) {
  if (identical(value, values)) {
    return(values[[1]])
  }
  if (!is.character(value) || length(value) != 1 || !(value %in% values)) {
    problem("`", argument, "` takes one of ", paste0("\"", values, "\"", collapse = ", "), ".")
  }
  value
}
