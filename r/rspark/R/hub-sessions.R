#' Sessions of the hub
#'
#' Start, look at and end sessions from R, as on the hub's page or with
#' `rsparkhub session` at the command line.
#'
#' `hub_start()` asks for a session of an environment, `hub_wait()` waits until
#' it is ready, `hub_sleep()` puts it to sleep with its work saved, `hub_wake()`
#' wakes it where it was left, `hub_extend()` puts its sleep off, `hub_stop()`
#' ends it without saving what is in memory, and `hub_delete()` removes it;
#' files in your home stay. `hub_open()` opens it in a browser.
#'
#' Where something computes, `hub_sleep()`, `hub_stop()` and `hub_delete()` stop
#' and say so, unless `confirm = TRUE`.
#'
#' @section Address and token:
#' The hub's address is `url`, or the variable `RSPARKHUB_URL`; inside a session
#' it is known. The token is `token`, or the variable `RSPARKHUB_TOKEN`. Make one
#' on the hub's page *Account*; the scope `sessions` is enough for all of these
#' functions, and `read` for those that only look. Keep it out of your scripts:
#' put it into `~/.Renviron`.
#'
#' Inside a session there is also the session's own token, which is taken where
#' there is no other, for the session's own hub alone. It reads that one session:
#' `hub_session()`, `hub_logs()` and [hub_me()] work by it, and nothing else does.
#'
#' @param environment The name of an environment; [hub_environments()] lists them.
#' @param name What the session is called; by default as the environment.
#' @param options A named list of the environment's options, such as
#'   `list(size = "large")`.
#' @param reuse Whether your session of this environment is taken where there is
#'   one, and woken.
#' @param wait Whether to return when it is ready, and not at once.
#' @param session A session's id, or a row of what these functions return.
#'   Inside a session, `hub_session()` and `hub_logs()` look at that one by default.
#' @param everybody Whether to list everybody's; for administrators.
#' @param owner List only this person's; for administrators.
#' @param state List only those in these states, such as `"running"`.
#' @param timeout How many seconds to wait at most.
#' @param hours By how many hours its sleep is put off, from now.
#' @param confirm Whether what computes in it is ended.
#' @param force Whether it sleeps also when something can't be kept.
#' @param service The part whose log is read; `hub_logs(service = NULL)` names those
#'   that there are.
#' @param lines How many lines, from the end; of the last 10 MiB at most.
#' @param url The hub's address.
#' @param token A token of yours.
#' @return A data frame with a row for each session: `id`, `name`, `environment`,
#'   `owner`, `state`, `reason`, `busy`, `memory` in bytes, `cpu` in cores,
#'   `created`, `ready`, `last_activity`, `sleeps` (when it goes to sleep by
#'   itself) and `url`. `hub_open()` returns the address, invisibly; `hub_logs()`
#'   lines of text; `hub_delete()` nothing.
#' @examples
#' if (interactive() && nzchar(Sys.getenv("RSPARKHUB_TOKEN"))) {
#'   hub_environments()
#'   session <- hub_start("rspark", wait = TRUE)
#'   hub_open(session)
#'   hub_sleep(session)
#'   hub_sessions(state = "suspended")
#'   hub_wake(session)
#'   hub_stop(session)
#' }
#' @name hub_sessions
NULL

#' @rdname hub_sessions
#' @export
hub_sessions <- function(everybody = FALSE, owner = NULL, state = NULL, url = NULL, token = NULL) {
  check_name(owner, "owner", or_null = TRUE)
  hub_check_flag(everybody, "everybody")
  states <- if (!is.null(state)) stats::setNames(as.list(state), rep("state", length(state)))
  found <- list()
  after <- NULL
  repeat {
    query <- c(list(all = if (everybody) TRUE, owner = owner, limit = 500L, after = after), states)
    page <- hub_ask(url, token, "GET", "/sessions", query)
    found <- c(found, page$sessions)
    after <- page[["next"]]
    if (is.null(after)) {
      return(hub_sessions_frame(url, found))
    }
  }
}

