#' Share a session at the hub
#'
#' `hub_share()` lets a person, or everybody in a group, into a session of yours;
#' `hub_shares()` lists whom it lets in, and `hub_unshare()` takes a share away: what
#' they have open ends. `hub_shared()` lists the sessions that others share with you.
#'
#' Whoever is let in already gets the new role and the new end. An editor runs code
#' as you do, with your files. Address and token are found as [hub_sessions()] says;
#' the scope `sessions` is enough, and `read` for the two that only look.
#'
#' @inheritParams hub_sessions
#' @param name Whom to let in: a person, or with `kind = "group"` everybody in a
#'   group that you are in. The group `"everyone"` is everybody.
#' @param kind Whether `name` is a person's or a group's.
#' @param role `"viewer"` looks at what the interface shows; `"editor"` works in it
#'   as you do.
#' @param expires When it ends by itself, as a time; by default when you take it away.
#' @param share A share's id, or a row of what `hub_shares()` returns.
#' @return A data frame. Of `hub_share()` and `hub_shares()` a row for each share:
#'   `id`, `kind`, `name`, `role`, `created` and `expires`. Of `hub_shared()` a row for
#'   each session, as [hub_sessions()] has them, with your `role` and when that
#'   `expires`. `hub_unshare()` returns nothing.
#' @examples
#' if (interactive() && nzchar(Sys.getenv("RSPARKHUB_TOKEN"))) {
#'   session <- hub_start("rspark", wait = TRUE)
#'   hub_share(session, "bob", role = "editor", expires = Sys.time() + 3600)
#'   hub_share(session, "stat101", kind = "group")
#'   shares <- hub_shares(session)
#'   hub_unshare(session, shares[shares$name == "bob", ])
#'   hub_shared()
#' }
#' @name hub_share
NULL

#' @rdname hub_share
#' @export
hub_share <- function(session, name, kind = c("person", "group"), role = c("viewer", "editor"), expires = NULL,
                      url = NULL, token = NULL) {
  check_name(name, "name")
  body <- list(
    kind = one_of(kind, c("person", "group"), "kind"), name = name, role = one_of(role, c("viewer", "editor"), "role")
  )
  body$expires <- hub_moment(expires, "expires")
  hub_shares_frame(list(hub_of_session(session, "POST", "/shares", body = body, url = url, token = token)))
}

#' @rdname hub_share
#' @export
hub_shares <- function(session, url = NULL, token = NULL) {
  hub_shares_frame(hub_of_session(session, "GET", "/shares", url = url, token = token)$shares)
}

#' @rdname hub_share
#' @export
hub_unshare <- function(session, share, url = NULL, token = NULL) {
  id <- hub_id(share, "share", "hub_shares()")
  hub_of_session(session, "DELETE", paste0("/shares/", hub_element("share", id)), url = url, token = token)
  invisible(NULL)
}

#' @rdname hub_share
#' @export
hub_shared <- function(url = NULL, token = NULL) {
  found <- hub_ask(url, token, "GET", "/shared-sessions")$sessions
  shares <- hub_frame(found, list(role = hub_words("role"), expires = hub_time("expires")))
  cbind(hub_sessions_frame(url, lapply(found, function(entry) entry$session)), shares)
}

# Return a time as the hub reads it; NULL stays NULL. A date is none: it doesn't say where, or at which hour.
hub_moment <- function(time, argument) {
  if (is.null(time)) {
    return(NULL)
  }
  if (!inherits(time, "POSIXt") || length(time) != 1 || !is.finite(as.numeric(as.POSIXct(time)))) {
    problem("`", argument, "` takes a time, such as Sys.time() + 3600 or as.POSIXct(\"2026-12-05 18:00\").")
  }
  format(as.POSIXct(time), "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")
}

hub_shares_frame <- function(entries) {
  hub_frame(entries, list(
    id = hub_words("id"),
    kind = hub_words("kind"),
    name = hub_words("name"),
    role = hub_words("role"),
    created = hub_time("created"),
    expires = hub_time("expires")
  ))
}
