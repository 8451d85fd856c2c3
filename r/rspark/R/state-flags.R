# Locked variables, debug(), debugonce(), tracemem() and trace().

capture_flags <- function(save) {
  global <- globalenv()
  names <- setdiff(ls(global, all.names = TRUE, sorted = FALSE), ".Random.seed")
  functions <- intersect(names, computed_bindings(global))
  functions <- functions[vapply(mget(functions, envir = global), is.function, NA)]
  list(
    locked = names[vapply(names, bindingIsLocked, NA, global)],
    closed = environmentIsLocked(global),
    debugged = Filter(function(name) tryCatch(isdebugged(get(name, envir = global, inherits = FALSE)), error = instead(FALSE)), functions),
    once = if (was_called("debugonce")) marked_names(functions, global, "STP"),
    elsewhere = if (was_called("debug")) marked_elsewhere(isdebugged),
    methods = if (was_called("debug")) methods_that(function(generic, signature, method) isdebugged(generic, signature)),
    once_elsewhere = if (was_called("debugonce")) marked_elsewhere(function(f) is_marked(f, "STP")),
    copies = if (was_called("tracemem")) marked_names(setdiff(intersect(names, computed_bindings(global)), functions), global, "TR"),
    tracing = tracingState()
  )
}

marked_names <- function(names, global, mark) {
  is_so <- function(name) tryCatch(is_marked(get(name, envir = global, inherits = FALSE), mark), error = instead(FALSE))
  Filter(is_so, names)
}

# Functions of packages that debug() marks: package and name.
marked_elsewhere <- function(is_so) {
  found <- list()
  for (package in loadedNamespaces()) {
    environment <- asNamespace(package)
    for (name in setdiff(computed_bindings(environment), ".Last.value")) {
      f <- get(name, envir = environment, inherits = FALSE)
      if (typeof(f) == "closure" && is_so(f)) found[[length(found) + 1L]] <- list(package = package, name = name)
    }
  }
  found
}

# Methods of S4 of which something is so: the name of the generic function, and the classes.
methods_that <- function(is_so) {
  found <- list()
  for (generic in methods::getGenerics()) {
    f <- methods::getGeneric(generic)
    table <- if (methods::is(f, "genericFunction")) methods::getMethodsForDispatch(f)
    for (label in if (is.environment(table)) ls(table, all.names = TRUE)) {
      signature <- strsplit(label, "#", fixed = TRUE)[[1]]
      if (isTRUE(tryCatch(is_so(f, signature, get(label, envir = table)), error = instead(FALSE)))) {
        found[[length(found) + 1L]] <- list(generic = generic, signature = signature)
      }
    }
  }
  found
}

restore_flags <- function(value, reader) {
  global <- globalenv()
  for (name in value$debugged) if (exists(name, envir = global, inherits = FALSE)) debug(get(name, envir = global))
  for (name in value$once) if (exists(name, envir = global, inherits = FALSE)) debugonce(get(name, envir = global))
  for (name in value$copies) if (exists(name, envir = global, inherits = FALSE)) tracemem(get(name, envir = global))
  for (each in value$elsewhere) tryCatch(debug(get(each$name, envir = asNamespace(each$package))), error = function(error) NULL)
  for (each in value$methods) tryCatch(debug(methods::getGeneric(each$generic), signature = each$signature), error = function(error) NULL)
  for (each in value$once_elsewhere) tryCatch(debugonce(get(each$name, envir = asNamespace(each$package))), error = function(error) NULL)
  for (name in value$locked) if (exists(name, envir = global, inherits = FALSE)) lockBinding(name, global)
  if (value$closed) lockEnvironment(global)
  tracingState(value$tracing)
  list()
}
