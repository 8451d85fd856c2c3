# What a workspace is beside its objects, part by part. Each part is captured, saved and restored by itself, so that one that fails
# takes no other along.
#
# A part has a `title`; `capture()` returns what is saved, or NULL for nothing; `restore(value, reader)` restores it, and returns
# the entries of what of it could not be; `unsaved()` returns the entries of what is never kept. `when` is "first" for what objects
# need before they can be read, "last" for what must not change while they are read.

parts <- function() {
  list(
    libraries = list(title = "library paths", when = "first", capture = capture_libraries, restore = restore_libraries),
    environ = list(title = "environment variables", when = "first", capture = capture_environ, restore = restore_environ),
    locale = list(title = "locale", when = "first", capture = capture_locale, restore = restore_locale),
    dlls = list(title = "shared libraries", when = "first", capture = capture_dlls, restore = restore_dlls),
    namespaces = list(title = "loaded packages", when = "first", capture = function(save) loadedNamespaces(), restore = restore_namespaces),
    search = list(title = "search path", when = "first", capture = capture_search, restore = restore_search),
    files = list(title = "temporary files", when = "last", capture = capture_files, restore = restore_files),
    methods = list(title = "methods", when = "last", capture = capture_methods, restore = restore_methods),
    hooks = list(title = "hooks", when = "last", capture = capture_hooks, restore = restore_hooks),
    packages = list(title = "package settings", when = "last", capture = capture_packages, restore = restore_packages),
    flags = list(title = "locks and debugging", when = "last", capture = capture_flags, restore = restore_flags),
    results = list(title = "last results", when = "last", capture = capture_results, restore = restore_results),
    folder = list(title = "working directory", when = "last", capture = capture_folder, restore = restore_folder),
    spark = list(title = "Spark's views", when = "last", capture = function(save) spark_views(), restore = restore_spark_part),
    random = list(title = "random numbers", when = "last", capture = capture_random, restore = restore_random)
  )
}

part_title <- function(name) {
  title <- parts()[[name]]$title
  if (is.null(title)) name else title
}

# Write all parts, and record what of the state is never kept.
save_parts <- function(save) {
  all <- parts()
  for (name in names(all)) {
    capture <- all[[name]]$capture
    value <- tryCatch(list(capture(save)), error = identity)
    if (inherits(value, "error")) {
      lose(save, part_title(name), "", paste0("It can't be read: ", conditionMessage(value)), failed = TRUE)
    } else if (!is.null(value[[1]])) {
      save_one(save, paste0("part:", name), value[[1]])
    }
  }
  save_options(save)
}

# Restore one part, and return the entries of what of it could not be.
restore_part <- function(name, value, reader) {
  restore <- parts()[[name]]$restore
  if (is.null(restore)) {
    return(list())
  }
  failed <- function(error) list(lost_entry(part_title(name), "", paste0("It can't be restored: ", conditionMessage(error)), failed = TRUE))
  tryCatch(restore(value, reader), error = failed)
}

# Run for each item; return the entries of those where it failed.
each_guarded <- function(items, class, work, why = "It can't be restored: ") {
  lost <- list()
  for (item in items) {
    problem <- tryCatch(
      {
        work(item)
        NULL
      },
      error = conditionMessage
    )
    if (!is.null(problem)) lost[[length(lost) + 1L]] <- lost_entry(item, class, paste0(why, problem))
  }
  lost
}

# ---- options ----

# Options of the front end, which the next kernel has from its own, and of the evaluation that runs this code.
front_end_options <- paste0(
  "^(jupyter[.]|repr[.]|IRkernel[.]|rstudio[.]|vsc[.]|browser$|viewer$|pager$|editor$|device$|device[.]ask[.]default$|",
  "pdfviewer$|help_type$|prompt$|continue$|echo$|askYesNo$|menu[.]graphics$|locatorBell$|plumber[.]docs[.]callback$|",
  "shiny[.]launch[.]browser$|page_viewer$|connectionObserver$|try[.]outFile$)"
)

