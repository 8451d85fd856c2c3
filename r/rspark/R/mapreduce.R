#' MapReduce with functions of R
#'
#' `map` gets a part of the input and makes pairs of key and value of it;
#' `reduce` gets a key with all of its values, and makes pairs again. Both return
#' [keyval()]. What they use of your workspace goes with them, and so do the
#' packages that are attached here.
#'
#' A job runs by Hadoop's streaming in this session, each map and reduce in an R
#' of its own; where the input is large and the session has Spark, on Spark's
#' executors, which read it where it is. A job that fails stops with what the
#' failing map or reduce said; an interrupt ends all of it.
#'
#' `to_dfs()` writes values or pairs for a job to read, `from_dfs()` reads what a
#' job has made. Their files are in HDFS where the session has it, else in the
#' session.
#'
#' @param input What `to_dfs()` or `mapreduce()` returned, or paths of files or
#'   folders: in HDFS where the session has it, and `file:///PATH` in the session.
#' @param map A function of keys and values. Lines of text have no keys.
#' @param reduce A function of one key and its values; without it the job's result
#'   is what the maps make.
#' @param combine Whether `reduce` also puts together what each map makes, before
#'   that is sorted: right for sums, and wrong for means; or a function.
#' @param output A path that isn't there yet. By default a folder in `tmp/`.
#' @param input_format,output_format How files are read and written: see
#'   [input_format()]. By default paths are `"text"`, and the rest is `"native"`.
#' @param where `"local"`, `"spark"`, or `"auto"`, by the size of the input.
#' @param settings More settings of Hadoop, by name, such as
#'   `c(mapreduce.job.reduces = 2)`.
#' @param pairs Values, or pairs of [keyval()].
#' @param format How files are read.
#' @return `mapreduce()` and `to_dfs()` return where the result is, which
#'   `from_dfs()` and another `mapreduce()` take. `from_dfs()` returns pairs, of
#'   which [keys()], [values()] and [as.data.frame()] make vectors and a data
#'   frame.
#' @examples
#' if (nzchar(Sys.getenv("RSPARK_MAPREDUCE"))) {
#'   text <- to_dfs(c("to be or", "not to be"))
#'   counts <- mapreduce(text,
#'     map = function(key, lines) keyval(unlist(strsplit(lines, " ")), 1),
#'     reduce = function(word, ones) keyval(word, sum(ones))
#'   )
#'   as.data.frame(from_dfs(counts))
#' }
#' @export
mapreduce <- function(input, map = keyval, reduce = NULL, combine = FALSE, output = NULL, input_format = NULL,
                      output_format = "native", where = c("auto", "local", "spark"), settings = NULL) {
  where <- one_of(where, c("auto", "local", "spark"), "where")
  if (is.null(setting("RSPARK_MAPREDUCE")) && where != "spark") {
    problem("This R session has no MapReduce. Start an environment that has it.")
  }
  input <- as_data(input)
  check_name(output, "output", or_null = TRUE)
  if (is.null(input_format)) input_format <- input$format
  job <- described_job(
    map, reduce, combine,
    as_format(input_format, "input_format"),
    as_format(output_format, "output_format")
  )
  if (is.null(output)) output <- fresh_path()
  if (where == "auto") where <- if (!is.null(setting("SPARK_HOME")) && data_size(input$path) > large_input) "spark" else "local"
  if (where == "spark") run_on_spark(job, input$path, output) else run_by_streaming(job, input$path, output, settings)
  new_data(output, job$output_format$type)
}

#' @rdname mapreduce
#' @export
to_dfs <- function(pairs, output = NULL) {
  check_name(output, "output", or_null = TRUE)
  if (!inherits(pairs, "keyval")) pairs <- keyval(pairs)
  path <- if (is.null(output)) fresh_path() else output
  file <- tempfile()
  on.exit(unlink(file))
  writeLines(pair_lines(pairs), file, useBytes = TRUE)
  if (is_in_hdfs(path)) {
    hdfs_put(file, path)
  } else {
    target <- session_path(path)
    if (file.exists(target)) problem("The file \"", path, "\" is there already. Choose another, or delete it before.")
    dir.create(dirname(target), recursive = TRUE, showWarnings = FALSE)
    if (!file.copy(file, target)) problem("The file \"", path, "\" can't be written.")
  }
  new_data(path, "native")
}

