# Runs a script as R's own prompt would, and names the line of it at which an error came.
(function() {
  script <- Sys.getenv("RSPARK_JOB_SCRIPT")
  Sys.unsetenv("RSPARK_JOB_SCRIPT")
  options(keep.source = TRUE, warn = 1, showErrorCalls = FALSE)
  # The line may be open in which a progress bar stands.
  at <- function(line) message("\nAt ", script, ", line ", line, ":")
  within <- function(call) {
    reference <- attr(call, "srcref")
    if (is.null(reference)) return(NULL)
    if (identical(attr(reference, "srcfile"), source_file)) reference[[1L]]
  }
  lines <- readLines(script, warn = FALSE, encoding = "UTF-8")
  source_file <- srcfilecopy(script, lines, isFile = TRUE)
  expressions <- tryCatch(
    parse(text = lines, srcfile = source_file, keep.source = TRUE, encoding = "UTF-8"),
    error = function(problem) {
      line <- sub("^.*?:([0-9]+):[0-9]+: .*$", "\\1", strsplit(conditionMessage(problem), "\n")[[1L]][[1L]])
      if (grepl("^[0-9]+$", line)) at(line)
      message("Error: ", conditionMessage(problem))
      quit(save = "no", status = 1L)
    }
  )
  references <- attr(expressions, "srcref")
  for (number in seq_along(expressions)) withCallingHandlers(
    {
      value <- withVisible(eval(expressions[[number]], globalenv()))
      if (value$visible) {
        if (isS4(value$value)) methods::show(value$value) else print(value$value)
      }
    },
    error = function(problem) {
      known <- unlist(lapply(sys.calls(), within))
      at(if (length(known)) known[[length(known)]] else references[[number]][[1L]])
    }
  )
})()
