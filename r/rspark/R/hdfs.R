#' Files in HDFS
#'
#' HDFS, Hadoop's file system, holds files that R, Spark and `hdfs dfs` in a
#' terminal share, also those that are larger than one machine's memory. Each
#' person has a home there, `/user/<name>`, that nobody else can read, with a
#' quota. A path that doesn't begin with a slash is in your home.
#'
#' These functions speak WebHDFS with the session's own token: no address and no
#' password is in your code, and no Java is started. Spark finds the same files
#' as `hdfs:///user/<name>/…`.
#'
#' What [hdfs_rm()] deletes goes to the trash in your home, where it stays a week
#' and counts towards your quota; `trash = FALSE` deletes it at once.
#'
#' @param path A path in HDFS.
#' @param from,to What is copied, and where to: [hdfs_put()] copies from the
#'   session into HDFS, [hdfs_get()] from HDFS into the session.
#' @param overwrite Whether a file that is there already is replaced.
#' @param recursive Whether a folder is deleted with all that is in it.
#' @param trash Whether what is deleted is kept in the trash for a week.
#' @param n How many lines are read; all of them by default.
#' @return `hdfs_ls()` returns a data frame with a row for each file: `name`,
#'   `type`, `size` in bytes, `owner`, `permissions` and `modified`.
#'   `hdfs_read_lines()` returns the lines of a text file. `hdfs_df()` returns a
#'   data frame with one row: `path`, and in bytes what is `used`, the `quota`
#'   (`NA` where there is none) and what is `free` of it; then the number of
#'   `files`. The others return the path in HDFS, or in the session for
#'   `hdfs_get()`, invisibly.
#' @examples
#' if (nzchar(Sys.getenv("RSPARK_HDFS"))) {
#'   file <- tempfile(fileext = ".csv")
#'   write.csv(mtcars, file, row.names = FALSE)
#'   hdfs_put(file, "mtcars.csv", overwrite = TRUE)
#'   hdfs_ls()
#'   hdfs_read_lines("mtcars.csv", n = 2)
#'   hdfs_rm("mtcars.csv")
#'   hdfs_df()
#' }
#' @name hdfs
NULL

#' @rdname hdfs
#' @export
hdfs_ls <- function(path = "") {
  found <- hdfs_ask("GET", path, "LISTSTATUS")$FileStatuses$FileStatus
  if (!length(found)) {
    found <- list()
  }
  text <- function(field) vapply(found, function(file) as.character(file[[field]]), "")
  number <- function(field) vapply(found, function(file) as.numeric(file[[field]]), 0)
  names <- text("pathSuffix")
  data.frame(
    # The name of a file that was itself asked for is not said.
    name = ifelse(nzchar(names), names, basename(hdfs_path(path))),
    type = c(FILE = "file", DIRECTORY = "folder")[text("type")],
    size = number("length"),
    owner = text("owner"),
    permissions = text("permission"),
    modified = as.POSIXct(number("modificationTime") / 1000, origin = "1970-01-01"),
    row.names = NULL
  )
}

#' @rdname hdfs
#' @export
hdfs_put <- function(from, to = basename(from), overwrite = FALSE) {
  check_name(from, "from")
  if (!file.exists(from) || dir.exists(from)) {
    problem("There is no file \"", from, "\" in this session.")
  }
  check_name(to, "to")
  if (grepl("/$", to)) {
    to <- paste0(to, basename(from))
  }
  options <- list(overwrite = hdfs_flag(overwrite, "overwrite"), permission = hdfs_modes[["file"]])
  where <- hdfs_send("PUT", to, "CREATE", options)
  location <- hdfs_location(where)
  handle <- hdfs_handle()
  size <- file.size(from)
  connection <- file(from, "rb")
  on.exit(close(connection))
  curl::handle_setopt(handle,
    upload = TRUE, infilesize_large = size, customrequest = "PUT",
    readfunction = function(bytes, ...) readBin(connection, raw(), bytes)
  )
  hdfs_check(hdfs_fetch(location, handle), to)
  invisible(hdfs_path(to))
}

