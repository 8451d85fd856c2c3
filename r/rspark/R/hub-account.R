#' You, environments, usage and tokens at the hub
#'
#' `hub_me()` says who you are at the hub, and what your token may do;
#' `hub_environments()` what you may start; `hub_usage()` how long your sessions
#' ran; `hub_tokens()` lists your tokens, `hub_token_create()` makes one and
#' returns it this once, and `hub_token_remove()` ends one.
#'
#' Address and token are found as [hub_sessions()] says.
#'
#' @inheritParams hub_sessions
#' @param name What the token is for.
#' @param scopes What it may do: some of `"read"`, `"sessions"`, `"users"`, `"tokens"`,
#'   or `"all"`. A token makes none that may do more than itself.
#' @param days How many days it works; the hub's setting by default.
#' @param id The token's id.
#' @return A data frame: of `hub_me()` one row of `name`, `admin`, `groups`,
#'   `sessions` (how many you may have), `scopes` and `version`; of
#'   `hub_environments()` `name`, `title`, `description`, `interface`, `services`,
#'   `expected_start` in seconds and `unavailable` (why it can't be started); of
#'   `hub_usage()` a row for each session with `hours`; of `hub_tokens()` `id`,
#'   `name`, `scopes`, `created`, `expires` and `last_used`. `hub_token_create()`
#'   returns the token, and `hub_token_remove()` nothing.
#' @examples
#' if (nzchar(Sys.getenv("RSPARKHUB_TOKEN"))) {
#'   hub_me()
#'   hub_environments()
#' }
#' @name hub_me
NULL

#' @rdname hub_me
#' @export
hub_me <- function(url = NULL, token = NULL) {
  hub_frame(list(hub_ask(url, token, "GET", "/me")), list(
    name = hub_words("name"),
    admin = hub_flag("admin"),
    groups = hub_several("groups"),
    sessions = function(entry) hub_number("sessions")(entry$limits),
    scopes = hub_several("scopes"),
    version = hub_words("version")
  ))
}

#' @rdname hub_me
#' @export
hub_environments <- function(url = NULL, token = NULL) {
  hub_frame(hub_ask(url, token, "GET", "/environments")$environments, list(
    name = hub_words("name"),
    title = hub_words("title"),
    description = hub_words("description"),
    interface = hub_words("interface"),
    services = hub_several("services"),
    expected_start = hub_number("expected_start"),
    unavailable = hub_words("unavailable")
  ))
}

#' @rdname hub_me
#' @export
hub_usage <- function(everybody = FALSE, url = NULL, token = NULL) {
  hub_check_flag(everybody, "everybody")
  found <- hub_ask(url, token, "GET", "/usage", list(all = if (everybody) TRUE))$sessions
  hub_frame(found, list(
    session = hub_words("session"),
    environment = hub_words("environment"),
    owner = hub_words("owner"),
    starts = hub_number("starts"),
    hours = function(entry) hub_number("seconds")(entry) / 3600
  ))
}

#' @rdname hub_me
#' @export
hub_tokens <- function(url = NULL, token = NULL) {
  hub_frame(hub_ask(url, token, "GET", "/tokens")$tokens, list(
    id = hub_words("id"),
    name = hub_words("name"),
    scopes = hub_several("scopes"),
    created = hub_time("created"),
    expires = hub_time("expires"),
    last_used = hub_time("last_used")
  ))
}

#' @rdname hub_me
#' @export
hub_token_create <- function(name, scopes, days = NULL, url = NULL, token = NULL) {
  check_name(name, "name")
  if (!is.character(scopes) || !length(scopes)) {
    problem("`scopes` takes what the token may do, such as \"sessions\" or c(\"read\", \"tokens\").")
  }
  hub_ask(url, token, "POST", "/tokens", body = list(name = name, scopes = as.list(scopes), days = days))$token
}

#' @rdname hub_me
#' @export
hub_token_remove <- function(id, url = NULL, token = NULL) {
  check_name(id, "id")
  hub_ask(url, token, "DELETE", paste0("/tokens/", curl::curl_escape(id)))
  invisible(NULL)
}
