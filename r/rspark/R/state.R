# What a workspace is beside its objects, part by part. Each part is captured, saved and restored by itself, so that one that fails
# takes no other along. The parts are in `state-*.R`, options here.
#
# A part has a `title`; `capture()` returns what is saved, or NULL for nothing; `restore(value, reader)` restores it, and returns
# the entries of what of it could not be; `unsaved()` returns the entries of what is never kept. `when` is "first" for what objects
# need before they can be read, "last" for what must not change while they are read. `after` says that it hangs on what of the
# objects was saved.

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
    finalizers = list(title = "finalizers", when = "last", after = TRUE, capture = capture_finalizers, restore = restore_finalizers),
    flags = list(title = "locks and debugging", when = "last", capture = capture_flags, restore = restore_flags),
    results = list(title = "last results", when = "last", capture = capture_results, restore = restore_results),
    limits = list(title = "limits of R", when = "last", capture = capture_limits, restore = restore_limits),
    folder = list(title = "working directory", when = "last", capture = capture_folder, restore = restore_folder),
    spark = list(title = "Spark's views", when = "last", capture = function(save) spark_views(), restore = restore_spark_part),
    random = list(title = "random numbers", when = "last", capture = capture_random, restore = restore_random)
  )
}

part_title <- function(name) {
  title <- parts()[[name]]$title
  if (is.null(title)) name else title
}

# Write all parts that are written before or after the objects.
save_parts <- function(save, after = FALSE) {
  all <- Filter(function(part) isTRUE(part$after) == after, parts())
  for (name in names(all)) {
    capture <- all[[name]]$capture
    value <- tryCatch(list(in_time(save, function() capture(save))), error = identity)
    if (inherits(value, "error")) {
      lose(save, part_title(name), "", paste0("It can't be read: ", conditionMessage(value)), failed = TRUE)
    } else if (!is.null(value[[1]])) {
      save_one(save, paste0("part:", name), value[[1]])
    }
  }
}

# Run what a part has to ask, for a third of the time that is left and some seconds at most: what waits for ever, as a function that a
# person put in the place of R's, takes nothing else along. R looks at the time between two of its steps, and while it waits.
#
# It takes the place of a limit that the person has set, and so is set only where that one is known, and set again in the end.
in_time <- function(save, work) {
  limit <- workspace$originals$setTimeLimit
  if (is.null(limit)) {
    return(work())
  }
  seconds <- max(1, min(longest_part, (save$writer$deadline - now()) / 3))
  workspace$part_end <- now() + seconds - 0.01 # of R's two clocks, this one is rounded
  on.exit({
    limit(Inf, Inf)
    workspace$part_end <- NULL
  })
  limit(Inf, seconds)
  work()
}

# Return a handler of errors that has a value in place of what failed. R says once that the time of a part is over, and has no limit
# for what comes then: what fails after the end is passed on, so that it ends the part.
instead <- function(value) {
  function(error) if (now() >= (workspace$part_end %||% Inf)) stop(error) else value
}

longest_part <- 20 # seconds

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
  "^(jupyter[.]|IRkernel[.]|rstudio[.]|vsc[.]|browser$|viewer$|pager$|editor$|device$|device[.]ask[.]default$|",
  "pdfviewer$|help_type$|prompt$|continue$|echo$|askYesNo$|menu[.]graphics$|locatorBell$|plumber[.]docs[.]callback$|",
  "shiny[.]launch[.]browser$|page_viewer$|connectionObserver$|try[.]outFile$)"
)

# Those of them that a person sets: how a notebook shows results and plots.
options_of_notebooks <- paste0("jupyter.", c("rich_display", "display_mimetypes", "plot_mimetypes", "plot_scale", "pager_classes"))

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
  names <- c(grep(front_end_options, names, value = TRUE, invert = TRUE), intersect(options_of_notebooks, names))
  changed <- names[!vapply(names, function(name) same(now[[name]], before[[name]]), logical(1))]
  values <- lapply(changed, function(name) now[[name]])
  names(values) <- changed
  values
}

# The person's options: while this runs, some are R's own (`with_plain_options()`).
current_options <- function() {
  now <- options()
  now[names(workspace$theirs)] <- workspace$theirs
  if (is_error_break(now$error)) now["error"] <- list(breakpoints$error_before)
  now
}

# Whether two values are the same; a comparison that fails (of what is nested too deeply) says no.
same <- function(a, b) tryCatch(identical(a, b), error = instead(FALSE))

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