#' @rdname mapreduce
#' @export
from_dfs <- function(input, format = NULL) {
  input <- as_data(input)
  format <- as_format(if (is.null(format)) input$format else format, "input_format")
  lines <- unlist(lapply(input$path, data_lines))
  if (!length(lines)) {
    return(keyval(NULL, character()))
  }
  lines_read(lines, format)
}

#' @export
print.mapreduce_data <- function(x, ...) {
  cat("Result of MapReduce in ", paste(x$path, collapse = ", "), ". from_dfs() reads it.\n", sep = "")
  invisible(x)
}

# From so many bytes on, the input is read where it is.
large_input <- 256 * 2^20

new_data <- function(path, format) structure(list(path = path, format = format), class = "mapreduce_data")

as_data <- function(input) {
  if (inherits(input, "mapreduce_data")) {
    return(input)
  }
  if (!is.character(input) || !length(input) || anyNA(input)) {
    problem("`input` takes a path in quotes, such as \"data/flights.csv\", or what to_dfs() or mapreduce() returned.")
  }
  new_data(input, "text")
}

fresh_path <- function() {
  name <- basename(tempfile("mapreduce-"))
  if (is.null(setting("RSPARK_HDFS"))) file.path(tempdir(), name) else paste0("tmp/", name)
}

is_in_hdfs <- function(path) !is.null(setting("RSPARK_HDFS")) && !startsWith(path, "file:")

session_path <- function(path) path.expand(sub("^file:(//)?", "", path))

# Return the names of the files that a path means, from the root.
data_files <- function(path) {
  if (!is_in_hdfs(path)) {
    path <- session_path(path)
    if (!file.exists(path)) problem("There is no \"", path, "\" in this session.")
    return(if (dir.exists(path)) list.files(path, "^[^._]", full.names = TRUE) else path)
  }
  found <- hdfs_ls(path)
  path <- hdfs_path(path)
  if (identical(found$name, basename(path)) && identical(found$type, "file")) {
    return(path)
  }
  file.path(path, found$name[grepl("^[^._]", found$name) & found$type == "file"])
}

data_lines <- function(path) {
  unlist(lapply(data_files(path), if (is_in_hdfs(path)) hdfs_read_lines else function(file) readLines(file, warn = FALSE)))
}

data_size <- function(paths) {
  patterns <- grepl("[*?[]", paths)
  sizes <- vapply(paths[!patterns], function(path) {
    if (is_in_hdfs(path)) sum(hdfs_ls(path)$size) else sum(file.size(data_files(path)))
  }, 0)
  sum(sizes)
}

# Return what tasks need: the functions, what of the workspace they use, and the packages.
described_job <- function(map, reduce, combine, input_format, output_format) {
  map <- rlang::as_function(map)
  if (!is.null(reduce)) reduce <- rlang::as_function(reduce)
  combine <- if (is.function(combine)) combine else if (isTRUE(combine)) reduce
  functions <- Filter(Negate(is.null), list(map, reduce, combine))
  list(
    map = map, reduce = reduce, combine = combine, input_format = input_format, output_format = output_format,
    globals = used_globals(functions), packages = rev(.packages())
  )
}

# Return what functions use of the workspace, and what that uses in turn.
used_globals <- function(functions) {
  found <- list()
  while (length(functions)) {
    names <- unique(unlist(lapply(functions, function(f) if (is.primitive(f)) NULL else all.names(as.call(list(body(f), formals(f)))))))
    names <- setdiff(names[nzchar(names)], names(found))
    names <- names[vapply(names, exists, NA, envir = globalenv(), inherits = FALSE)]
    more <- mget(names, envir = globalenv())
    found <- c(found, more)
    functions <- Filter(is.function, more)
  }
  found
}