#' @rdname hub_sessions
#' @export
hub_session <- function(session = Sys.getenv("RSPARK_SESSION"), url = NULL, token = NULL) {
  hub_sessions_frame(url, list(hub_of_session(session, "GET", url = url, token = token)))
}

#' @rdname hub_sessions
#' @export
hub_start <- function(environment, name = NULL, options = list(), reuse = FALSE, wait = FALSE, timeout = 600,
                      url = NULL, token = NULL) {
  check_name(environment, "environment")
  check_name(name, "name", or_null = TRUE)
  hub_check_flag(reuse, "reuse")
  hub_check_flag(wait, "wait")
  if (!is.list(options) || length(options) && (is.null(names(options)) || !all(nzchar(names(options))))) {
    problem("`options` takes a named list, such as list(size = \"large\").")
  }
  body <- list(environment = environment, reuse = reuse)
  body$name <- name
  if (length(options)) {
    body$options <- options
  }
  started <- hub_ask(url, token, "POST", "/sessions", body = body)
  if (wait) hub_wait(started$id, timeout, url = url, token = token) else hub_sessions_frame(url, list(started))
}

#' @rdname hub_sessions
#' @export
hub_wait <- function(session, timeout = 600, url = NULL, token = NULL) {
  id <- hub_id(session)
  if (!is.numeric(timeout) || length(timeout) != 1 || is.na(timeout) || timeout <= 0) {
    problem("`timeout` takes a number of seconds, such as 600.")
  }
  now <- hub_of_session(id, "GET", url = url, token = token)
  until <- proc.time()[["elapsed"]] + timeout
  while (!hub_settled(now) && (left <- until - proc.time()[["elapsed"]]) > 0) {
    # The stream of its news ends when it is settled, and also where the hub ends, which may be there again in a moment.
    hub_of_session(id, "GET", "/events", url = url, token = token, patience = left, as = "text")
    seen <- hub_of_session(id, "GET", url = url, token = token, patience = 60)
    if (!is.null(seen)) now <- seen
    if (!hub_settled(now)) Sys.sleep(1)
  }
  if (!hub_settled(now)) {
    problem("The session ", now$name, " is ", now$state, " after ", timeout, " seconds. Wait on with hub_wait(\"", id, "\").")
  }
  if (now$state == "failed") {
    problem("The session ", now$name, " failed: ", sub("[.]?$", ".", now$reason), " hub_logs(\"", id, "\") says more.")
  }
  hub_sessions_frame(url, list(now))
}

# Return whether a session is where it stays until somebody asks for something else, as the hub says it by the end of its stream.
hub_settled <- function(entry) {
  wanted <- entry$wanted
  switch(entry$state,
    running = wanted == "running",
    suspended = !(wanted %in% c("stopped", "deleted")),
    stopped = ,
    failed = wanted != "deleted",
    FALSE
  )
}

#' @rdname hub_sessions
#' @export
hub_sleep <- function(session, confirm = FALSE, force = FALSE, url = NULL, token = NULL) {
  hub_check_flag(confirm, "confirm")
  hub_check_flag(force, "force")
  hub_change(session, "/suspend", list(confirm = confirm, force = force), url, token)
}

#' @rdname hub_sessions
#' @export
hub_wake <- function(session, wait = FALSE, timeout = 600, url = NULL, token = NULL) {
  hub_check_flag(wait, "wait")
  woken <- hub_change(session, "/resume", NULL, url, token)
  if (wait) hub_wait(woken, timeout, url = url, token = token) else woken
}

#' @rdname hub_sessions
#' @export
hub_extend <- function(session, hours = 2, url = NULL, token = NULL) {
  if (!is.numeric(hours) || length(hours) != 1 || is.na(hours) || hours <= 0) {
    problem("`hours` takes a number, such as 2.")
  }
  hub_change(session, "/extend", list(by = paste0(ceiling(hours * 60), "m")), url, token)
}