baseline_options <- function() {
  if (!is.null(workspace$options)) {
    return(workspace$options)
  }
  file <- tempfile()
  on.exit(unlink(file))
  code <- sprintf("saveRDS(options(), %s)", encodeString(file, quote = "\""))
  status <- system2(
    file.path(R.home("bin"), "R"), c("--no-init-file", "--no-save", "--no-restore", "--slave", "-e", shQuote(code)),
    stdout = FALSE, stderr = FALSE, timeout = 20
  )
  if (status != 0 || !file.exists(file)) {
    problem("R could not be asked for its own options.")
  }
  workspace$options <- readRDS(file)
}

# Return the options that aren't as they were at the start, the front end's aside. NULL stands for one that was removed.
changed_options <- function(before = baseline_options(), now = current_options()) {
  names <- union(names(now), names(before))
  names <- grep(front_end_options, names, value = TRUE, invert = TRUE)
  changed <- names[!vapply(names, function(name) same(now[[name]], before[[name]]), logical(1))]
  values <- lapply(changed, function(name) now[[name]])
  names(values) <- changed
  values
}

# The person's options: while this runs, some are R's own (`with_plain_options()`).
current_options <- function() {
  now <- options()
  now[names(workspace$theirs)] <- workspace$theirs
  now
}

# Whether two values are the same; a comparison that fails (of what is nested too deeply) says no.
same <- function(a, b) tryCatch(identical(a, b), error = function(error) FALSE)

save_options <- function(save) {
  changed <- tryCatch(changed_options(), error = identity)
  if (inherits(changed, "error")) {
    return(lose(save, "options", "", paste0("They can't be compared: ", conditionMessage(changed)), failed = TRUE))
  }
  for (name in names(changed)) {
    # Packages put pointers of their own there, and renew them.
    if (typeof(changed[[name]]) != "externalptr") save_one(save, paste0("option:", name), changed[[name]])
  }
}

# Restore options at the end of all; those that are R's own meanwhile are set when `with_plain_options()` ends.
restore_options <- function(values) {
  each_guarded(names(values), "option", function(name) {
    if (name %in% names(workspace$theirs)) {
      workspace$theirs[name] <- values[name]
    } else {
      do.call(options, values[name])
    }
  })
}

# ---- libraries, environment variables, locale ----

capture_libraries <- function(save) .libPaths()

restore_libraries <- function(value, reader) {
  there <- dir.exists(value)
  .libPaths(unique(c(value[there], .libPaths())))
  lapply(value[!there], function(path) lost_entry(path, "library path", "The folder isn't there any more."))
}

# What each session sets itself, and what belongs to a process.
session_variables <- paste0(
  "^(RSPARK_|RSPARKHUB_|PG|SPARK_|PYSPARK_|JPY_|JUPYTER|XDG_RUNTIME_DIR$|R_HOME$|R_SESSION_TMPDIR$|R_ARCH$|R_SHARE_DIR$|",
  "R_INCLUDE_DIR$|R_DOC_DIR$|R_ENABLE_JIT$|LD_LIBRARY_PATH$|HOME$|USER$|LOGNAME$|HOSTNAME$|SHLVL$|PWD$|OLDPWD$|_$|TMPDIR$|",
  "COLUMNS$|LINES$|TERM$|KUBERNETES_|RETICULATE_)"
)
path_variables <- c("PATH", "R_LIBS", "R_LIBS_USER", "MANPATH", "PYTHONPATH")

baseline_environ <- function() {
  if (!is.null(workspace$environ)) {
    return(workspace$environ)
  }
  environ <- readBin("/proc/self/environ", "raw", 2^21)
  environ[environ == 0] <- charToRaw("\n")
  lines <- grep("^[^=]+=", strsplit(rawToChar(environ), "\n", fixed = TRUE)[[1]], value = TRUE)
  stats::setNames(sub("^[^=]+=", "", lines), sub("=.*", "", lines))
}

