# Last results, the working directory and random numbers.

# The last value, and ggplot2's last plot, which `ggsave()` takes.
capture_results <- function(save) {
  warnings <- get0("last.warning", envir = baseenv(), inherits = FALSE)
  value <- get0(".Last.value", envir = baseenv(), inherits = FALSE)
  plot <- if (isNamespaceLoaded("ggplot2")) asNamespace("ggplot2")$last_plot()
  found <- list(warnings = warnings, result = named_or_itself(value), plot = named_or_itself(plot), error = named_or_itself(rlang_state()$last_error))
  if (!all(vapply(found, is.null, NA))) found
}

# Where rlang has its last error, which `last_error()` and `last_trace()` show.
rlang_state <- function() {
  state <- get0("the", envir = asNamespace("rlang"), inherits = FALSE)
  if (is.environment(state) && exists("last_error", envir = state, inherits = FALSE)) state
}

# Return a value in the name of the variable that it is, where it is one: it is no second copy then. One that is never kept, as a
# connection that was just opened, is named by its variable alone.
named_or_itself <- function(value) {
  if (is.null(value) || !is.null(lost_kind(value)) || is_everywhere_or_function(value) || size_of(value) > most_of_last_value) {
    return(NULL)
  }
  address <- rlang::obj_address(value)
  global <- globalenv()
  values <- mget(computed_bindings(global), envir = global)
  for (i in seq_along(values)) {
    if (is.symbol(.subset2(values, i))) next # it may be the one that stands for a missing argument
    if (identical(rlang::obj_address(.subset2(values, i)), address)) {
      return(list(name = names(values)[[i]]))
    }
  }
  list(value = value)
}

most_of_last_value <- 2^26

is_everywhere_or_function <- function(x) is.function(x) || is.environment(x) && is_everywhere(x)

restore_results <- function(value, reader) {
  base <- baseenv()
  if (!is.null(value$warnings)) .Call(console_set_warnings, value$warnings)
  if (!is.null(value$error) && is.environment(state <- rlang_state())) assign("last_error", named_value(value$error)$value, envir = state)
  result <- named_value(value$result)
  plot <- named_value(value$plot)
  if (!is.null(plot)) asNamespace("ggplot2")$set_last_plot(plot$value)
  if (!is.null(result)) {
    locked <- bindingIsLocked(".Last.value", base)
    if (locked) base$unlockBinding(".Last.value", base)
    assign(".Last.value", result$value, envir = base)
    if (locked) lockBinding(".Last.value", base)
  }
  list()
}

named_value <- function(saved) {
  if (is.null(saved$name)) saved else list(value = get(saved$name, envir = globalenv(), inherits = FALSE))
}

capture_folder <- function(save) {
  folder <- tryCatch(getwd(), error = instead(NULL))
  if (is.null(folder)) {
    lose(save, "working directory", "folder", "It was deleted.")
    return(NULL)
  }
  list(folder = folder, umask = Sys.umask(NA))
}

restore_folder <- function(value, reader) {
  Sys.umask(value$umask)
  if (dir.exists(value$folder)) {
    setwd(value$folder)
    return(list())
  }
  list(lost_entry(value$folder, "folder", "The working directory isn't there any more."))
}

restore_spark_part <- function(value, reader) {
  restore_spark_views(value)
  list()
}

# The seed, which says of which kind random numbers are; before the first of them there is none, and the kinds alone are saved.
capture_random <- function(save) {
  seed <- get0(".Random.seed", envir = globalenv(), inherits = FALSE)
  if (is.null(seed)) RNGkind() else seed
}

restore_random <- function(value, reader) {
  if (is.character(value)) {
    suppressWarnings(RNGkind(value[[1]], value[[2]], value[[3]])) # which warns of kinds that the person chose
    rm(".Random.seed", envir = globalenv())
  } else {
    assign(".Random.seed", value, envir = globalenv())
  }
  list()
}
