# The files of the temporary folder, which ends with the process. Variables hold their paths, so they come back where they were.

most_in_files <- 64 * 2^20

most_named_files <- 20

# Copy them into the folder of the workspace, small ones first, and name those for which there is no room. Pipes and sockets, which
# nobody can copy, are left.
capture_files <- function(save) {
  root <- tempdir()
  names <- list.files(root, recursive = TRUE, all.files = TRUE, no.. = TRUE)
  names <- grep("^(downloaded_packages/|libloc_|Rhttp|rs-graph-)", names, value = TRUE, invert = TRUE)
  names <- names[.Call(files_regular, path.expand(file.path(root, names)))]
  sizes <- file.size(file.path(root, names))
  names <- names[order(sizes)]
  sizes <- sort(sizes)
  fits <- cumsum(sizes) <= most_in_files
  lose_files(save, file.path(root, names[!fits]), sizes[!fits], "It is too large to be kept. Write it into your home.")
  names <- names[fits]
  copied <- copy_files(file.path(root, names), file.path(save$dir, "files", names))
  lose_files(save, file.path(root, names[!copied]), sizes[fits][!copied], no_room, failed = TRUE)
  if (any(copied)) list(root = root, names = names[copied])
}

# Name files that are lost: the largest of them, and how many others there are.
lose_files <- function(save, files, sizes, why, failed = FALSE) {
  named <- utils::head(rev(seq_along(files)), most_named_files)
  for (i in named) lose(save, files[[i]], "temporary file", why, sizes[[i]], failed = failed)
  if (others <- length(files) - length(named)) {
    size <- format(structure(sum(sizes[-named]), class = "object_size"), units = "auto")
    lose(save, tempdir(), "temporary files", sprintf("%d smaller files in it, %s, are lost, too.", others, size), failed = failed)
  }
}

# Copy files to where none are, all at once, as there may be thousands; return for each whether it is there as a whole.
copy_files <- function(from, to) {
  for (folder in unique(dirname(to))) dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  copied <- suppressWarnings(file.copy(from, to, overwrite = FALSE, copy.date = TRUE))
  copied & !is.na(file.size(to)) & file.size(from) == file.size(to)
}

restore_files <- function(value, reader) {
  if (!dir.exists(value$root)) {
    dir.create(value$root, recursive = TRUE, mode = "0700")
    owner <- new.env()
    owner$root <- value$root
    reg.finalizer(owner, function(owner) unlink(owner$root, recursive = TRUE), onexit = TRUE)
    workspace$former_files <- owner
  }
  to <- file.path(value$root, value$names)
  missing <- !file.exists(to)
  copied <- copy_files(file.path(reader$folder, "files", value$names[missing]), to[missing])
  lapply(to[missing][!copied], lost_entry, "temporary file", "It can't be written.")
}
