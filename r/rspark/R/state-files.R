# The files of the temporary folder, which ends with the process. Variables hold their paths, so they come back where they were.

most_in_files <- 64 * 2^20

# Copy them into the folder of the workspace, small ones first, and name those for which there is no room.
capture_files <- function(save) {
  root <- tempdir()
  names <- list.files(root, recursive = TRUE, all.files = TRUE, no.. = TRUE)
  names <- grep("^(downloaded_packages/|libloc_|Rhttp|rs-graph-)", names, value = TRUE, invert = TRUE)
  sizes <- file.size(file.path(root, names))
  names <- names[order(sizes)]
  sizes <- sort(sizes)
  fits <- cumsum(sizes) <= most_in_files
  for (i in which(!fits)) {
    lose(save, file.path(root, names[[i]]), "temporary file", "It is too large to be kept. Write it into your home.", sizes[[i]])
  }
  copied <- Filter(function(name) copy_file_to(file.path(root, name), file.path(save$dir, "files", name)), names[fits])
  for (name in setdiff(names[fits], copied)) lose(save, file.path(root, name), "temporary file", no_room, failed = TRUE)
  if (length(copied)) list(root = root, names = copied)
}

copy_file_to <- function(from, to) {
  dir.create(dirname(to), recursive = TRUE, showWarnings = FALSE)
  file.copy(from, to, overwrite = FALSE, copy.date = TRUE) && identical(file.size(from), file.size(to))
}

restore_files <- function(value, reader) {
  if (!dir.exists(value$root)) {
    dir.create(value$root, recursive = TRUE, mode = "0700")
    owner <- new.env()
    owner$root <- value$root
    reg.finalizer(owner, function(owner) unlink(owner$root, recursive = TRUE), onexit = TRUE)
    workspace$former_files <- owner
  }
  lost <- list()
  for (name in value$names) {
    to <- file.path(value$root, name)
    if (!file.exists(to) && !copy_file_to(file.path(reader$folder, "files", name), to)) {
      lost <- c(lost, list(lost_entry(to, "temporary file", "It can't be written.")))
    }
  }
  lost
}
