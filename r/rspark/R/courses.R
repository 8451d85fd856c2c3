#' Hand in work to a course
#'
#' `hand_in()` hands in a file or a folder to a course; `hand_ins()` lists what
#' you handed in, and `hand_ins_returned()` saves what an instructor gave back on
#' it; `hub_courses()` lists the courses that take work of yours, or have
#' something for you.
#'
#' Each hand-in is kept with its time beside those before, whole or not at all:
#' nothing is overwritten. Only you and the course's instructors read it. A folder
#' is handed in as one `.tar.gz` file.
#'
#' What the course gives you is in `~/courses/NAME/data`, to be read; a session
#' looks for what is new every two minutes.
#'
#' Inside a session no token is needed. Elsewhere address and token are found as
#' [hub_sessions()] says; the scope `sessions` is enough.
#'
#' @inheritParams hub_sessions
#' @param file The file or the folder that you hand in.
#' @param course The name of the course; not needed where you are in one only.
#' @param to The folder into which it is saved; by default `~/courses/NAME/returned`.
#' @return A data frame. Of `hand_in()`, invisibly, and `hand_ins()` a row for each
#'   hand-in: `id`, `file`, `size` in bytes, `at`, `due` (until when work was due
#'   then), `late`, `assignment` (for which it came, where that has a due time of its
#'   own), `sha256` and `returned` (what came back). Of `hub_courses()` a row for
#'   each course: `course`, `instructor`, `open` (whether it takes work), `due` and `data`
#'   (how many files it gives). Times are in UTC, which `format(at, tz = "")` shows as this
#'   computer's clock has them.
#'   `hand_ins_returned()` returns the paths of what it saved.
#' @examples
#' if (interactive()) {
#'   hub_courses()
#'   hand_in("lab1.Rmd", course = "stat101")
#'   hand_ins("stat101")
#'   hand_ins_returned("stat101")
#' }
#' @name hand_in
NULL

#' @rdname hand_in
#' @export
hand_in <- function(file, course = NULL, url = NULL, token = NULL) {
  check_name(file, "file")
  path <- path.expand(file)
  if (!file.exists(path)) {
    problem("There is no file ", file, " to be handed in. The working folder is ", getwd(), ".")
  }
  name <- course_of(course, url, token, open = TRUE)
  said <- name_of(path)
  path <- normalizePath(path)
  if (dir.exists(path)) {
    packed <- tempfile(fileext = ".tar.gz")
    on.exit(unlink(packed))
    pack_folder(path, packed)
    said <- paste0(said, ".tar.gz")
    path <- packed
  }
  done <- hub_ask(url, token, "POST", course_path(name, "/hand-ins"), list(file = said), file = path, own = TRUE)
  frame <- hand_ins_frame(list(done))
  message(said, " is handed in to ", name, for_what(frame), ".")
  invisible(frame)
}

#' @rdname hand_in
#' @export
hand_ins <- function(course = NULL, url = NULL, token = NULL) {
  name <- course_of(course, url, token)
  hand_ins_frame(hub_ask(url, token, "GET", course_path(name, "/my-hand-ins"), own = TRUE)$hand_ins)
}

#' @rdname hand_in
#' @export
hand_ins_returned <- function(course = NULL, to = NULL, url = NULL, token = NULL) {
  check_name(to, "to", or_null = TRUE)
  name <- course_of(course, url, token)
  folder <- path.expand(if (is.null(to)) file.path("~", "courses", name, "returned") else to)
  dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  saved <- character()
  for (entry in hub_ask(url, token, "GET", course_path(name, "/my-hand-ins"), own = TRUE)$hand_ins) {
    for (back in entry$returned) {
      place <- file.path(folder, paste0(back$id, "-", basename(back$file)))
      if (!file.exists(place)) {
        aside <- paste0(place, ".part")
        writeBin(hub_ask(url, token, "GET", course_path(name, "/returned/", back$id), as = "raw", own = TRUE), aside)
        file.rename(aside, place)
      }
      saved <- c(saved, place)
    }
  }
  saved
}

#' @rdname hand_in
#' @export
hub_courses <- function(url = NULL, token = NULL) {
  hub_frame(hub_ask(url, token, "GET", "/courses", own = TRUE)$courses, list(
    course = hub_words("group"),
    instructor = hub_flag("instructor"),
    open = hub_flag("course_folder"),
    due = hub_time("due"),
    data = function(entry) length(entry$data)
  ))
}

# Return the name of the course that is meant: the only one, where none is named; with `open`, the only one that takes work.
course_of <- function(course, url, token, open = FALSE) {
  check_name(course, "course", or_null = TRUE)
  if (!is.null(course)) {
    return(course)
  }
  courses <- hub_courses(url, token)
  found <- courses$course[!open | !(courses$open %in% FALSE)] # a hub of a version before says nothing of it
  if (length(found) == 1) {
    return(found)
  }
  if (length(found)) {
    problem("Say which course: `course = \"", found[[1]], "\"`. You are in ", paste(found, collapse = ", "), ".")
  }
  if (open) problem("You are in no course that takes work now. Ask its instructor, who opens the course folder.")
  problem("You are in no course that has something for you. Say which one you mean: `course = \"stat101\"`.")
}

# Return for which assignment something was handed in, and until when it was due, as this computer's clock has it.
for_what <- function(frame) {
  of <- if (!is.na(frame$assignment)) paste0(" for ", frame$assignment)
  until <- if (!is.na(frame$due)) {
    paste0(if (frame$late) ", late: it was due " else ", due ", format(frame$due, "%Y-%m-%d %H:%M %Z", tz = ""))
  }
  paste(c(of, until), collapse = "")
}

# Return what a file is called where it lies, also where that is a link to one of another name: its name says for which
# assignment it is.
name_of <- function(path) {
  if (basename(path) %in% c(".", "..")) basename(normalizePath(path)) else basename(path)
}

course_path <- function(course, ...) paste0("/groups/", hub_element("group", course), ...)

# Write a folder into a file, by its own name.
pack_folder <- function(folder, packed) {
  before <- setwd(dirname(folder))
  on.exit(setwd(before))
  utils::tar(packed, basename(folder), compression = "gzip", tar = "internal")
}

hand_ins_frame <- function(entries) {
  hub_frame(entries, list(
    id = hub_words("id"),
    file = hub_words("file"),
    size = hub_number("size"),
    at = hub_time("at"),
    due = hub_time("due"),
    late = hub_flag("late"),
    assignment = hub_words("assignment"),
    sha256 = hub_words("sha256"),
    returned = function(entry) paste(vapply(entry$returned, function(back) back$file, ""), collapse = ", ")
  ))
}
