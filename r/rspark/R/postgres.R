#' Connect to PostgreSQL
#'
#' Every person has an account and a database of their own on the session's
#' PostgreSQL server. Without a name this connects to that database, in which
#' you can make tables; `"flights"` is a sample to read (see [samples()]).
#'
#' The address comes from the environment variables `PGHOST` and `PGPORT`, the
#' account from `PGUSER`, and the password from the file that `PGPASSFILE`
#' names, as for every PostgreSQL program: nothing of it is in your code.
#'
#' Numbers of R are exact up to 2^53. Where a query gives more
#' (in `bigint` or `numeric`), a warning names the columns; have the query
#' give them as text, as by `id::text`, to keep each digit.
#'
#' @param dbname The database; your own where nothing is given.
#' @return A 'DBI' connection. Close it by [DBI::dbDisconnect()]; it isn't kept
#'   when the session sleeps.
#' @seealso [spark_postgres()] to read its tables in Spark.
#' @examples
#' if (nzchar(Sys.getenv("PGHOST"))) {
#'   con <- postgres("flights")
#'   DBI::dbGetQuery(con, "SELECT name FROM airlines WHERE carrier = 'UA'")
#'   DBI::dbDisconnect(con)
#' }
#' @export
postgres <- function(dbname = NULL) {
  check_name(dbname, "dbname", or_null = TRUE)
  host <- setting("PGHOST")
  if (is.null(host)) {
    problem(
      "This R session has no PostgreSQL. Start an environment that has it, ",
      "or set PGHOST, PGPORT, PGUSER and PGPASSFILE."
    )
  }
  user <- setting("PGUSER")
  if (is.null(dbname)) {
    dbname <- setting("PGDATABASE")
    if (is.null(dbname)) dbname <- user
  }
  warn_of_rounding()
  tryCatch(
    DBI::dbConnect(
      RPostgreSQL::PostgreSQL(),
      host = host,
      port = as.integer(Sys.getenv("PGPORT", "5432")),
      user = user,
      # libpq looks into the passfile where no password is given.
      password = "",
      dbname = dbname
    ),
    error = function(error) problem(refusal(conditionMessage(error), dbname))
  )
}

most_exact <- 2^53 # of R's numbers, and what the next one becomes

# Have RPostgreSQL say where numbers may be others than in the database. Each way to a result leads through this function of its;
# classes of our own for connections would hide those of it, and Spark's, from DBI.
warn_of_rounding <- function() {
  driver <- asNamespace("RPostgreSQL")
  if (is.null(attr(driver$postgresqlFetch, "rspark"))) {
    rebind(driver, "postgresqlFetch", structure(fetch_and_warn(driver$postgresqlFetch), rspark = TRUE))
  }
}

# Return what fetches as the driver does, and warns once in a query.
fetch_and_warn <- function(fetch) {
  force(fetch) # else it would be looked up when this has its place
  warned <- NULL
  function(res, n = 0, ...) {
    rows <- fetch(res, n, ...)
    result <- methods::as(res, "integer")
    if (!is.data.frame(rows) || DBI::dbGetRowCount(res) <= nrow(rows)) warned <<- NULL # the first rows: numbers are used again
    rounded <- if (is.data.frame(rows) && !identical(result, warned)) rounded_columns(rows, res)
    if (length(rounded)) {
      warned <<- result
      warning(
        "Numbers of 2^53 and more in ", paste(rounded, collapse = ", "), " may be rounded, as R's numbers are exact up to there. ",
        "To keep each digit, have the query give text: ", rounded[[1]], "::text.",
        call. = FALSE
      )
    }
    rows
  }
}

# Return the names of columns of whole numbers that R's have no room for.
rounded_columns <- function(rows, res) {
  types <- DBI::dbGetInfo(res)$fieldDescription[[1]]$type
  whole <- unlist(types) %in% c(20L, 1700L) # bigint and numeric
  names(rows)[whole & vapply(rows, function(values) is.numeric(values) && any(abs(values) >= most_exact, na.rm = TRUE), NA)]
}

# Return what a person can do about libpq's message.
refusal <- function(message, dbname) {
  if (grepl("does not exist", message, fixed = TRUE)) {
    return(paste0("There is no database \"", dbname, "\". postgres() connects to your own, samples() names those to read."))
  }
  if (grepl("permission denied|not currently accepting|no pg_hba", message)) {
    return(paste0("The database \"", dbname, "\" is someone else's. postgres() connects to your own."))
  }
  if (grepl("password|authentication", message)) {
    return(paste0(
      "PostgreSQL doesn't know this account's password. Put the session to sleep and resume it, which makes the passfile anew. ",
      "(", trimws(message), ")"
    ))
  }
  paste0(
    "PostgreSQL can't be reached at ", Sys.getenv("PGHOST"), ":", Sys.getenv("PGPORT", "5432"),
    ". Try again in a moment; if it stays so, tell the administrator of this hub. (", trimws(message), ")"
  )
}

# Return the password of an account, as libpq finds it in a passfile; NULL when it isn't there.
passfile_password <- function(file, host, user) {
  if (!file.exists(file)) {
    return(NULL)
  }
  for (line in readLines(file, warn = FALSE)) {
    fields <- passfile_fields(line)
    if (length(fields) == 5 && fields[1] %in% c("*", host) && fields[4] %in% c("*", user)) {
      return(fields[5])
    }
  }
  NULL
}

# Return the fields of a line: colons separate them, and a backslash makes the next letter an ordinary one.
passfile_fields <- function(line) {
  fields <- ""
  escaped <- FALSE
  for (letter in strsplit(line, "", fixed = TRUE)[[1]]) {
    if (!escaped && letter == "\\") {
      escaped <- TRUE
    } else if (!escaped && letter == ":") {
      fields <- c(fields, "")
    } else {
      fields[length(fields)] <- paste0(fields[length(fields)], letter)
      escaped <- FALSE
    }
  }
  fields
}