# Return what the person set, changed or removed since the start.
capture_environ <- function(save) {
  before <- baseline_environ()
  now <- Sys.getenv()
  names <- grep(session_variables, union(names(now), names(before)), value = TRUE, invert = TRUE)
  was <- stats::setNames(before[names], names)
  is <- stats::setNames(now[names], names)
  changed <- names[is.na(was) != is.na(is) | (!is.na(was) & !is.na(is) & was != is)]
  if (length(changed)) list(before = was[changed], after = is[changed])
}

# Restore them, but for those that this session sets otherwise than the one before.
restore_environ <- function(value, reader) {
  for (name in names(value$after)) {
    before <- unname(value$before[name])
    after <- unname(value$after[name])
    now <- Sys.getenv(name, unset = NA)
    if (name %in% path_variables && !is.na(after) && !is.na(now)) {
      added <- setdiff(split_path(after), c(split_path(before), split_path(now)))
      if (length(added)) set_variable(name, paste(c(added, now), collapse = ":"))
    } else if (identical(now, before) || is.na(now)) {
      if (is.na(after)) Sys.unsetenv(name) else set_variable(name, after)
    }
  }
  list()
}

split_path <- function(path) if (is.na(path)) character() else strsplit(path, ":", fixed = TRUE)[[1]]

set_variable <- function(name, value) do.call(Sys.setenv, stats::setNames(list(value), name))

locale_categories <- c("LC_COLLATE", "LC_CTYPE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME", "LC_MESSAGES", "LC_PAPER", "LC_MEASUREMENT")

current_locale <- function() vapply(locale_categories, function(category) Sys.getlocale(category), "")

capture_locale <- function(save) {
  now <- current_locale()
  if (!identical(now, workspace$locale)) now[now != c(workspace$locale, now)[seq_along(now)] | is.null(workspace$locale)]
}

restore_locale <- function(value, reader) {
  changed <- names(value)[value != current_locale()[names(value)]]
  each_guarded(changed, "locale", function(category) {
    if (!nzchar(suppressWarnings(Sys.setlocale(category, value[[category]])))) problem(value[[category]], " isn't on this machine.")
  })
}

# ---- packages and the search path ----

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

# ---- what is set in places of R's and of packages ----

# Return the methods that were registered by hand: those of packages have their namespace's environment.
capture_methods <- function(save) {
  found <- list()
  for (package in loadedNamespaces()) {
    table <- get0(".__S3MethodsTable__.", envir = asNamespace(package), inherits = FALSE)
    if (is.null(table)) next
    for (name in computed_bindings(table)) {
      method <- get(name, envir = table, inherits = FALSE)
      if (is_persons(method)) found[[length(found) + 1L]] <- list(package = package, name = name, method = method)
    }
  }
  if (length(found)) found
}

# Whether a function was made by the person: what it closes over leads to the global environment before any package.
is_persons <- function(f) {
  if (typeof(f) != "closure") {
    return(FALSE)
  }
  x <- environment(f)
  while (!identical(x, globalenv())) {
    if (is.null(x) || is_everywhere(x)) {
      return(FALSE)
    }
    x <- parent.env(x)
  }
  TRUE
}

restore_methods <- function(value, reader) {
  lost <- list()
  for (method in value) {
    problem <- tryCatch(
      {
        assign(method$name, method$method, envir = get(".__S3MethodsTable__.", envir = asNamespace(method$package)))
        NULL
      },
      error = conditionMessage
    )
    if (!is.null(problem)) lost <- c(lost, list(lost_entry(method$name, "method", problem)))
  }
  lost
}

# Hooks that the person set with setHook(): of packages that load, of plots.
capture_hooks <- function(save) {
  all <- get(".userHooksEnv", envir = baseenv())
  hooks <- lapply(mget(computed_bindings(all), envir = all), function(hooks) Filter(is_persons, if (is.list(hooks)) hooks else list(hooks)))
  hooks <- Filter(length, hooks)
  if (length(hooks)) hooks
}

