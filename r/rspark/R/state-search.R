# Shared libraries, packages and the search path.

# Return the paths of shared libraries that belong to no package.
loaded_libraries <- function() {
  paths <- vapply(getLoadedDLLs(), function(dll) dll[["path"]], "")
  roots <- c(R.home(), .libPaths(), tempdir())
  Filter(function(path) file.exists(path) && !any(startsWith(path, paste0(roots, "/"))) && endsWith(path, .Platform$dynlib.ext), unname(paths))
}

capture_dlls <- function(save) {
  added <- setdiff(loaded_libraries(), workspace$libraries)
  if (length(added)) added
}

restore_dlls <- function(value, reader) each_guarded(setdiff(value, loaded_libraries()), "shared library", dyn.load)

restore_namespaces <- function(value, reader) {
  lost <- each_guarded(setdiff(rev(value), loadedNamespaces()), "package", function(name) loadNamespace(name), "It can't be loaded: ")
  reader$gone <- vapply(lost, function(entry) entry$name, "")
  lost
}

front_end_entries <- "^([.]GlobalEnv$|Autoloads$|package:base$|jupyter:|tools:|devtools_shims$)"

# Return the entries of the search path that a person attaches and detaches, from the front.
attached_entries <- function() grep(front_end_entries, search(), value = TRUE, invert = TRUE)

# Of each entry: its name; of a package what of it is attached where that isn't all; of anything else the number of its environment.
capture_search <- function(save) {
  lapply(attached_entries(), function(entry) {
    environment <- as.environment(entry)
    if (startsWith(entry, "package:")) {
      package <- sub("^package:", "", entry)
      list(entry = entry, package = package, only = attached_part(package, environment))
    } else {
      list(entry = entry, number = set_apart(save$writer, environment))
    }
  })
}

# Return the names of a package that are attached, or NULL where all are.
attached_part <- function(package, environment) {
  if (!isNamespaceLoaded(package) || package %in% c("stats", "graphics", "grDevices", "utils", "datasets", "methods")) {
    return(NULL)
  }
  attached <- ls(environment, all.names = TRUE)
  if (length(setdiff(getNamespaceExports(package), attached))) attached
}

# Make the search path what it was: entries that are there in their order stay, from the end on; all others are attached anew.
restore_search <- function(value, reader) {
  lost <- list()
  wanted <- vapply(value, function(entry) entry$entry, "")
  there <- attached_entries()
  stay <- 0L
  while (stay < min(length(there), length(wanted)) && rev(there)[[stay + 1L]] == rev(wanted)[[stay + 1L]] &&
    is.null(rev(value)[[stay + 1L]]$only) && startsWith(rev(wanted)[[stay + 1L]], "package:")) {
    stay <- stay + 1L
  }
  for (entry in utils::head(there, length(there) - stay)) {
    tryCatch(detach(entry, character.only = TRUE, force = TRUE), error = function(error) NULL)
  }
  for (entry in rev(utils::head(value, length(value) - stay))) {
    if (entry$entry %in% paste0("package:", reader$gone)) next # named already
    problem <- tryCatch(
      {
        attach_entry(entry, reader)
        NULL
      },
      error = conditionMessage
    )
    if (!is.null(problem)) {
      name <- if (is.null(entry$package)) shown_name(paste0("attached:", entry$entry)) else entry$package
      class <- if (is.null(entry$package)) "attached data" else "package"
      lost <- c(lost, list(lost_entry(name, class, paste0("It can't be attached: ", problem))))
    }
  }
  lost
}

attach_entry <- function(entry, reader) {
  if (is.null(entry$package)) {
    # By name: a check of packages takes a plain call of attach() for a mistake, and here it is the purpose. Its objects come later.
    environment <- do.call("attach", list(NULL, pos = 2L, name = entry$entry, warn.conflicts = FALSE))
    number <- as.numeric(entry$number) - first_apart
    reader$apart[[as.character(number)]] <- environment
    reader$attached <- c(reader$attached, number)
  } else if (entry$package %in% loadedNamespaces() && entry$entry %in% search()) {
    invisible()
  } else {
    namespace <- loadNamespace(entry$package)
    if (is.null(entry$only)) attachNamespace(namespace, pos = 2L) else attachNamespace(namespace, pos = 2L, include.only = intersect(entry$only, getNamespaceExports(namespace)))
  }
}
