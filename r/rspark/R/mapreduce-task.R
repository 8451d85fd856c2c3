# A map or a reduce in an R of its own: what Hadoop starts, or a worker of Spark. `job` is what described_job() returned.

lines_at_once <- 10000L

#' Count something in a job
#'
#' Maps and reduces of [mapreduce()] may count, such as lines that they can't
#' read. Hadoop adds up what all of them counted; [mapreduce()] shows it.
#'
#' @param group,counter Names.
#' @param by How much is added.
#' @return Nothing.
#' @examples
#' skip <- function(key, lines) {
#'   increment_counter("lines", "empty", sum(!nzchar(lines)))
#'   keyval(lines[nzchar(lines)], 1)
#' }
#' @export
increment_counter <- function(group, counter, by = 1) {
  message("reporter:counter:", group, ",", counter, ",", format(by, scientific = FALSE))
}

# Run a task of a job in the file `job`, from standard input to standard output.
run_task <- function(kind) {
  job <- readRDS("job.rds")
  code <- tryCatch(
    {
      attach_job(job)
      input <- file("stdin", "rb")
      output <- file("/dev/stdout", "wb")
      # What a function prints is no part of its result.
      sink(stderr(), type = "output")
      write <- function(lines) if (length(lines)) writeLines(enc2utf8(lines), output, useBytes = TRUE)
      task <- if (kind == "map") map_task(job, write) else reduce_task(job, write, combines = kind == "combine")
      while (length(lines <- readLines(input, lines_at_once, warn = FALSE))) {
        Encoding(lines) <- "UTF-8"
        task$take(lines)
      }
      task$end()
      sink(type = "output")
      close(output)
      0L
    },
    error = function(error) {
      message("R says: ", gsub("\\s*\n\\s*", " ", conditionMessage(error)))
      1L
    }
  )
  quit(save = "no", status = code)
}

# Run a task on lines that are all here; return the lines that it makes.
task_lines <- function(lines, job, kind) {
  attach_job(job)
  found <- new_growing()
  write <- function(lines) found$add(lines)
  task <- if (kind == "map") map_task(job, write) else reduce_task(job, write)
  for (from in seq(1L, length.out = ceiling(length(lines) / lines_at_once), by = lines_at_once)) {
    task$take(lines[from:min(from + lines_at_once - 1L, length(lines))])
  }
  task$end()
  as.character(unlist(found$all()))
}

attach_job <- function(job) {
  for (package in job$packages) suppressPackageStartupMessages(library(package, character.only = TRUE))
  list2env(job$globals, globalenv())
}

map_task <- function(job, write) {
  list(
    take = function(lines) {
      pairs <- lines_read(lines, job$input_format)
      made <- as_pairs(job$map(pairs$key, pairs$val), "map")
      write(if (is.null(job$reduce)) lines_written(made, job$output_format) else pair_lines(made))
    },
    end = function() NULL
  )
}

# A group may go on in the lines that come next.
reduce_task <- function(job, write, combines = FALSE) {
  f <- if (combines) job$combine else job$reduce
  waiting <- new_growing()
  last <- NULL
  reduce <- function(lines) {
    pairs <- line_pairs(lines)
    made <- as_pairs(f(one_key(pairs$key), pairs$val), if (combines) "combine" else "reduce")
    write(if (combines) pair_lines(made) else lines_written(made, job$output_format))
  }
  flush <- function() {
    if (!is.null(last)) reduce(as.character(unlist(waiting$all())))
    waiting <<- new_growing()
    last <<- NULL
  }
  list(
    take = function(lines) {
      texts <- sub("\t.*", "", lines)
      runs <- rle(texts)
      ends <- cumsum(runs$lengths)
      for (at in seq_along(ends)) {
        if (!is.null(last) && last != runs$values[[at]]) flush()
        waiting$add(lines[(ends[[at]] - runs$lengths[[at]] + 1L):ends[[at]]])
        last <<- runs$values[[at]]
      }
    },
    end = flush
  )
}

one_key <- function(key) {
  if (is.null(key)) NULL else if (is.data.frame(key)) key[1, , drop = FALSE] else if (is.list(key)) key[[1]] else key[1]
}

as_pairs <- function(made, what) {
  if (is.null(made)) {
    return(keyval(NULL, character()))
  }
  if (inherits(made, "keyval")) {
    return(made)
  }
  if (!is.atomic(made) && !is.list(made)) problem(what, " has to return keyval(key, val), and returned ", class(made)[[1]], ".")
  keyval(made)
}
