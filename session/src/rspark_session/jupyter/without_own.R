# Read before R's kernel starts. What a person installed comes first, also among what the kernel is made of; where that breaks it,
# the kernel runs without their library, and says so. So it does, and without what R reads at its start, where the last R ended
# while it started (see `rspark_session.jupyter.provisioner`).
local({
  ended <- nzchar(Sys.getenv("RSPARK_KERNEL_WITHOUT_OWN_FILES"))
  if (ended) Sys.unsetenv(c("RSPARK_KERNEL_WITHOUT_OWN_FILES", "R_ENVIRON_USER"))
  # What the kernel calls of them: a package of a person's that has one of these names may be another one.
  needed <- list(rspark = c("stream_output", "workspace_baseline", "notice"), IRkernel = "main")
  problem <- if (ended) "R ended while it started" else tryCatch({
    for (name in names(needed)) if (nzchar(system.file(package = name))) {
      missing <- setdiff(needed[[name]], ls(loadNamespace(name), all.names = TRUE))
      if (length(missing)) stop(sprintf("your package %s is another one than the session's", name))
    }
    NULL
  }, error = conditionMessage)
  if (is.null(problem)) return(invisible())
  own <- normalizePath(Sys.getenv("R_LIBS_USER"), mustWork = FALSE)
  mine <- function(name) nzchar(own) && startsWith(dirname(getNamespaceInfo(name, "path")), own)
  for (attempt in 1:20) {
    loaded <- Filter(mine, setdiff(loadedNamespaces(), "base"))
    if (!length(loaded)) break
    for (name in loaded) try(unloadNamespace(name), silent = TRUE)
  }
  .libPaths(setdiff(.libPaths(), own))
  files <- Filter(file.exists, unique(c(
    Sys.getenv("R_PROFILE_USER"), Sys.getenv("R_ENVIRON_USER"), ".Rprofile", "~/.Rprofile", ".Renviron", "~/.Renviron", ".RData"
  )))
  installed <- length(list.files(own)) > 0L
  what <- c(if (installed) "What you installed", if (ended && length(files)) {
    paste0(if (installed) "what" else "What", " R reads at its start (", paste(files, collapse = ", "), ")")
  })
  sentence <- paste0(
    paste(what, collapse = ", or "), " keeps R's kernel from starting (", gsub("\\s+", " ", problem), "), so it runs without. ",
    "Remove what is at odds with it, and restart the kernel: ",
    paste(c(
      if (installed) "remove.packages(\"NAME\", lib = Sys.getenv(\"R_LIBS_USER\"))",
      if (ended && length(files)) sprintf("file.rename(\"%s\", \"%s.old\")", files[[1]], files[[1]])
    ), collapse = "; ")
  )
  try(asNamespace("rspark")$notice(sentence), silent = TRUE)
})
