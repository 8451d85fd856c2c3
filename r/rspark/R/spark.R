# One Spark session for each R process: Spark itself has no more.
state <- new.env(parent = emptyenv())

#' Use Spark
#'
#' The first call starts Spark, which takes some seconds; later calls return the
#' same session. Where 'sparklyr' is installed the result is a connection of
#' 'sparklyr', for which 'dplyr' works; else it is a `SparkSession` of
#' 'PySpark', whose methods are called with `$`.
#'
#' @return A connection of 'sparklyr', or a `SparkSession`.
#' @seealso [spark_sql()] for a query, [spark_postgres()] for tables of
#'   PostgreSQL, [spark_stop()] to end it.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   spark()
#' }
#' @export
spark <- function() {
  if (is.null(setting("SPARK_HOME"))) {
    problem("This R session has no Spark. Start an environment that has it, such as RSpark.")
  }
  if (!nzchar(Sys.which("java")) && is.null(setting("JAVA_HOME"))) {
    problem(
      "Spark needs Java, and none is installed here. ",
      "Tell the administrator of this hub: `rsparkhub doctor` says how to mend it."
    )
  }
  if (is_installed("sparklyr")) spark_by_sparklyr() else spark_by_pyspark()
}

#' Run a query in Spark
#'
#' @param sql A query in Spark's SQL.
#' @return A data frame. Numbers, text, logical values, dates and times have
#'   R's own types; NULL is `NA`. Whole numbers of 64 bits become doubles, exact
#'   up to 2^53; arrays, maps and structs become list columns.
#' @details The whole result comes into R's memory: aggregate in Spark, and
#'   bring home what you look at.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   spark_sql("SELECT 1 AS one, date'2013-01-01' AS day")
#' }
#' @export
spark_sql <- function(sql) {
  if (!is.character(sql) || length(sql) != 1 || is.na(sql) || !nzchar(trimws(sql))) {
    problem("`sql` takes one query in quotes, such as \"SELECT count(*) FROM flights\".")
  }
  session <- spark()
  if (inherits(session, "spark_connection")) {
    return(as.data.frame(DBI::dbGetQuery(session, sql)))
  }
  as_spark_error(frame(frames()$columns(session, sql)))
}

#' Register a table of PostgreSQL in Spark
#'
#' Spark reads the table itself, over JDBC, when a query needs it.
#'
#' @param table The table, or a query in parentheses with an alias.
#' @param dbname The database; your own where nothing is given.
#' @param view The name by which Spark's SQL then knows it.
#' @return The name of the view, invisibly.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME")) && nzchar(Sys.getenv("PGHOST"))) {
#'   spark_postgres("flights", dbname = "flights")
#'   spark_sql("SELECT origin, count(*) AS n FROM flights GROUP BY origin")
#' }
#' @export
spark_postgres <- function(table, dbname = NULL, view = table) {
  check_name(table, "table")
  check_name(dbname, "dbname", or_null = TRUE)
  check_name(view, "view")
  # A connection first: its errors say what to do, those of JDBC don't.
  con <- postgres(dbname)
  on.exit(DBI::dbDisconnect(con))
  options <- list(
    url = paste0(
      "jdbc:postgresql://", Sys.getenv("PGHOST"), ":", Sys.getenv("PGPORT", "5432"), "/",
      utils::URLencode(DBI::dbGetInfo(con)$dbname, reserved = TRUE)
    ),
    driver = "org.postgresql.Driver",
    user = Sys.getenv("PGUSER"),
    dbtable = table,
    fetchsize = "10000"
  )
  session <- spark()
  if (inherits(session, "spark_connection")) {
    from_package("sparklyr", "spark_read_jdbc")(session, view, options = options, memory = FALSE)
  } else {
    # Executors of their own have no passfile, so the password is an option; Spark shows it to nobody.
    if (!startsWith(session$conf$get("spark.master"), "local")) {
      options$password <- passfile_password(Sys.getenv("PGPASSFILE"), Sys.getenv("PGHOST"), Sys.getenv("PGUSER"))
    }
    as_spark_error(frames()$view(session, view, options))
  }
  invisible(view)
}

#' End Spark
#'
#' Frees the memory that Spark holds. The next [spark()] starts it again;
#' views are gone.
#'
#' @return Nothing, invisibly.
#' @examples
#' spark_stop()
#' @export
spark_stop <- function() {
  session <- state$session
  state$session <- NULL
  if (inherits(session, "spark_connection")) {
    from_package("sparklyr", "spark_disconnect")(session)
  } else if (!is.null(session)) {
    session$stop()
  }
  invisible()
}