#' @rdname hdfs
#' @export
hdfs_get <- function(from, to = basename(from), overwrite = FALSE) {
  check_name(from, "from")
  check_name(to, "to")
  if (dir.exists(to)) {
    to <- file.path(to, basename(from))
  }
  if (file.exists(to) && !isTRUE(overwrite)) {
    problem("The file \"", to, "\" is there already. `overwrite = TRUE` replaces it.")
  }
  location <- hdfs_location(hdfs_send("GET", from, "OPEN"))
  partial <- paste0(to, ".part")
  on.exit(unlink(partial))
  answer <- hdfs_fetch(location, hdfs_handle(), partial)
  if (answer$status_code >= 400) {
    answer$content <- readBin(partial, raw(), 65536)
  }
  hdfs_check(answer, from)
  if (!file.rename(partial, to)) {
    problem("The file \"", to, "\" can't be written.")
  }
  invisible(to)
}

#' @rdname hdfs
#' @export
hdfs_read_lines <- function(path, n = -1L) {
  file <- tempfile()
  on.exit(unlink(file))
  hdfs_get(path, file)
  readLines(file, n = n, warn = FALSE)
}

#' @rdname hdfs
#' @export
hdfs_cat <- function(path) {
  writeLines(hdfs_read_lines(path))
  invisible(hdfs_path(path))
}

#' @rdname hdfs
#' @export
hdfs_mkdir <- function(path) {
  hdfs_ask("PUT", path, "MKDIRS", list(permission = hdfs_modes[["folder"]]))
  invisible(hdfs_path(path))
}

#' @rdname hdfs
#' @export
hdfs_rm <- function(path, recursive = FALSE, trash = TRUE) {
  check_name(path, "path")
  absolute <- hdfs_path(path)
  status <- hdfs_ask("GET", path, "GETFILESTATUS")$FileStatus
  if (status$type == "DIRECTORY" && hdfs_flag(recursive, "recursive") == "false") {
    problem("\"", path, "\" is a folder in HDFS. `recursive = TRUE` deletes it with all that is in it.")
  }
  bin <- paste0(hdfs_access()$home, "/.Trash")
  inside <- identical(absolute, bin) || startsWith(absolute, paste0(bin, "/"))
  if (hdfs_flag(trash, "trash") == "false" || inside) {
    hdfs_ask("DELETE", path, "DELETE", list(recursive = "true"))
    return(invisible(absolute))
  }
  kept <- paste0(bin, "/Current", absolute)
  hdfs_ask("PUT", dirname(kept), "MKDIRS", list(permission = hdfs_modes[["folder"]]))
  if (!isTRUE(hdfs_ask("PUT", path, "RENAME", list(destination = kept))$boolean)) {
    kept <- paste0(kept, format(Sys.time(), "%Y%m%d%H%M%OS3"))
    if (!isTRUE(hdfs_ask("PUT", path, "RENAME", list(destination = kept))$boolean)) {
      problem("\"", path, "\" could not be moved to the trash. `trash = FALSE` deletes it at once.")
    }
  }
  invisible(absolute)
}

#' @rdname hdfs
#' @export
hdfs_df <- function(path = "") {
  found <- hdfs_ask("GET", path, "GETCONTENTSUMMARY")$ContentSummary
  quota <- if (found$spaceQuota < 0) NA_real_ else as.numeric(found$spaceQuota)
  used <- as.numeric(found$spaceConsumed)
  data.frame(path = hdfs_path(path), used = used, quota = quota, free = pmax(quota - used, 0), files = as.numeric(found$fileCount))
}

# A home is closed to others by itself; in a group's folder its members change what is made there.
hdfs_modes <- c(file = "660", folder = "770")

# Return where WebHDFS is, and the files with the token and the certificate.
hdfs_access <- function() {
  file <- setting("RSPARK_HDFS")
  if (is.null(file) || !file.exists(file)) {
    problem("This R session has no HDFS. Start an environment that has it.")
  }
  jsonlite::fromJSON(file)
}

# Return a path from the root.
hdfs_path <- function(path) {
  if (!is.character(path) || length(path) != 1 || is.na(path)) {
    problem("`path` takes one path in quotes, such as \"data/flights.csv\".")
  }
  path <- sub("^hdfs://[^/]*", "", path)
  if (!startsWith(path, "/")) {
    path <- paste0(hdfs_access()$home, "/", path)
  }
  parts <- strsplit(path, "/+")[[1]]
  parts <- parts[nzchar(parts) & parts != "."]
  if (any(parts == "..")) {
    problem("A path in HDFS has no \"..\" in it.")
  }
  paste0("/", paste(parts, collapse = "/"))
}

hdfs_flag <- function(value, argument) {
  if (!isTRUE(value) && !identical(value, FALSE)) {
    problem("`", argument, "` takes TRUE or FALSE.")
  }
  if (value) "true" else "false"
}