#' @rdname hub_sessions
#' @export
hub_stop <- function(session, confirm = FALSE, url = NULL, token = NULL) {
  hub_check_flag(confirm, "confirm")
  hub_change(session, "/stop", list(confirm = confirm), url, token)
}

#' @rdname hub_sessions
#' @export
hub_rename <- function(session, name, url = NULL, token = NULL) {
  check_name(name, "name")
  hub_sessions_frame(url, list(hub_of_session(session, "PATCH", body = list(name = name), url = url, token = token)))
}

#' @rdname hub_sessions
#' @export
hub_delete <- function(session, confirm = FALSE, url = NULL, token = NULL) {
  hub_check_flag(confirm, "confirm")
  hub_of_session(session, "DELETE", query = list(confirm = confirm), url = url, token = token)
  invisible(NULL)
}

#' @rdname hub_sessions
#' @export
hub_open <- function(session, url = NULL, token = NULL) {
  found <- hub_session(session, url = url, token = token)
  if (interactive()) {
    utils::browseURL(found$url)
  }
  invisible(found$url)
}

#' @rdname hub_sessions
#' @export
hub_logs <- function(session = Sys.getenv("RSPARK_SESSION"), service = "interface", lines = 100, url = NULL, token = NULL) {
  if (is.null(service)) {
    return(unlist(hub_of_session(session, "GET", "/logs", url = url, token = token)$services))
  }
  check_name(service, "service")
  if (!is.numeric(lines) || length(lines) != 1 || is.na(lines) || lines < 1) {
    problem("`lines` takes a number, such as 100.")
  }
  # The hub counts bytes: enough for lines of a thousand, and no more than it gives.
  query <- list(service = service, tail = sprintf("%.0f", min(10 * 2^20, max(2^16, 1000 * lines))))
  said <- hub_of_session(session, "GET", "/logs", query = query, as = "text", url = url, token = token)
  said <- iconv(said, "UTF-8", "UTF-8", sub = "byte") # it may begin within a letter
  utils::tail(strsplit(said, "\n", fixed = TRUE)[[1]], min(lines, .Machine$integer.max))
}

# Ask for something else of a session; return it as it is then.
hub_change <- function(session, path, body, url, token) {
  hub_sessions_frame(url, list(hub_of_session(session, "POST", path, body = body, url = url, token = token)))
}

hub_of_session <- function(session, method, path = "", ..., url, token) {
  id <- hub_id(session)
  hub_ask(url, token, method, paste0("/sessions/", hub_element("session", id), path), ...)
}

# Return the id of a session, or of something else that `lists` returns: it was given, or a row of a data frame that has it.
hub_id <- function(thing, argument = "session", lists = "hub_sessions()") {
  if (is.data.frame(thing) && "id" %in% names(thing)) {
    if (nrow(thing) != 1) {
      choose <- paste0("Choose one, such as ", argument, "s[1, ].")
      problem("`", argument, "` takes one ", argument, ", and there are ", nrow(thing), " rows. ", choose)
    }
    thing <- thing$id
  }
  if (identical(thing, "")) {
    problem("Name a ", argument, " by its id. ", lists, " lists them.")
  }
  check_name(thing, argument)
  thing
}

hub_check_flag <- function(value, argument) {
  if (!is.logical(value) || length(value) != 1 || is.na(value)) {
    problem("`", argument, "` takes TRUE or FALSE.")
  }
}

hub_sessions_frame <- function(url, entries) {
  force(entries)
  base <- hub_url(url)
  hub_frame(entries, list(
    id = hub_words("id"),
    name = hub_words("name"),
    environment = hub_words("environment"),
    owner = hub_words("owner"),
    state = hub_words("state"),
    reason = hub_words("reason"),
    busy = hub_flag("busy"),
    memory = hub_number("memory"),
    cpu = hub_number("cpu"),
    created = hub_time("created"),
    ready = hub_time("ready"),
    last_activity = hub_time("last_activity"),
    sleeps = function(entry) hub_time("at")(as.list(entry$sleeps)),
    url = function(entry) paste0(base, entry$url)
  ))
}
