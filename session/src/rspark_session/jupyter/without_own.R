# Read before R's kernel starts. What a person installed comes first, also among what the kernel is made of; where that breaks it,
# the kernel runs without their library, and says so.
local({
  problem <- tryCatch({
    for (name in c("rspark", "IRkernel")) if (nzchar(system.file(package = name))) loadNamespace(name)
    NULL
  }, error = conditionMessage)
  if (is.null(problem) || !nzchar(Sys.getenv("R_LIBS_USER"))) return(invisible())
  own <- normalizePath(Sys.getenv("R_LIBS_USER"), mustWork = FALSE)
  mine <- function(name) startsWith(dirname(getNamespaceInfo(name, "path")), own)
  for (attempt in 1:20) {
    loaded <- Filter(mine, setdiff(loadedNamespaces(), "base"))
    if (!length(loaded)) break
    for (name in loaded) try(unloadNamespace(name), silent = TRUE)
  }
  .libPaths(setdiff(.libPaths(), own))
  sentence <- paste0(
    "What you installed keeps R's kernel from starting (", gsub("\\s+", " ", problem), "), so it runs without your own packages. ",
    "Remove what is at odds with it, and restart the kernel: remove.packages(\"NAME\", lib = Sys.getenv(\"R_LIBS_USER\"))"
  )
  # The kernel shows nothing before the first cell; so the first library() or require() says it, and is R's own from then on.
  saying <- function(original) {
    function(...) {
      detach("rspark:notice")
      message(sentence)
      call <- sys.call()
      call[[1]] <- original
      eval.parent(call)
    }
  }
  attach(list(library = saying(quote(base::library)), require = saying(quote(base::require))), name = "rspark:notice")
})
