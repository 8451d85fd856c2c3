# A folder that goes with the test.
temporary_folder <- function(frame = parent.frame()) {
  folder <- tempfile()
  dir.create(folder)
  do.call(on.exit, list(substitute(unlink(folder, recursive = TRUE), list(folder = folder)), add = TRUE), envir = frame)
  folder
}

# A pointer to memory, as a package in C would hold one.
pointer <- function() stats:::C_rnorm$address

# Run code with something of the package replaced.
with_function <- function(name, value, code) {
  package <- asNamespace("rspark")
  before <- get(name, envir = package)
  replace <- function(value) {
    unlockBinding(name, package)
    assign(name, value, envir = package)
    lockBinding(name, package)
  }
  replace(value)
  on.exit(replace(before))
  code
}
