# Library paths, environment variables and the locale: what R has of its process.

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
  before <- unclass(baseline_environ()) # Sys.getenv() gives a class, with which no two values are identical
  now <- unclass(Sys.getenv())
  names <- grep(session_variables, union(names(now), names(before)), value = TRUE, invert = TRUE)
  was <- stats::setNames(before[names], names)
  is <- stats::setNames(now[names], names)
  changed <- names[is.na(was) != is.na(is) | (!is.na(was) & !is.na(is) & was != is)]
  if (length(changed)) list(before = was[changed], after = is[changed])
}

# Restore them, but for those that this session sets otherwise than the one before.
restore_environ <- function(value, reader) {
  for (name in names(value$after)) {
    before <- unname(unclass(value$before)[name])
    after <- unname(unclass(value$after)[name])
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

# How much memory R may take, how nice it is, and how it compiles functions.
capture_limits <- function(save) {
  memory <- c(vsize = mem.maxVSize(), nsize = mem.maxNSize())
  compiler <- c("optimize", "suppressAll", "suppressUndefined", "suppressNoSuperAssignVar")
  list(
    memory = memory[is.finite(memory)], collections = local({
      told <- gcinfo(FALSE)
      gcinfo(told)
      told
    }), nice = tools::psnice(), jit = compiler::enableJIT(-1),
    compiler = lapply(stats::setNames(compiler, compiler), function(option) compiler::getCompilerOption(option))
  )
}

restore_limits <- function(value, reader) {
  if ("vsize" %in% names(value$memory)) mem.maxVSize(value$memory[["vsize"]])
  if ("nsize" %in% names(value$memory)) mem.maxNSize(value$memory[["nsize"]])
  if (isTRUE(value$nice > tools::psnice())) tools::psnice(value = value$nice)
  if (isTRUE(value$collections)) gcinfo(TRUE)
  if (value$jit != compiler::enableJIT(-1)) compiler::enableJIT(value$jit)
  do.call(compiler::setCompilerOptions, value$compiler)
  list()
}