spark_by_sparklyr <- function() {
  if (is.null(state$session) || !from_package("sparklyr", "connection_is_open")(state$session)) {
    state$session <- from_package("sparklyr", "spark_connect")(
      master = spark_master(), spark_home = Sys.getenv("SPARK_HOME"), app_name = application_name()
    )
  }
  state$session
}

# Return the master that the session's configuration of Spark names. Spark reads it itself; sparklyr takes it as an argument.
spark_master <- function(file = file.path(Sys.getenv("SPARK_CONF_DIR"), "spark-defaults.conf")) {
  lines <- if (file.exists(file)) readLines(file, warn = FALSE)
  masters <- sub("^spark[.]master[ =]+", "", grep("^spark[.]master[ =]", lines, value = TRUE))
  if (length(masters)) masters[[1]] else "local"
}

spark_by_pyspark <- function() {
  python <- session_python()
  if (reticulate::py_available() && !reticulate::py_module_available("pyspark")) {
    problem(
      "R already uses another Python (", reticulate::py_exe(), "), which has no PySpark. ",
      "Restart the kernel, and call spark() before you use another Python."
    )
  }
  # Named in this way, Python isn't searched for in the working directory's projects.
  if (is.null(setting("RETICULATE_PYTHON"))) Sys.setenv(RETICULATE_PYTHON = python)
  builder <- reticulate::import("pyspark.sql", convert = TRUE)$SparkSession$builder
  state$session <- as_spark_error(builder$appName(application_name())$getOrCreate())
  state$session
}

application_name <- function() {
  paste("R", Sys.getpid())
}

# Return the Python of the session: the first one on the path, and the one that Spark's workers use.
session_python <- function() {
  python <- setting("PYSPARK_PYTHON")
  if (is.null(python)) python <- unname(Sys.which("python3"))
  if (!nzchar(python)) problem("Spark is used through Python here, and no python3 is on the path.")
  python
}

# Return the Python side of this file, loaded once.
frames <- function() {
  if (is.null(state$frames)) {
    state$frames <- reticulate::import_from_path(
      "rspark_frames",
      path = system.file("python", package = "rspark", mustWork = TRUE),
      convert = FALSE
    )
  }
  state$frames
}

# Return a data frame of what `columns` of rspark_frames returns.
frame <- function(columns) {
  columns <- reticulate::iterate(columns, column_vector, simplify = FALSE)
  names(columns) <- vapply(columns, attr, "", "column")
  rows <- if (length(columns)) length(columns[[1]]) else 0L
  columns <- lapply(columns, `attr<-`, "column", NULL)
  structure(columns, class = "data.frame", row.names = .set_row_names(rows))
}

column_vector <- function(column) {
  column <- reticulate::py_to_r(column)
  numbers <- function(what) readBin(column$values, what, n = column$length)
  values <- switch(column$kind,
    integer = numbers("integer"),
    double = numbers("double"),
    logical = as.logical(numbers("integer")),
    character = as.character(unlist(column$values)),
    Date = as.Date(numbers("double"), origin = "1970-01-01"),
    POSIXct = as.POSIXct(numbers("double"), origin = "1970-01-01"),
    list = as.list(column$values)
  )
  missing <- as.logical(as.integer(column$missing))
  if (any(missing)) values[missing] <- if (column$kind == "list") list(NULL) else NA
  structure(values, column = column$name)
}

# Spark's errors come with pages of Java; the person wants the first sentence.
as_spark_error <- function(expression) {
  tryCatch(expression, error = function(error) {
    lines <- trimws(strsplit(conditionMessage(error), "\n", fixed = TRUE)[[1]])
    lines[1] <- sub("^[A-Za-z_.]+(Error|Exception):\\s*", "", lines[1])
    lines <- lines[nzchar(lines)]
    ends <- grep("^(JVM stacktrace|Run `reticulate|at |== |;|'|[+]-)", lines)
    if (length(ends)) lines <- lines[seq_len(max(1, ends[1] - 1))]
    problem("Spark says: ", paste(lines, collapse = "\n"))
  })
}

# sparklyr isn't in Debian, so it can't be declared where this package is checked; it is used where a person installed it.
is_installed <- function(package) {
  nzchar(system.file(package = package))
}

from_package <- function(package, name) {
  getExportedValue(package, name)
}
