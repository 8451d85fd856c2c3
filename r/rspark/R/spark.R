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
#' @param bigint What whole numbers of 64 bits become: `"numeric"`, doubles,
#'   which are exact up to 2^53 (a warning names the columns that hold more);
#'   `"integer64"`, of the package 'bit64'; or `"character"`.
#' @return A data frame. NULL is `NA`, or `NULL` in a list column.
#'
#' | Spark | R |
#' |---|---|
#' | boolean; tinyint, smallint, int | logical; integer |
#' | bigint | double, or what `bigint` says |
#' | float, double, decimal | double; a warning names decimals that it can't hold |
#' | string, char, varchar | character |
#' | binary | list of raw vectors |
#' | date | Date |
#' | timestamp | POSIXct, in the time zone of Spark where R has another |
#' | timestamp_ntz | POSIXct in UTC, which shows the same date and time |
#' | time | difftime in seconds, of the class 'hms' |
#' | interval day to second | difftime in seconds |
#' | interval year to month | integer, months |
#' | array | list of vectors |
#' | struct | list of named lists |
#' | map | list of named vectors; of data frames (`key`, `value`) where the keys are not text |
#' | variant | character, JSON |
#' | calendar interval | character |
#' | geometry, geography | list of raw vectors, WKB |
#' | vector of Spark's ML | list of double vectors |
#'
#' @details The whole result comes into R's memory: aggregate in Spark, and
#'   bring home what you look at. When R is interrupted, the query's jobs are
#'   cancelled. An error is one sentence; [last_spark_error()] has the rest.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   spark_sql("SELECT 1 AS one, date'2013-01-01' AS day")
#' }
#' @export
spark_sql <- function(sql, bigint = c("numeric", "integer64", "character")) {
  if (!is.character(sql) || length(sql) != 1 || is.na(sql) || !nzchar(trimws(sql))) {
    problem("`sql` takes one query in quotes, such as \"SELECT count(*) FROM flights\".")
  }
  bigint <- one_of(bigint, c("numeric", "integer64", "character"), "bigint")
  if (bigint == "integer64" && !is_installed("bit64")) {
    problem("`bigint = \"integer64\"` needs the package bit64. Install it, or take \"numeric\" or \"character\".")
  }
  session <- spark()
  if (inherits(session, "spark_connection")) {
    return(as_spark_error(as.data.frame(DBI::dbGetQuery(session, sql))))
  }
  found <- finish(driver()$query(session, enc2utf8(sql), bigint))
  frame(found, driver()$time_zone(session))
}

#' Register a table of PostgreSQL in Spark
#'
#' Spark reads the table itself, over JDBC, when a query needs it.
#'
#' @param table The table, or a query in parentheses with an alias.
#' @param dbname The database; your own where nothing is given.
#' @param view The name by which Spark's SQL then knows it.
#' The view is made again when Spark starts anew, after a sleep too.
#'
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
  register_view(session, view, options)
  state$views[[view]] <- list(table = table, dbname = dbname)
  invisible(view)
}

register_view <- function(session, view, options) {
  if (inherits(session, "spark_connection")) {
    from_package("sparklyr", "spark_read_jdbc")(session, view, options = options, memory = FALSE)
  } else {
    # Executors of their own have no passfile, so the password is an option; Spark shows it to nobody.
    if (!startsWith(session$conf$get("spark.master"), "local")) {
      options$password <- passfile_password(Sys.getenv("PGPASSFILE"), Sys.getenv("PGHOST"), Sys.getenv("PGUSER"))
    }
    finish(driver()$view(session, view, options))
  }
}

# Make the views of our own functions again in a driver that has just started, and say so; they are in `state$views`. Queries on
# streams come after them.
views_again <- function() {
  views <- state$views
  state$views <- state$shipped <- NULL
  for (view in names(views)) {
    again(paste0("The view ", view), "is there again", {
      view_again(view, views[[view]])
      state$views[[view]] <- views[[view]]
    })
  }
  streams_again()
}

view_again <- function(view, made) {
  if (!is.null(made$stream)) {
    make_stream_view(view, made$stream)
  } else if (!is.null(made$sql)) {
    cache_view(view, made$sql)
  } else {
    spark_postgres(made$table, made$dbname, view)
  }
}

