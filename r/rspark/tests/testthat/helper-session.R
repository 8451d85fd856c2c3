# These tests run where a session's PostgreSQL, HDFS and Spark are; `r/check` starts real ones.
without <- function(variables, code) {
  old <- Sys.getenv(variables, unset = NA, names = TRUE)
  on.exit({
    kept <- old[!is.na(old)]
    if (length(kept)) do.call(Sys.setenv, as.list(kept))
  })
  Sys.unsetenv(variables)
  code
}
