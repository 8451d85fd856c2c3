#' The data of a course
#'
#' `hub_course_data()` lists what your courses give you, `hub_give()` puts a file among
#' the data of a course, and `hub_take_away()` takes one away from it.
#'
#' Everybody in the course has its data in `~/courses/NAME/data`, to be read; a session
#' looks for what is new every two minutes. To give and to take away are for the
#' course's instructors.
#'
#' Administrators see, give and take away in each course that they name.
#'
#' Inside a session `hub_course_data()` needs no token. Elsewhere address and token are
#' found as [hub_sessions()] says; the scope `sessions` is enough for it, and the others
#' need the scope `users`.
#'
#' @inheritParams hub_sessions
#' @param course The name of the course; `hub_course_data()` lists that of all your
#'   courses by default.
#' @param file The file that you give; for `hub_take_away()` its id, or a row of what
#'   `hub_course_data()` returns.
#' @param path Where it lies below `data`, in the place of what had this path; by default
#'   the file's name.
#' @return A data frame with a row for each file: `course`, `id`, `path` and `size` in
#'   bytes. `hub_take_away()` returns nothing.
#' @examples
#' if (interactive()) {
#'   hub_course_data()
#'   hub_give("stat101", "flights.csv", path = "week1/flights.csv")
#'   given <- hub_course_data("stat101")
#'   hub_take_away("stat101", given[given$path == "week1/flights.csv", ])
#' }
#' @seealso [hand_in()], by which students hand in work.
#' @name hub_course_data
NULL

#' @rdname hub_course_data
#' @export
hub_course_data <- function(course = NULL, url = NULL, token = NULL) {
  check_name(course, "course", or_null = TRUE)
  found <- hub_ask(url, token, "GET", "/courses", own = TRUE)$courses
  if (!is.null(course)) {
    found <- Filter(function(entry) entry$group == course, found)
    # One that has nothing isn't listed, and neither is one that an administrator isn't in.
    if (!length(found) && !(course %in% unlist(hub_ask(url, token, "GET", "/me", own = TRUE)$groups))) {
      found <- list(list(group = course, data = hub_ask(url, token, "GET", course_path(course, "/data"))$data))
    }
  }
  files <- lapply(found, function(entry) lapply(entry$data, function(file) c(file, course = entry$group)))
  hub_data_frame(do.call(c, files))
}

#' @rdname hub_course_data
#' @export
hub_give <- function(course, file, path = NULL, url = NULL, token = NULL) {
  check_name(course, "course")
  check_name(file, "file")
  check_name(path, "path", or_null = TRUE)
  place <- path.expand(file)
  if (!file.exists(place)) {
    problem("There is no file ", file, " to be given. The working folder is ", getwd(), ".")
  }
  if (dir.exists(place)) {
    problem(file, " is a folder. Give its files one by one, each with its `path`.")
  }
  said <- if (is.null(path)) basename(place) else path
  given <- hub_ask(url, token, "PUT", course_path(course, "/data"), list(path = said), file = place)
  hub_data_frame(list(c(given, course = course)))
}

#' @rdname hub_course_data
#' @export
hub_take_away <- function(course, file, url = NULL, token = NULL) {
  check_name(course, "course")
  id <- hub_id(file, "file", "hub_course_data()")
  hub_ask(url, token, "DELETE", course_path(course, "/data/", hub_element("file", id)))
  invisible(NULL)
}

hub_data_frame <- function(entries) {
  hub_frame(entries, list(
    course = hub_words("course"),
    id = hub_words("id"),
    path = hub_words("path"),
    size = hub_number("size")
  ))
}
