# Locked variables, debug() and trace().

capture_flags <- function(save) {
  global <- globalenv()
  names <- setdiff(ls(global, all.names = TRUE, sorted = FALSE), ".Random.seed")
  functions <- intersect(names, computed_bindings(global))
  functions <- functions[vapply(mget(functions, envir = global), is.function, NA)]
  list(
    locked = Filter(function(name) bindingIsLocked(name, global), names),
    closed = environmentIsLocked(global),
    debugged = Filter(function(name) tryCatch(isdebugged(get(name, envir = global, inherits = FALSE)), error = function(error) FALSE), functions),
    elsewhere = debugged_elsewhere(),
    tracing = tracingState()
  )
}

# Functions of attached packages that debug() marks: package and name.
debugged_elsewhere <- function() {
  found <- list()
  for (entry in grep("^package:", search(), value = TRUE)) {
    environment <- as.environment(entry)
    for (name in computed_bindings(environment)) {
      f <- get(name, envir = environment, inherits = FALSE)
      if (typeof(f) == "closure" && isdebugged(f)) found[[length(found) + 1L]] <- list(package = sub("^package:", "", entry), name = name)
    }
  }
  found
}

restore_flags <- function(value, reader) {
  global <- globalenv()
  for (name in value$debugged) if (exists(name, envir = global, inherits = FALSE)) debug(get(name, envir = global))
  for (each in value$elsewhere) tryCatch(debug(get(each$name, envir = asNamespace(each$package))), error = function(error) NULL)
  for (name in value$locked) if (exists(name, envir = global, inherits = FALSE)) lockBinding(name, global)
  if (value$closed) lockEnvironment(global)
  tracingState(value$tracing)
  list()
}
