# Objects in files: all in one, so that what they share stays shared, and each by itself only where that fails.
#
# Both ways go through `serialize()`, whose hook meets every pointer that would be written, wherever it is.

# Up to this size files are compressed, which takes a few seconds at most; there is little time before a sleep.
most_compressed <- 256 * 2^20

# Write a named list into a folder. Gives what was lost on the way: a reason for each name. `allowed` are pointers that
# may be written, since their objects know how to do without.
write_objects <- function(objects, folder, allowed = list()) {
  lost <- character()
  together <- file.path(folder, "objects")
  written <- try_write(objects, together, allowed)
  if (written$stray) {
    strays <- vapply(seq_along(objects), function(i) try_write(objects[i], nullfile(), allowed)$stray, logical(1))
    lost[names(objects)[strays]] <- lost_sentence("externalptr", "somewhere inside")
    objects <- objects[!strays]
    written <- try_write(objects, together, allowed)
  }
  if (is.null(written$problem)) {
    compress(together)
    return(lost)
  }
  unlink(together)
  c(lost, write_apart(objects, file.path(folder, "apart")))
}

write_apart <- function(objects, folder) {
  lost <- character()
  dir.create(folder)
  for (i in seq_along(objects)) {
    file <- file.path(folder, i)
    written <- try_write(objects[i], file)
    if (is.null(written$problem)) {
      compress(file)
      next
    }
    unlink(file)
    if (is.null(try_write(objects[i], nullfile())$problem)) {
      problem("The workspace can't be written: ", written$problem) # the disk is at fault, not the object
    }
    lost[[names(objects)[[i]]]] <- paste0("It can't be saved: ", written$problem)
  }
  lost
}

# Give `use` each name and value that is in the folder. Gives the problems with files that can't be read.
read_objects <- function(folder, use) {
  problems <- character()
  files <- list.files(c(folder, file.path(folder, "apart")), "^(objects|[0-9]+)([.]gz)?$", full.names = TRUE)
  for (file in files) {
    objects <- tryCatch(read_serialized(file), error = identity)
    if (inherits(objects, "error")) {
      problems <- c(problems, conditionMessage(objects))
    } else {
      for (name in names(objects)) use(name, .subset2(objects, name))
    }
  }
  problems
}

# Write, and return a problem, and whether there was a pointer that isn't allowed.
try_write <- function(x, file, allowed = list()) {
  stray <- FALSE
  hook <- function(reference) {
    if (typeof(reference) %in% c("externalptr", "weakref") && !is_allowed(reference, allowed)) {
      stray <<- TRUE
    }
    NULL # written as usual
  }
  problem <- tryCatch(
    {
      write_serialized(x, file, hook)
      NULL
    },
    error = conditionMessage
  )
  list(problem = problem, stray = stray)
}

write_serialized <- function(x, file, hook = NULL) {
  to <- file(file, "wb")
  on.exit(close(to))
  serialize(x, to, xdr = FALSE, refhook = hook)
  invisible()
}

read_serialized <- function(file) {
  from <- gzfile(file, "rb") # reads plain files as well
  on.exit(close(from))
  unserialize(from)
}

compress <- function(file) {
  if (file.size(file) > most_compressed) {
    return(invisible())
  }
  from <- file(file, "rb")
  on.exit(close(from))
  to <- gzfile(paste0(file, ".gz"), "wb", compression = 1)
  on.exit(close(to), add = TRUE)
  while (length(bytes <- readBin(from, "raw", 2^20))) {
    writeBin(bytes, to)
  }
  unlink(file)
  invisible()
}

# The pointers in an object.
pointers_in <- function(x) {
  found <- list(attr(x, ".internal.selfref", exact = TRUE))
  hook <- function(reference) {
    if (typeof(reference) == "externalptr") {
      found[[length(found) + 1L]] <<- reference
    }
    NULL
  }
  # What can't be written is found out, and reported, when it is written.
  tryCatch(write_serialized(x, nullfile(), hook), error = function(error) NULL)
  Filter(Negate(is.null), found)
}

is_allowed <- function(pointer, allowed) {
  for (known in allowed) {
    if (identical(pointer, known)) {
      return(TRUE)
    }
  }
  identical(pointer, null_pointer)
}
