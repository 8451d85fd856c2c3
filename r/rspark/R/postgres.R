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
#' A bigint is a double in R, which is exact up to 2^53. A warning names the
#' columns that hold more: cast them to text in the query to keep every digit.
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
  connection <- tryCatch(
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
  methods::new(postgres_classes()$connection, connection)
}

postgres_made <- new.env(parent = emptyenv())

# Return the classes of connections and results that say what R's numbers can't hold, made the first time: RPostgreSQL rounds in silence.
postgres_classes <- function() {
  if (is.null(postgres_made$classes)) {
    place <- new.env(parent = asNamespace("RPostgreSQL"))
    define <- function(class, contains) methods::setClass(class, contains = contains, where = place)@className
    classes <- list(
      connection = define("SessionPostgreSQLConnection", "PostgreSQLConnection"),
      result = define("SessionPostgreSQLResult", "PostgreSQLResult")
    )
    send <- methods::selectMethod("dbSendQuery", c("PostgreSQLConnection", "character"))
    methods::setMethod("dbSendQuery", c(classes$connection, "character"), where = place, function(conn, statement, ...) {
      methods::new(classes$result, send(conn, statement, ...))
    })
    # `dbFetch()` and all that reads rows come here.
    for (n in c("numeric", "missing")) {
      methods::setMethod("fetch", c(classes$result, n), fetch_and_warn(methods::selectMethod("fetch", c("PostgreSQLResult", n))), where = place)
    }
    postgres_made$classes <- classes
  }
  postgres_made$classes
}

bigint_oid <- 20L

fetch_and_warn <- function(fetch) {
  force(fetch)
  function(res, n, ...) warn_rounded(if (missing(n)) fetch(res, ...) else fetch(res, n, ...), res)
}

# Return rows as they are. From 2^53 on a double may be another number's, too.
warn_rounded <- function(rows, result) {
  bigint <- DBI::dbGetInfo(result)$fieldDescription[[1]]$type == bigint_oid
  rounded <- vapply(rows, function(column) is.double(column) && any(abs(column) >= 2^53, na.rm = TRUE), NA) & bigint
  if (any(rounded)) {
    columns <- names(rows)[rounded]
    warning("In ", shown_columns(columns), ": whole numbers of 2^53 or more, which R's doubles round; cast to text in the query (",
      columns[[1]], "::text) to keep every digit.", call. = FALSE)
  }
  rows
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