# Do something again that a driver before this one had, and write on stderr that it is done, or why it isn't.
again <- function(what, done, expression) {
  problem <- tryCatch(
    {
      expression
      NULL
    },
    error = conditionMessage
  )
  message(what, if (is.null(problem)) paste0(" ", done, ".") else paste0(" could not be made again. ", problem))
}

# Return what the workspace keeps of Spark: the views, and queries on streams, that are made again when it starts next.
spark_views <- function() {
  if (length(state$streams)) c(state$views, list(.streams = state$streams)) else state$views
}

restore_spark_views <- function(views) {
  state$streams <- views$.streams
  state$views <- views[setdiff(names(views), ".streams")]
}

# Return entries of what Spark holds in memory and isn't kept.
lost_in_spark <- function() {
  if (is.null(state$driver) || is.null(state$session) || inherits(state$session, "spark_connection")) {
    return(list())
  }
  found <- tryCatch(state$driver$lost(as.list(c(names(state$views), names(state$streams)))), error = instead(list()))
  lapply(found, function(entry) lost_entry(entry$name, entry$class, entry$why))
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
  if (length(state$streams) && is_live()) python_side("rspark_streams")$stop_all(session)
  state$session <- state$views <- state$streams <- state$shipped <- NULL
  if (inherits(session, "spark_connection")) {
    from_package("sparklyr", "spark_disconnect")(session)
  } else if (!is.null(session)) {
    session$stop()
  }
  invisible()
}

spark_by_sparklyr <- function() {
  if (is.null(state$session) || !from_package("sparklyr", "connection_is_open")(state$session)) {
    set <- spark_defaults()
    defaults <- from_package("sparklyr", "spark_config")
    say_start(function() {
      state$session <- from_package("sparklyr", "spark_connect")(
        master = spark_master(set), spark_home = Sys.getenv("SPARK_HOME"), app_name = application_name(),
        config = sparklyr_config(defaults(), defaults(file = tempfile()), set)
      )
    })
  }
  state$session
}

# Return a configuration of sparklyr with what the environment gives to Spark in place of sparklyr's defaults: memory, cores, and
# tables without a metastore. What a person's own config.yml, which is in `config`, sets otherwise than the defaults stays.
sparklyr_config <- function(config, defaults, set) {
  ours <- list(
    "sparklyr.shell.driver-memory" = set[["spark.driver.memory"]],
    "sparklyr.connect.cores.local" = cores_of(spark_master(set)),
    "sparklyr.cores.local" = cores_of(spark_master(set)),
    "spark.sql.shuffle.partitions.local" = as_number(set[["spark.sql.shuffle.partitions"]]),
    "spark.sql.catalogImplementation" = set[["spark.sql.catalogImplementation"]]
  )
  for (name in names(Filter(Negate(is.null), ours))) {
    if (identical(config[[name]], defaults[[name]])) config[[name]] <- ours[[name]]
  }
  config
}

cores_of <- function(master) {
  if (grepl("^local\\[[0-9]+\\]$", master)) as.integer(gsub("[^0-9]", "", master))
}

as_number <- function(text) if (!is.null(text)) as.integer(text)

# Return the settings of the session's configuration of Spark, by their names. spark-submit reads them itself; sparklyr's defaults
# come before them.
spark_defaults <- function(file = file.path(Sys.getenv("SPARK_CONF_DIR"), "spark-defaults.conf")) {
  lines <- trimws(if (file.exists(file)) readLines(file, warn = FALSE))
  lines <- lines[nzchar(lines) & !startsWith(lines, "#")]
  values <- as.list(trimws(sub("^[^ =\t]+[ =\t]*", "", lines)))
  names(values) <- sub("[ =\t].*", "", lines)
  values
}

spark_master <- function(set = spark_defaults()) {
  master <- set[["spark.master"]]
  if (is.null(master)) "local" else master
}

spark_by_pyspark <- function() suspendInterrupts(driver_of_python()) # finish() allows them while it waits

driver_of_python <- function() {
  python <- session_python()
  if (reticulate::py_available() && !reticulate::py_module_available("pyspark")) {
    problem(
      "R already uses another Python (", reticulate::py_exe(), "), which has no PySpark. ",
      "Restart the kernel, and call spark() before you use another Python."
    )
  }
  # Named in this way, Python isn't searched for in the working directory's projects.
  if (is.null(setting("RETICULATE_PYTHON"))) Sys.setenv(RETICULATE_PYTHON = python)
  if (!is.null(state$session) && !driver()$has_ended()) {
    driver()$name_calls()
    return(state$session)
  }
  if (!is.null(state$session)) {
    message("Spark has ended; temporary views and cached tables are gone with it.")
    state$session <- NULL
  }
  say_start(function() {
    driver()$forget()
    state$session <- into_log(finish(driver()$start(application_name())))
    driver()$cancel_on_interrupt()
  })
  state$session
}

