#' People and groups at the hub
#'
#' `hub_users()` lists everybody and `hub_groups()` all groups; `hub_group()` says who
#' is in one. `hub_group_add()` adds a group, `hub_group_join()` puts people who are
#' here already into one, and `hub_group_set_members()` says who is in it from now on.
#'
#' They are for administrators. Instructors of a group see it with `hub_group()`, and
#' add people with `hub_group_join()` where the hub's setting `instructors_add` says so.
#' The hub says so in a sentence where you may not. Which groups you are in yourself
#' says [hub_me()].
#'
#' Address and token are found as [hub_sessions()] says; the token has the scope
#' `users`, and for those that only look `read` is enough.
#'
#' @inheritParams hub_sessions
#' @param name The group's name.
#' @param members Who is in it, by their names, and nobody else.
#' @param people Who comes into it, by their names; whoever is in it stays.
#' @return A data frame. Of `hub_users()` a row for each person: `name`, `full_name`,
#'   `email`, `admin`, `groups`, `created`, `last_seen` and `disabled` (since when they
#'   may not sign in). Of `hub_groups()`, `hub_group_add()` and
#'   `hub_group_set_members()` a row for each group: `name`, `members`, `instructors`
#'   and `instructors_view` (whether these look into the others' sessions). Of
#'   `hub_group()` and `hub_group_join()` a row for each person in it: `name`,
#'   `full_name`, `email`, `instructor`, `last_seen`, `disabled` and `hand_ins` (how many
#'   times they handed in work that is still here).
#' @examples
#' if (interactive() && nzchar(Sys.getenv("RSPARKHUB_TOKEN"))) {
#'   hub_users()
#'   hub_group_add("stat101", c("ada", "bob"))
#'   hub_group_join("stat101", "carla")
#'   there <- hub_group("stat101")
#'   hub_group_set_members("stat101", setdiff(there$name, "bob")) # takes bob out
#'   hub_groups()
#' }
#' @name hub_users
NULL

#' @rdname hub_users
#' @export
hub_users <- function(url = NULL, token = NULL) {
  hub_frame(hub_ask(url, token, "GET", "/users")$users, list(
    name = hub_words("name"),
    full_name = hub_words("full_name"),
    email = hub_words("email"),
    admin = hub_flag("admin"),
    groups = hub_several("groups"),
    created = hub_time("created"),
    last_seen = hub_time("last_seen"),
    disabled = hub_time("disabled")
  ))
}

#' @rdname hub_users
#' @export
hub_groups <- function(url = NULL, token = NULL) {
  hub_groups_frame(hub_ask(url, token, "GET", "/groups")$groups)
}

#' @rdname hub_users
#' @export
hub_group <- function(name, url = NULL, token = NULL) {
  check_name(name, "name")
  hub_people_frame(hub_ask(url, token, "GET", course_path(name))$people)
}

#' @rdname hub_users
#' @export
hub_group_add <- function(name, members = character(), url = NULL, token = NULL) {
  check_name(name, "name")
  body <- list(name = name, members = hub_list(members, "members"))
  hub_groups_frame(list(hub_ask(url, token, "POST", "/groups", body = body)))
}

#' @rdname hub_users
#' @export
hub_group_join <- function(name, people, url = NULL, token = NULL) {
  check_name(name, "name")
  body <- list(people = hub_list(people, "people"))
  hub_people_frame(hub_ask(url, token, "POST", course_path(name, "/people"), body = body)$people)
}

#' @rdname hub_users
#' @export
hub_group_set_members <- function(name, members, url = NULL, token = NULL) {
  check_name(name, "name")
  body <- list(members = hub_list(members, "members"))
  hub_groups_frame(list(hub_ask(url, token, "PUT", course_path(name), body = body)))
}

# Return names as a list, which is one in what is sent also where there is one name, or none.
hub_list <- function(names, argument) {
  if (!is.character(names) || anyNA(names) || !all(nzchar(names))) {
    problem("`", argument, "` takes names in quotes, such as c(\"ada\", \"bob\").")
  }
  as.list(unname(names))
}

hub_groups_frame <- function(entries) {
  hub_frame(entries, list(
    name = hub_words("name"),
    members = hub_several("members"),
    instructors = hub_several("instructors"),
    instructors_view = hub_flag("instructors_view")
  ))
}

hub_people_frame <- function(entries) {
  hub_frame(entries, list(
    name = hub_words("name"),
    full_name = hub_words("full_name"),
    email = hub_words("email"),
    instructor = hub_flag("instructor"),
    last_seen = hub_time("last_seen"),
    disabled = hub_time("disabled"),
    hand_ins = hub_number("hand_ins")
  ))
}
