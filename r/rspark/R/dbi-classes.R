# Spark and Hive as databases are classes of S4 and their methods. They are made when the first connection is: to load DBI takes a tenth of
# a second, and each R of a session loads this package when it starts.

dbi <- new.env(parent = emptyenv())
dbi$methods <- list()

# Note a method of a function of DBI, or of `show()`, for when the classes are made. A `table` is named by text or by an `Id`: DBI has
# methods of its own for both, which come before one for anything.
on_spark <- function(generic, signature, method) {
  signatures <- if ("table" %in% signature) {
    lapply(c("character", "Id"), function(class) replace(signature, signature == "table", class))
  } else {
    list(signature)
  }
  dbi$methods <- c(dbi$methods, list(list(generic = generic, signatures = signatures, method = method)))
}

# Return a class, `SparkConnection`, `HiveConnection` or `SparkResult`; make all with their methods the first time.
dbi_class <- function(name) {
  if (is.null(dbi$classes)) {
    place <- new.env(parent = asNamespace("DBI"))
    dbi$classes <- list(
      SparkConnection = methods::setClass("SparkConnection", contains = "DBIConnection", where = place),
      # The rows of a query, fetched from `rows$data` after the first `rows$at`.
      SparkResult = methods::setClass("SparkResult", contains = "DBIResult", where = place,
        slots = list(rows = "environment", statement = "character"))
    )
    dbi$classes$HiveConnection <- methods::setClass("HiveConnection", contains = "SparkConnection", where = place)
    for (each in dbi$methods) {
      for (signature in each$signatures) methods::setMethod(each$generic, signature, each$method, where = place)
    }
  }
  dbi$classes[[name]]@className
}
