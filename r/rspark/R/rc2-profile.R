# Profiles of what a person runs, for Rc²: R's own sampling profiler writes into a file that the server has named, and reads.

rc2_profile <- new.env(parent = emptyenv())
rc2_profile_interval <- 0.01 # seconds of computing between two samples; shorter ones are beyond the timer of many kernels
rc2_most_profile_bytes <- 2^26

# Begin to profile into a file, where one is named. What can't be done is said at the end, as a person's code runs in any case.
begin_profile <- function(file) {
  end_profile() # of a request that did not come to its end
  rc2_profile$outcome <- NULL
  if (!is.character(file) || length(file) != 1L) {
    return(invisible())
  }
  rc2_profile$outcome <- if (.Call(profiling_on)) "theirs" else tryCatch(
    {
      utils::Rprof(file, interval = rc2_profile_interval, memory.profiling = TRUE, gc.profiling = TRUE, line.profiling = TRUE)
      rc2_profile$file <- normalizePath(file)
      "kept"
    },
    error = function(condition) paste("failed:", conditionMessage(condition))
  )
}

profiling_for_rc2 <- function() !is.null(rc2_profile$file)

# Whether R writes into our file: a person's code may have ended this profile, and begun one of its own.
is_profile_ours <- function() rc2_profile$file %in% Sys.readlink(list.files("/proc/self/fd", full.names = TRUE))

# End the profile, if it is ours.
end_profile <- function() {
  if (profiling_for_rc2()) {
    if (is_profile_ours()) utils::Rprof(NULL) else rc2_profile$outcome <- "ended"
    rc2_profile$file <- NULL
  }
}

# End a profile that has become large. It is looked at between two expressions.
bound_profile <- function() {
  if (profiling_for_rc2() && isTRUE(file.size(rc2_profile$file) > rc2_most_profile_bytes)) {
    end_profile()
    rc2_profile$outcome <- "large"
  }
}

# End the profile and say what has become of it, once the code has ended, however it did.
tell_rc2_of_profile <- function(executor) {
  end_profile()
  if (is.null(rc2_profile$outcome)) {
    return(invisible())
  }
  executor$send_response("rspark_profile", executor$current_request, "iopub", list(outcome = rc2_profile$outcome))
  rc2_profile$outcome <- NULL
}

# Return an expression from which a profile knows its line.
with_line <- function(expression, source) {
  if (!profiling_for_rc2() || !inherits(source, "srcref")) {
    return(expression)
  }
  structure(call("{", expression), srcref = list(source, source), srcfile = attr(source, "srcfile"))
}