restore_hooks <- function(value, reader) each_guarded(names(value), "hook", function(name) setHook(name, value[[name]], "append"))

# Settings that packages hold inside of themselves.
capture_packages <- function(save) {
  settings <- list()
  if (isNamespaceLoaded("knitr")) {
    knitr <- asNamespace("knitr")
    for (name in c("opts_chunk", "opts_knit", "knit_hooks", "opts_hooks")) {
      of <- knitr[[name]]
      now <- of$get()
      default <- of$get(default = TRUE)
      changed <- names(now)[!vapply(names(now), function(option) same(now[[option]], default[[option]]), logical(1))]
      if (length(changed)) settings[[paste0("knitr::", name)]] <- now[changed]
    }
  }
  if (isNamespaceLoaded("ggplot2")) {
    ggplot2 <- asNamespace("ggplot2")
    theme <- ggplot2$theme_get()
    if (!same(theme, ggplot2$theme_grey())) settings[["ggplot2::theme_set"]] <- theme
  }
  if (length(settings)) settings
}

restore_packages <- function(value, reader) {
  each_guarded(names(value), "package settings", function(name) {
    package <- asNamespace(sub("::.*", "", name))
    setting <- package[[sub(".*::", "", name)]]
    if (is.function(setting)) setting(value[[name]]) else do.call(setting$set, value[[name]])
  })
}

# ---- locks, debug(), trace() ----

capture_flags <- function(save) {
  global <- globalenv()
  names <- setdiff(ls(global, all.names = TRUE, sorted = FALSE), ".Random.seed")
  functions <- Filter(function(name) exists(name, envir = global, mode = "function", inherits = FALSE), intersect(names, computed_bindings(global)))
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

# ---- results, folder, random numbers ----

# `.Last.value` in the name of the variable that it is, where it is one: it is no second copy then. One that is never kept, as a
# connection that was just opened, is named by its variable alone.
capture_results <- function(save) {
  warnings <- get0("last.warning", envir = baseenv(), inherits = FALSE)
  value <- get0(".Last.value", envir = baseenv(), inherits = FALSE)
  left_out <- is.null(value) || !is.null(lost_kind(value)) || is_everywhere_or_function(value) || size_of(value) > most_of_last_value
  result <- if (left_out) NULL else list(value = value)
  address <- if (!is.null(result)) rlang::obj_address(value)
  global <- globalenv()
  values <- if (!is.null(result)) mget(computed_bindings(global), envir = global)
  for (i in seq_along(values)) {
    if (is.symbol(.subset2(values, i))) next # it may be the one that stands for a missing argument
    if (identical(rlang::obj_address(.subset2(values, i)), address)) {
      result <- list(name = names(values)[[i]])
      break
    }
  }
  if (!is.null(warnings) || !is.null(result)) list(warnings = warnings, result = result)
}

most_of_last_value <- 2^26

is_everywhere_or_function <- function(x) is.function(x) || is.environment(x) && is_everywhere(x)

restore_results <- function(value, reader) {
  base <- baseenv()
  if (!is.null(value$warnings)) assign("last.warning", value$warnings, envir = base)
  result <- value$result
  if (!is.null(result$name)) result <- list(value = get(result$name, envir = globalenv(), inherits = FALSE))
  if (!is.null(result)) {
    locked <- bindingIsLocked(".Last.value", base)
    if (locked) base$unlockBinding(".Last.value", base)
    assign(".Last.value", result$value, envir = base)
    if (locked) lockBinding(".Last.value", base)
  }
  list()
}

capture_folder <- function(save) {
  folder <- tryCatch(getwd(), error = function(error) NULL)
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

capture_random <- function(save) get0(".Random.seed", envir = globalenv(), inherits = FALSE)

restore_random <- function(value, reader) {
  assign(".Random.seed", value, envir = globalenv())
  list()
}