hdfs_handle <- function() {
  access <- hdfs_access()
  # A proxy is for what is outside of this machine.
  curl::new_handle(cainfo = access$certificate, followlocation = FALSE, noproxy = "*", connecttimeout = 10)
}

# Send a request without a body; return the answer, which may be a redirect.
hdfs_send <- function(method, path, operation, options = list()) {
  access <- hdfs_access()
  options <- c(list(op = operation), options, list(delegation = readLines(access$token, n = 1L, warn = FALSE)))
  query <- paste0(names(options), "=", vapply(options, curl::curl_escape, ""), collapse = "&")
  segments <- vapply(strsplit(hdfs_path(path), "/")[[1]], curl::curl_escape, "")
  url <- paste0(access$url, if (length(segments)) paste(segments, collapse = "/") else "/", "?", query)
  handle <- hdfs_handle()
  curl::handle_setopt(handle, customrequest = method)
  answer <- hdfs_fetch(url, handle)
  hdfs_check(answer, path)
  answer
}

# Send a request; return the JSON of the answer as lists.
hdfs_ask <- function(method, path, operation, options = list()) {
  text <- rawToChar(hdfs_send(method, path, operation, options)$content)
  if (nzchar(text)) jsonlite::fromJSON(text, simplifyVector = FALSE) else list()
}

hdfs_location <- function(answer) {
  location <- curl::parse_headers_list(answer$headers)$location
  if (is.null(location)) {
    problem("HDFS answers what can't be understood (", answer$status_code, "). Try again in a moment.")
  }
  location
}

# Send a request, of which the content goes to a file where one is named.
hdfs_fetch <- function(url, handle, file = NULL) {
  tryCatch(
    if (is.null(file)) curl::curl_fetch_memory(url, handle) else curl::curl_fetch_disk(url, file, handle),
    error = function(error) {
      problem("HDFS does not answer. Try again in a moment; if it stays so, tell the administrator of this hub. (", hdfs_without_token(conditionMessage(error)), ")")
    }
  )
}

hdfs_without_token <- function(text) {
  gsub("delegation=[^& ]*", "delegation=\u2026", text)
}

# Stop with a sentence where the answer is a refusal.
hdfs_check <- function(answer, path) {
  if (answer$status_code < 400) {
    return(invisible())
  }
  text <- rawToChar(answer$content[answer$content != 0])
  found <- tryCatch(jsonlite::fromJSON(text)$RemoteException, error = function(error) NULL)
  kind <- if (is.null(found$exception)) "" else found$exception
  message <- if (is.null(found$message)) paste0("it answered ", answer$status_code) else found$message
  problem(hdfs_refusal(kind, sub("\n.*", "", message), path, answer$status_code))
}

# Return what a person can do about what HDFS refuses.
hdfs_refusal <- function(kind, message, path, status) {
  named <- paste0("\"", path, "\"")
  if (grepl("QuotaExceeded", kind)) {
    return(paste0(
      "There is no room for ", named, ": your home in HDFS would hold more than its quota. hdfs_df() says how much it holds; ",
      "the trash counts too, and a file that is being written counts as whole blocks of 64 MiB."
    ))
  }
  if (grepl("could only be written to 0 of|No space left|Not enough free space|could not be placed", message)) {
    return("The disk of HDFS is full. Your files are kept. Ask the administrator of this hub to make room; then try again.")
  }
  if (grepl("SafeMode|safe mode", paste(kind, message))) {
    return(paste0(
      "HDFS is in safe mode: files can be read, and not written. After a restart that takes some seconds; ",
      "if it stays so, its disk is full: tell the administrator of this hub."
    ))
  }
  if (kind == "AccessControlException") {
    return(paste0("You may not do that with ", named, " in HDFS: it is someone else's."))
  }
  if (kind == "FileAlreadyExistsException") {
    return(paste0(named, " is there already in HDFS. `overwrite = TRUE` replaces a file."))
  }
  if (kind == "FileNotFoundException") {
    return(paste0("There is no ", named, " in HDFS. hdfs_ls() names what is in your home."))
  }
  if (kind %in% c("InvalidToken", "SecretManager$InvalidToken") || status == 401 || grepl("token .*(expired|can't be found)", message)) {
    return("This session's access to HDFS has ended. Put the session to sleep and resume it, which makes it anew.")
  }
  paste0("HDFS refuses that for ", named, ": ", message)
}