# Run a job by `mapred streaming`, and show how far it is.
run_by_streaming <- function(job, input, output, settings) {
  folder <- tempfile("job-")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  within <- function(name) file.path(folder, name)
  saveRDS(job, within("job.rds"))
  program <- function(kind) paste0("Rscript --no-init-file -e 'rspark:::run_task(\"", kind, "\")'")
  words <- c(
    "streaming", as.vector(rbind("-D", paste0(names(settings), "=", settings), deparse.level = 0))[seq_len(2 * length(settings))],
    "-D", "mapreduce.job.name=R", as.vector(rbind("-input", input)), "-output", output,
    "-file", within("job.rds"), "-mapper", program("map"),
    if (is.null(job$reduce)) c("-numReduceTasks", "0") else c("-reducer", program("reduce")),
    if (!is.null(job$combine)) c("-combiner", program("combine"))
  )
  script <- c(
    paste0("export RSPARK_MAPREDUCE_OWNER=", Sys.getpid(), " RSPARK_MAPREDUCE_STATUS=", shQuote(within("status"))),
    paste0("mapred ", paste(shQuote(words), collapse = " "), " >", shQuote(within("said")), " 2>&1 </dev/null &"),
    paste0("echo $! >", shQuote(within("pid"))),
    paste0("wait $!; echo $? >", shQuote(within("ended")), "; mv ", shQuote(within("ended")), " ", shQuote(within("code")))
  )
  writeLines(script, within("run"))
  system2("sh", shQuote(within("run")), wait = FALSE)
  wait_for_job(within)
  said <- readLines(within("said"), warn = FALSE)
  if (!identical(readLines(within("code"), warn = FALSE), "0")) problem(job_problem(said))
  counters <- trimws(grep("^  .+: .+ [0-9,]+$", said, value = TRUE))
  message(paste(c(grep("^The job is done", said, value = TRUE), counters), collapse = "\n"))
}

# Wait for the end of a job, and end it when this is interrupted.
wait_for_job <- function(within) {
  done <- FALSE
  on.exit(if (!done) end_job(within))
  shown <- ""
  while (!file.exists(within("code"))) {
    Sys.sleep(0.1)
    now <- tryCatch(jsonlite::fromJSON(within("status"))$now, error = function(error) shown, warning = function(warning) shown)
    if (!identical(now, shown)) {
      message(now)
      shown <- now
    }
  }
  done <- TRUE
}

end_job <- function(within) {
  pid <- suppressWarnings(tryCatch(as.integer(readLines(within("pid"))), error = function(error) NA))
  if (isFALSE(is.na(pid))) tools::pskill(pid, tools::SIGTERM)
  for (attempt in seq_len(200)) {
    if (file.exists(within("code"))) break
    Sys.sleep(0.1)
  }
}

# Return one sentence of what `mapred` said of a job that failed.
job_problem <- function(said) {
  at <- grep("^The job failed[.] ", said)
  if (!length(at)) {
    return(if (length(said)) said[[length(said)]] else "Hadoop could not run the job, and says nothing of why.")
  }
  from <- at[[length(at)]]
  first <- sub("^The job failed[.] ", "", said[[from]])
  quoted <- trimws(said[-seq_len(from)])
  from_r <- grep("^R says: ", quoted, value = TRUE)
  if (length(from_r)) {
    return(paste0(sub("^(The \\S+ [0-9]+) .*", "\\1", first), " failed: ", sub("^R says: ", "", from_r[[length(from_r)]])))
  }
  paste(c(sub(" It said last:.*", "", first), if (length(quoted)) paste("It said last:", paste(quoted, collapse = " "))), collapse = " ")
}

# Run a job on Spark's executors, which read the input where it is.
run_on_spark <- function(job, input, output) {
  side <- python_side("rspark_mapreduce")
  if (!isTRUE(state$shipped)) {
    side$ship(spark(), system.file("python", package = "rspark", mustWork = TRUE))
    state$shipped <- TRUE
  }
  uri <- function(path) if (is_in_hdfs(path)) hdfs_path(path) else paste0("file://", normalizePath(session_path(path), mustWork = FALSE))
  task <- function(kind) serialize(list(f = spark_task(job, kind), more = list(), packages = character()), NULL)
  work <- side$run(
    spark(), as.list(vapply(input, uri, "", USE.NAMES = FALSE)), uri(output), task("map"), if (!is.null(job$reduce)) task("reduce")
  )
  message("Spark runs the job.")
  tryCatch(finish(work), error = function(error) problem(sub("^Spark says: (.*R says: )?", "The job failed: ", conditionMessage(error))))
}

# Return what a worker of Spark runs on the lines of a part.
spark_task <- function(job, kind) {
  force(job)
  force(kind)
  function(part) {
    lines <- if (kind == "map") part$value else paste0(part$key, "\t", part$value)
    made <- task_lines(lines, job, kind)
    if (kind == "map" && !is.null(job$reduce)) {
      return(data.frame(key = sub("\t.*", "", made), value = sub("^[^\t]*\t", "", made)))
    }
    data.frame(key = rep("", length(made)), value = made)
  }
}
