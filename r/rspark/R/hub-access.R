# How the functions `hub_*` reach the hub: where it is, with which token, and what its answers become.

# Return where the hub is, without a slash at the end.
hub_url <- function(url) {
  check_name(url, "url", or_null = TRUE)
  found <- url
  for (name in c("RSPARKHUB_URL", "RSPARK_HUB_URL")) {
    if (is.null(found)) found <- setting(name)
  }
  if (is.null(found)) {
    problem("Say where the hub is: `url = \"https://rspark.example.org\"`, or set RSPARKHUB_URL.")
  }
  if (!grepl("^https?://[^/@[:space:]]+(/.*)?$", found)) {
    problem("\"", found, "\" is no address of a hub. One looks like \"https://rspark.example.org\".")
  }
  sub("(/hub)?/*$", "", found)
}

# Return the token for the hub at `base`: the argument, RSPARKHUB_TOKEN, or inside a session its own, which reads that session and
# does nothing else. Its own goes to the session's hub alone: whoever else got it could read the session.
hub_token <- function(token, base) {
  check_name(token, "token", or_null = TRUE)
  found <- if (is.null(token)) setting("RSPARKHUB_TOKEN") else token
  own <- setting("RSPARK_TOKEN_FILE")
  home <- setting("RSPARK_HUB_URL")
  if (is.null(found) && !is.null(own) && !is.null(home) && identical(base, hub_url(home)) && file.exists(own)) {
    found <- readLines(own, n = 1, warn = FALSE)
  }
  if (is.null(found)) {
    problem("The hub wants a token. Make one on the hub's page Account, and set RSPARKHUB_TOKEN, or pass it as `token`.")
  }
  found <- trimws(found)
  if (!grepl("^[!-~]+$", found)) {
    problem("A token is one word of letters and digits. Copy it anew from the hub's page Account.")
  }
  found
}

# Bytes a second of a file at least: as slow as the hub takes one.
hub_slowest <- 256 * 1024

# Ask the hub; return what its answer says. With `patience`, in seconds, it is waited for: NULL where the answer goes on for longer,
# and where the hub can't be reached just now. The token goes to this address alone: a redirect is not followed. `file` is sent as
# it is, and with `as = "raw"` bytes are returned. With `own` a session's own token is enough for all that its person may do.
hub_ask <- function(url, token, method, path, query = list(), body = NULL, patience = NULL, as = "data", file = NULL, own = FALSE) {
  force(path) # what is wrong with it is said before the hub is looked for
  base <- hub_url(url)
  given <- Filter(Negate(is.null), query)
  words <- vapply(seq_along(given), function(at) paste0(names(given)[[at]], "=", curl::curl_escape(hub_text(given[[at]]))), "")
  address <- paste0(base, "/hub/api", path, if (length(words)) paste0("?", paste(words, collapse = "&")))
  longest <- if (!is.null(patience)) patience else 60 + (if (is.null(file)) 0 else file.size(file) / hub_slowest)
  handle <- curl::new_handle(
    customrequest = method, followlocation = FALSE, connecttimeout = 10, timeout_ms = ceiling(1000 * longest)
  )
  headers <- list(Authorization = paste("Bearer", hub_token(token, base)))
  if (!is.null(body)) {
    curl::handle_setopt(handle, postfields = as.character(jsonlite::toJSON(body, auto_unbox = TRUE, null = "null", digits = NA)))
    headers[["Content-Type"]] <- "application/json"
  } else if (!is.null(file)) {
    curl::handle_setopt(handle, post = TRUE, postfields = readBin(file, "raw", file.size(file)))
    headers[["Content-Type"]] <- "application/octet-stream"
  }
  do.call(curl::handle_setheaders, c(list(handle), headers))
  answer <- tryCatch(
    curl::curl_fetch_memory(address, handle),
    error = function(error) {
      if (!is.null(patience)) {
        return(NULL)
      }
      problem("The hub at ", base, " can't be reached. Check the address, and whether it runs. ", hub_reason(error))
    }
  )
  if (is.null(answer) || !is.null(patience) && answer$status_code %in% 502:504) {
    return(NULL)
  }
  if (as == "raw" && answer$status_code == 200) {
    return(answer$content)
  }
  said <- rawToChar(answer$content)
  Encoding(said) <- "UTF-8"
  if (answer$status_code >= 300) {
    hub_refused(base, answer$status_code, said, by_session = !own && is.null(token) && is.null(setting("RSPARKHUB_TOKEN")))
  }
  if (as == "text") said else hub_read(base, said)
}

# Return a word as one element of a path: by one that leads elsewhere, another thing than one of that kind would be asked for.
hub_element <- function(kind, word) {
  if (word %in% c(".", "..") || grepl("/", word, fixed = TRUE)) {
    problem("There is no ", kind, " called \"", word, "\".")
  }
  curl::curl_escape(word)
}

hub_reason <- function(error) {
  paste0("(", sub("[.[:space:]]*$", "", strsplit(conditionMessage(error), "\n")[[1]][[1]]), ".)")
}

hub_text <- function(value) {
  if (is.logical(value)) tolower(as.character(value)) else as.character(value)
}

hub_read <- function(base, said) {
  if (!nzchar(said)) {
    return(NULL)
  }
  tryCatch(
    jsonlite::fromJSON(said, simplifyVector = FALSE),
    error = function(error) problem(base, " is no RSparkHub: it answers something else. Check the address.")
  )
}

# Stop with what the hub says of why it refused.
hub_refused <- function(base, status, said, by_session) {
  detail <- tryCatch(jsonlite::fromJSON(said, simplifyVector = FALSE)$detail, error = function(error) NULL)
  if (is.character(detail) && length(detail) == 1) {
    own <- if (by_session && status == 403) " Make one on the hub's page Account, and set RSPARKHUB_TOKEN." else ""
    problem(detail, own)
  }
  problem("The hub at ", base, " answered ", status, ". Check the address: it begins the hub's pages, as https://rspark.example.org.")
}

# Return a data frame with a row for each of a list's entries; `columns` is how each column is read from one.
hub_frame <- function(entries, columns) {
  read <- lapply(columns, function(column) lapply(entries, column))
  data <- lapply(names(columns), function(name) {
    empty <- columns[[name]](list())
    if (length(entries)) do.call(c, read[[name]]) else empty[0]
  })
  names(data) <- names(columns)
  data.frame(data, stringsAsFactors = FALSE)
}

# Readers of one field: a text, a number, true or false, a time, and several texts in one.
hub_words <- function(name) function(entry) if (is.null(entry[[name]])) NA_character_ else as.character(entry[[name]])
hub_number <- function(name) function(entry) if (is.null(entry[[name]])) NA_real_ else as.numeric(entry[[name]])
hub_flag <- function(name) function(entry) if (is.null(entry[[name]])) NA else isTRUE(entry[[name]])
hub_time <- function(name) {
  function(entry) {
    text <- if (is.null(entry[[name]])) NA_character_ else sub("(Z|\\+00:00)$", "", entry[[name]])
    as.POSIXct(text, format = "%Y-%m-%dT%H:%M:%OS", tz = "UTC")
  }
}
hub_several <- function(name) function(entry) paste(unlist(entry[[name]]), collapse = ", ")