# Start Spark, and write on stderr that it starts, how long it took, and where its pages are.
say_start <- function(start) {
  message("Starting Spark ...")
  began <- proc.time()[["elapsed"]]
  start()
  pages <- setting("RSPARK_SPARK_PAGES")
  message(
    sprintf("Spark is ready after %.0f s.", proc.time()[["elapsed"]] - began),
    if (!is.null(pages)) paste0(" Its pages: ", Sys.getenv("RSPARK_HUB_URL"), pages)
  )
  views_again()
}

# Wait for work of the driver, and return its result. R can be interrupted meanwhile, which cancels it: between two calls of Python,
# since an interrupt that leaves reticulate's C++ in its middle makes a later call end R by a segmentation fault.
finish <- function(work) {
  done <- FALSE
  on.exit(suspendInterrupts({
    if (!done) work$cancel()
    driver()$leave_interrupts(FALSE)
  }))
  suspendInterrupts({
    driver()$leave_interrupts(TRUE)
    force(work)
    while (!done) {
      done <- isTRUE(work$wait(0.1))
      if (!done) allowInterrupts(look_for_interrupt())
    }
  })
  if (is.null(work$error)) {
    return(work$result)
  }
  state$last_error <- work$trace
  if (work$ended) {
    problem(
      "Spark's driver has ended, perhaps since its memory was full. The next call starts a new one; ",
      "views and cached tables are gone. last_spark_error() has what is known."
    )
  }
  problem("Spark says: ", work$error)
}

# R looks for an interrupt at each thousandth step of a loop. Sys.sleep() looks too, but where one waits already it leaves its own
# handler of the signal in place (R_SelectEx), and the next interrupt jumps to nowhere.
look_for_interrupt <- function() for (step in seq_len(2000L)) NULL

# An error of sparklyr is a page of Java; the person gets its first sentence.
as_spark_error <- function(expression) {
  tryCatch(expression, error = function(error) {
    state$last_error <- conditionMessage(error)
    lines <- trimws(strsplit(conditionMessage(error), "\n", fixed = TRUE)[[1]])
    lines <- sub("^[A-Za-z_.]+(Error|Exception):\\s*", "", lines[nzchar(lines)])
    problem("Spark says: ", sub(" SQLSTATE: .*", "", lines[[1]]))
  })
}

#' All that is known of Spark's last error
#'
#' An error of [spark_sql()] is what a person can do something about; here is
#' the rest, with the trace of Python and Java.
#'
#' @return The text, which is also printed; `NULL` where there was no error.
#'   Invisibly.
#' @examples
#' last_spark_error()
#' @export
last_spark_error <- function() {
  if (is.null(state$last_error)) message("There was no error of Spark in this R session.") else cat(state$last_error)
  invisible(state$last_error)
}

# Without spaces: sparklyr hands it to a shell as it is.
application_name <- function() {
  paste0("R-", Sys.getpid())
}

# Return the Python of the session: the first one on the path, and the one that Spark's workers use.
session_python <- function() {
  python <- setting("PYSPARK_PYTHON")
  if (is.null(python)) python <- unname(Sys.which("python3"))
  if (!nzchar(python)) problem("Spark is used through Python here, and no python3 is on the path.")
  python
}

# Return the Python side of this file, loaded once.
driver <- function() {
  if (is.null(state$driver)) {
    path <- system.file("python", package = "rspark", mustWork = TRUE)
    state$driver <- reticulate::import_from_path("rspark_driver", path = path, convert = TRUE)
  }
  state$driver
}

# sparklyr isn't in Debian, so it can't be declared where this package is checked; it is used where a person installed it.
is_installed <- function(package) {
  nzchar(system.file(package = package))
}

# A folder of this session as Spark names it: without `file:` a path is one in HDFS, where the session has that.
session_folder <- function(path) paste0("file://", normalizePath(path, mustWork = FALSE))

from_package <- function(package, name) {
  getExportedValue(package, name)
}
