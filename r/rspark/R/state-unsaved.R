# What of the state ends with the process and is named: open connections and devices, running programs, patches, ...

unsaved_state <- list(
  # Connections that no variable holds as well.
  connections = function(save) {
    open <- getAllConnections()
    for (number in setdiff(open[open > 2L], save$connections)) {
      connection <- getConnection(number)
      about <- summary(connection)
      if (about$class == "textConnection" && about$description %in% c("output", "rval", "out")) next # R's own, which catches output
      if (startsWith(about$description, save$dir)) next
      lose(save, paste0("connection ", number, " (", about$description, ")"), about$class, lost_sentence("connection"))
    }
  },
  devices = function(save) {
    others <- grDevices::dev.list()
    others <- others[others != grDevices::dev.cur()] # the one in which this code is evaluated
    for (i in seq_along(others)) {
      lose(save, paste0("graphics device ", others[[i]]), names(others)[[i]], "It is open, and what was drawn on it is not finished. Close it with dev.off(), or draw it again.")
    }
  },
  sinks = function(save) {
    extra <- sink.number() - 2L # of evaluate's, and of this function's
    if (extra > 0L) lose(save, "sink()", "sink", "Output is diverted. Call sink() again.")
  },
  callbacks = function(save) {
    ours <- c(workspace$callbacks, if (isNamespaceLoaded("reticulate")) "1")
    for (name in setdiff(getTaskCallbackNames(), ours)) lose(save, paste0("task callback ", name), "function", "Add it again with addTaskCallback().")
  },
  patches = function(save) {
    global <- globalenv()
    for (package in loadedNamespaces()) {
      values <- mget(setdiff(computed_bindings(asNamespace(package)), ".Last.value"), envir = asNamespace(package))
      closures <- values[vapply(values, typeof, "") == "closure"]
      traced <- vapply(closures, function(f) isS4(f) && inherits(f, "functionWithTrace"), NA)
      replaced <- !traced & vapply(closures, function(f) identical(environment(f), global), NA)
      for (name in names(closures)[traced]) lose(save, paste0(package, "::", name), "trace", "It is traced. Call trace() again.")
      for (name in names(closures)[replaced]) {
        lose(save, paste0(package, "::", name), "function", "It was replaced inside of its package. Replace it again.")
      }
    }
  },
  traced_methods = function(save) {
    if (!was_called("trace")) {
      return(invisible())
    }
    for (each in methods_that(function(generic, signature, method) inherits(method, "MethodDefinitionWithTrace"))) {
      name <- paste0(each$generic, "(", paste(each$signature, collapse = ", "), ")")
      lose(save, name, "trace", "This method is traced. Call trace() again.")
    }
  },
  # Files that R itself or a package writes to, and no connection: a profile, a log.
  files = function(save) {
    mine <- vapply(getAllConnections(), function(number) normalizePath(summary(getConnection(number))$description, mustWork = FALSE), "")
    for (file in setdiff(written_files(), c(workspace$written, mine))) {
      if (startsWith(file, save$dir)) next
      lose(save, file, "open file", "R or a package writes to it, as Rprof() does. Begin it again.")
    }
  },
  programs = function(save) {
    for (command in child_commands()) {
      lose(save, substr(command, 1, 100), "running program", "It ends with R. Start it again.")
    }
  },
  limits = function(save) {
    for (name in names(time_limits())) lose(save, paste0(name, "()"), "limit", "It counts the time of this R. Set it again.")
  },
  servers = function(save) {
    if (!isNamespaceLoaded("httpuv")) {
      return(invisible())
    }
    for (server in asNamespace("httpuv")$listServers()) {
      at <- tryCatch(paste0(server$getHost(), ":", server$getPort()), error = instead(NULL)) %||% server$getPath()
      lose(save, paste("server at", at), class_of(server), "It ends with R. Start it again.")
    }
  },
  later = function(save) {
    if (isNamespaceLoaded("later") && !asNamespace("later")$loop_empty(asNamespace("later")$global_loop())) {
      lose(save, "later()", "function", "Functions wait for their time. Call later() again.")
    }
  },
  spark = function(save) {
    for (entry in lost_in_spark()) save$lost$add(entry)
  },
  python = function(save) {
    if (!isNamespaceLoaded("reticulate") || !reticulate::py_available(initialize = FALSE)) {
      return(invisible())
    }
    names <- names(reticulate::import_main(convert = FALSE))
    names <- setdiff(grep("^_", names, value = TRUE, invert = TRUE), c("r", "R"))
    if (length(names)) lose(save, "py", "Python", paste0("Python inside of R held ", paste(utils::head(names, 5), collapse = ", "), ". Make them again."))
  }
)

# Name what of one kind is lost, or that it can't be told.
note_unsaved <- function(save, name) {
  not_told <- function(error) lose(save, name, "", paste0("What of this is lost can't be told: ", conditionMessage(error)))
  tryCatch(in_time(save, function() unsaved_state[[name]](save)), error = not_told)
}

# Return the files of the disk that are open for writing.
written_files <- function() {
  numbers <- setdiff(list.files("/proc/self/fd"), c("0", "1", "2"))
  files <- Sys.readlink(file.path("/proc/self/fd", numbers))
  is_written <- vapply(numbers, function(number) {
    flags <- tryCatch(suppressWarnings(grep("^flags:", readLines(file.path("/proc/self/fdinfo", number)), value = TRUE)), error = instead(""))
    isTRUE(grepl("[1-3]$", flags)) # octal: the last digit is how it was opened
  }, NA)
  unique(files[is_written & startsWith(files, "/") & !startsWith(files, "/dev/") & file.exists(files) & !dir.exists(files)])
}

# Return the commands of the processes that R started: a kernel leads a session of processes, and they are of it. Spark's driver,
# and what it started, is none of them: what is lost with it is named as Spark's.
child_commands <- function() {
  own <- as.character(Sys.getpid())
  all <- grep("^[0-9]+$", list.files("/proc"), value = TRUE)
  stats <- lapply(stats::setNames(all, all), process_stat)
  members <- Filter(function(pid) pid != own && identical(stats[[pid]][["session"]], own), all)
  commands <- vapply(stats::setNames(members, members), command_of, "")
  spark <- members[grepl("org.apache.spark.", commands, fixed = TRUE)]
  for (pid in members) { # parents have the smaller numbers, but for the few that come after the largest one
    if (stats[[pid]][["parent"]] %in% spark) spark <- c(spark, pid)
  }
  shown <- commands[setdiff(members, spark)]
  sub("^[^ ]*/", "", shown[nzchar(shown)]) # the program without its folder
}

process_stat <- function(pid) {
  stat <- tryCatch(suppressWarnings(readLines(file.path("/proc", pid, "stat"), n = 1L)), error = instead(""))
  fields <- strsplit(sub("^.*[)] ", "", stat), " ", fixed = TRUE)[[1]] # state, parent, group, session
  if (length(fields) > 3L) c(parent = fields[[2]], session = fields[[4]]) else c(parent = "", session = "")
}

# Return a process's command; nothing of one that has ended.
command_of <- function(pid) {
  words <- tryCatch(suppressWarnings(readBin(file.path("/proc", pid, "cmdline"), "raw", 65536)), error = instead(raw()))
  words[words == 0] <- charToRaw(" ")
  trimws(iconv(rawToChar(words), "UTF-8", "UTF-8", sub = "?"))
}
