# The defaults that sparklyr has without a file of the person's, and over them those of the file: lines of "name: value".
spark_config <- function(file = "config.yml", use_default = TRUE) {
  config <- if (use_default) {
    list(
      "spark.env.SPARK_LOCAL_IP.local" = "127.0.0.1",
      "sparklyr.connect.cores.local" = parallel::detectCores(),
      "sparklyr.shell.driver-memory" = "2g",
      "spark.sql.shuffle.partitions.local" = parallel::detectCores(),
      "spark.sql.catalogImplementation" = "hive"
    )
  }
  for (line in if (file.exists(file)) grep("^ +[^ ]+: ", readLines(file), value = TRUE)) {
    config[[sub("^ +([^ ]+): .*", "\\1", line)]] <- sub("^ +[^ ]+: ", "", line)
  }
  config
}

spark_connect <- function(master, spark_home = Sys.getenv("SPARK_HOME"), method = "shell", app_name = "sparklyr", version = NULL,
                          config = spark_config(), extensions = NULL, packages = NULL, scala_version = NULL, ...) {
  if (!nzchar(Sys.getenv("SPARK_HOME_VERSION"))) {
    stop("Failed to detect version from SPARK_HOME or SPARK_HOME_VERSION. Try passing the spark version explicitly.")
  }
  shell <- config[startsWith(names(config), "sparklyr.shell.")]
  arguments <- as.vector(rbind(paste0("--", sub("^sparklyr[.]shell[.]", "", names(shell))), unlist(shell)))
  settings <- config[startsWith(names(config), "spark.") & !startsWith(names(config), "spark.env.")]
  settings <- paste0(sub("[.]local$", "", names(settings)), "=", unlist(settings))
  found <- tempfile(fileext = ".json")
  log <- tempfile(fileext = ".log")
  file.create(log)
  arguments <- c(
    "--master", master, "--name", app_name, arguments, as.vector(rbind("--conf", settings)),
    system.file("backend.py", package = "sparklyr"), found
  )
  system2(file.path(spark_home, "bin", "spark-submit"), arguments, stdout = log, stderr = log, wait = FALSE) # unquoted
  deadline <- Sys.time() + 120
  while (!file.exists(found)) {
    if (Sys.time() > deadline || any(grepl("Usage: spark-submit|Error: |Exception", readLines(log, warn = FALSE)))) {
      stop("Failed while connecting to sparklyr to port (8880): ", paste(readLines(log, warn = FALSE), collapse = "\n"))
    }
    Sys.sleep(0.2)
  }
  port <- jsonlite::fromJSON(found)$port
  backend <- socketConnection("127.0.0.1", port, open = "r+b", blocking = TRUE, timeout = 120)
  structure(list(master = master, config = config, backend = backend), class = c("spark_connection", "spark_shell_connection"))
}

ask <- function(sc, ...) {
  writeLines(jsonlite::toJSON(list(...), auto_unbox = TRUE), sc$backend)
  answer <- jsonlite::fromJSON(readLines(sc$backend, n = 1))
  if (!is.null(answer$error)) stop(answer$error)
  answer$rows
}

connection_is_open <- function(sc) {
  tryCatch(isOpen(sc$backend), error = function(error) FALSE)
}

spark_disconnect <- function(sc, ...) {
  ask(sc, do = "stop")
  close(sc$backend)
}

spark_read_jdbc <- function(sc, name, options = list(), repartition = 0, memory = TRUE, overwrite = TRUE, ...) {
  ask(sc, do = "jdbc", name = name, options = options)
}

setOldClass("spark_connection")
setMethod("dbGetQuery", c("spark_connection", "character"), function(conn, statement, ...) {
  as.data.frame(ask(conn, do = "sql", sql = statement))
})
