# What a workspace is beside its objects: options, libraries and what is attached, the folder, random numbers.

# Options of the front end, which the next kernel has from its own, and of the evaluation that runs this code.
front_end_options <- paste0(
  "^(jupyter[.]|repr[.]|IRkernel[.]|rstudio[.]|vsc[.]|browser$|viewer$|pager$|editor$|device$|device[.]ask[.]default$|",
  "pdfviewer$|help_type$|prompt$|continue$|echo$|askYesNo$|menu[.]graphics$|locatorBell$|plumber[.]docs[.]callback$|",
  "shiny[.]launch[.]browser$|page_viewer$|connectionObserver$|try[.]outFile$)"
)

workspace <- new.env(parent = emptyenv())

# Record the options of a kernel that has just started. Without it `workspace_save()` asks a fresh R for them.
workspace_baseline <- function() {
  workspace$options <- options()
  invisible()
}

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
  readRDS(file)
}

# Return the options that aren't as they were at the start, the front end's aside. NULL stands for one that was removed.
changed_options <- function(before = baseline_options(), now = options()) {
  names <- union(names(now), names(before))
  names <- grep(front_end_options, names, value = TRUE, invert = TRUE)
  changed <- names[!mapply(identical, now[names], before[names])]
  values <- lapply(changed, function(name) now[[name]])
  names(values) <- changed
  values
}

# Return the entries of the search path that the person attached and that aren't packages: data frames, lists, files.
attached_data <- function() {
  grep("^(package:|[.]GlobalEnv$|Autoloads$|jupyter:|tools:|devtools_shims$)", search(), value = TRUE, invert = TRUE)
}

capture_state <- function(options) {
  list(
    options = options,
    search = search(),
    libraries = .libPaths(),
    folder = getwd(),
    seed = get0(".Random.seed", envir = globalenv(), inherits = FALSE),
    spark_views = spark_views()
  )
}

# Restore libraries and the search path in its order, and return what of it is lost.
restore_search <- function(state, attached) {
  lost <- list()
  .libPaths(unique(c(Filter(dir.exists, state$libraries), .libPaths())))
  for (entry in rev(setdiff(state$search, search()))) {
    if (entry %in% names(attached)) {
      # By name: a check of packages takes a plain call of attach() for a mistake, and here it is the purpose.
      do.call("attach", list(attached[[entry]], pos = 2L, name = entry, warn.conflicts = FALSE))
    } else if (startsWith(entry, "package:")) {
      package <- sub("^package:", "", entry)
      problem <- tryCatch(
        {
          attachNamespace(loadNamespace(package), pos = 2L)
          NULL
        },
        error = conditionMessage
      )
      if (!is.null(problem)) {
        lost <- c(lost, list(lost_entry(package, "package", paste0("It can't be attached: ", problem))))
      }
    }
  }
  lost
}

# Restore options, folder and random numbers, in this order and after all else, and return what of it is lost.
restore_state <- function(state, global) {
  do.call(options, state$options)
  restore_spark_views(state$spark_views)
  if (!is.null(state$seed)) {
    assign(".Random.seed", state$seed, envir = global)
  }
  if (is.null(state$folder) || dir.exists(state$folder)) {
    if (!is.null(state$folder)) setwd(state$folder)
    return(list())
  }
  list(lost_entry(state$folder, "folder", "The working directory isn't there any more."))
}

lost_entry <- function(name, class, why) {
  list(name = name, class = class, why = trimws(gsub("\\s+", " ", why)))
}
