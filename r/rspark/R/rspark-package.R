#' Data at hand inside an RSparkHub session
#'
#' A session has PostgreSQL and Spark connected already. Start with
#' [samples()], which says what there is to look at.
#'
#' @section Connect:
#' [postgres()] returns a 'DBI' connection, [spark()] a Spark session,
#' [spark_sql()] a data frame; [spark_postgres()] registers a table of PostgreSQL
#' in Spark, and [connections()] lists what this session can reach.
#'
#' @section Spark:
#' [spark_db()] is Spark for 'dplyr' and 'DBI', [spark_apply()] runs functions
#' of R on its workers, [spark_lm()] and others fit models by formulas, and
#' [stream_read()] reads what comes into a folder. [spark_workers()] changes
#' how many workers a session has of its own.
#'
#' @section The hub:
#' [hub_sessions()], [hub_start()] and others start, look at and end sessions;
#' [hub_share()] lets others into one, [hub_me()] says who you are there,
#' [hub_users()] and others keep people and groups, and [hub_course_data()] the
#' data of a course.
#'
#' @section Sleep:
#' When a session goes to sleep, the objects of the global environment, the
#' attached packages, options, the working directory and the state of the
#' random numbers are saved, and are there again after Resume. Connections are
#' not: make them anew.
#' @useDynLib rspark, .registration = TRUE
#' @keywords internal
"_PACKAGE"
