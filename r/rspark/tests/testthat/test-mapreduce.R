quietly <- function(code) suppressMessages(code)

lines <- rep(c("the fox jumps over the dog", "and the \u00e4pfel of the dog"), 50)
true_counts <- table(unlist(strsplit(lines, " ")))

words <- function(key, lines) keyval(unlist(strsplit(lines, " ")), 1)
total <- function(word, ones) keyval(word, sum(ones))

test_that("values of any kind come back from the text of pairs as they were", {
  cases <- list(
    c("a\tb\\n", NA, "\u00e4\n", "\\t"), 1:3, c(1.5, NA, Inf, 0.1 + 0.2), c(TRUE, NA), as.Date("2026-11-28") + 0:1,
    list(1, "a", list(b = 2)), mtcars[1:3, 1:3], c(1e15, 123456789012)
  )
  for (value in cases) {
    back <- line_pairs(pair_lines(keyval(seq_len(pairs_length(value)), value)))
    expect_equal(values(back), value, ignore_attr = is.data.frame(value))
    expect_equal(keys(back), seq_len(pairs_length(value)))
    by_key <- line_pairs(pair_lines(keyval(value, 1)))
    expect_equal(keys(by_key), value, ignore_attr = is.data.frame(value))
  }
  expect_false(any(grepl("\t.*\t", pair_lines(keyval("a\tb", "c\td")))))
  expect_null(keys(line_pairs(pair_lines(keyval(1:2)))))
  expect_equal(values(keyval("a", 1:3)), 1:3)
  expect_equal(keys(keyval("a", 1:3)), rep("a", 3))
  expect_error(keyval(1:2, 1:3), "`key` has 2 elements and `val` 3")
})

test_that("a group that goes on in the lines that come next is one group", {
  found <- character()
  job <- list(reduce = function(key, values) keyval(key, length(values)), output_format = output_format("text"))
  task <- reduce_task(job, function(lines) found <<- c(found, lines))
  made <- pair_lines(keyval(rep(c("a", "b", "c"), c(3, 2, 1)), 1))
  for (line in made) task$take(line)
  task$end()
  expect_equal(found, c("a\t3", "b\t2", "c\t1"))
  expect_equal(task_lines(made, c(job, list(globals = list(), packages = character())), "reduce"), found)
})

test_that("formats read and write what other programs read", {
  pairs <- keyval(c("a", "b"), c(1, 2))
  expect_equal(lines_written(pairs, output_format("text")), c("a\t1", "b\t2"))
  expect_equal(lines_written(pairs, output_format("csv")), c("\"a\",1", "\"b\",2"))
  expect_equal(lines_written(pairs, output_format("json")), c("{\"key\":\"a\",\"val\":1}", "{\"key\":\"b\",\"val\":2}"))
  expect_equal(lines_read(lines_written(pairs, output_format("json")), input_format("json")), pairs)
  csv <- lines_read(c("x;1", "y;2"), input_format("csv", sep = ";", col_names = c("name", "n")))
  expect_equal(values(csv), data.frame(name = c("x", "y"), n = 1:2))
  expect_error(input_format("xml"), "`type` takes one of \"native\"")
  expect_error(lines_read("no tab", input_format("native")), "is not what to_dfs\\(\\) or mapreduce\\(\\) have written")
})

test_that("what functions use of the workspace goes with them", {
  assign("rspark_test_helper", function(x) x + rspark_test_offset, globalenv())
  assign("rspark_test_offset", 5, globalenv())
  on.exit(rm("rspark_test_helper", "rspark_test_offset", envir = globalenv()))
  found <- used_globals(list(function(k, v) keyval(k, rspark_test_helper(v))))
  expect_setequal(names(found), c("rspark_test_helper", "rspark_test_offset"))
})

test_that("words are counted as they are, in a job of Hadoop", {
  text <- to_dfs(lines)
  said <- capture_messages(counts <- mapreduce(text, map = words, reduce = total, combine = TRUE))
  # R looks every tenth of a second how far it is; which of the steps it sees is chance.
  expect_match(said, "^map [0-9]+ %, reduce [0-9]+ %", all = FALSE)
  expect_match(said, "The job is done: 100 lines read", all = FALSE)
  found <- as.data.frame(from_dfs(counts))
  expect_equal(found$val[match(names(true_counts), found$key)], as.vector(true_counts))
  expect_equal(nrow(found), length(true_counts))
})

test_that("a job that fails says what the map said, in one sentence", {
  text <- to_dfs(lines)
  fails <- function(key, lines) stop("row 1 has\nno date")
  expect_error(quietly(mapreduce(text, map = fails)), "^The map 1 failed: row 1 has no date$")
  prints <- function(key, lines) {
    print("printed")
    increment_counter("lines", "seen", length(lines))
    keyval(nchar(lines), lines)
  }
  said <- capture_messages(found <- mapreduce(text, map = prints, output_format = "json"))
  expect_match(said, "lines: seen 100", all = FALSE)
  expect_equal(sort(unique(keys(from_dfs(found)))), sort(unique(nchar(lines))))
  expect_error(quietly(mapreduce("no/such/file", map = words)), "There is no (input )?\"no/such/file\" in")
  expect_error(mapreduce(1, map = words), "`input` takes a path in quotes")
})

test_that("an interrupt ends a job and leaves nothing", {
  text <- to_dfs(1:3)
  jobs <- function() list.files(file.path(Sys.getenv("RSPARK_MAPREDUCE"), "jobs"), "json$")
  # Send R an interrupt when the job runs, as the button of a notebook does.
  script <- 'for i in $(seq 1200); do [ -z "$(ls "$1" 2>/dev/null)" ] || break; sleep 0.1; done; sleep 2; kill -INT "$2"'
  folder <- file.path(Sys.getenv("RSPARK_MAPREDUCE"), "jobs")
  system2("bash", c("-c", shQuote(script), "interrupt", shQuote(folder), Sys.getpid()), wait = FALSE)
  found <- tryCatch(
    quietly(mapreduce(text, map = function(key, values) Sys.sleep(900))),
    interrupt = function(condition) "interrupted"
  )
  expect_identical(found, "interrupted")
  expect_length(jobs(), 0)
})

test_that("where the input is large, Spark's executors run it", {
  skip_if(!nzchar(Sys.getenv("SPARK_HOME")))
  file <- tempfile()
  writeLines(lines, file, useBytes = TRUE)
  output <- paste0("file://", tempfile("counted"))
  counts <- quietly(mapreduce(paste0("file://", file), map = words, reduce = total, where = "spark", output = output))
  found <- as.data.frame(from_dfs(counts))
  expect_equal(found$val[match(names(true_counts), found$key)], as.vector(true_counts))
  expect_error(
    quietly(mapreduce(paste0("file://", file), map = function(k, v) stop("no date"), where = "spark", output = paste0(output, 2))),
    "^The job failed: no date"
  )
})

test_that("a session without MapReduce says what to do", {
  without("RSPARK_MAPREDUCE", expect_error(mapreduce("x", map = words), "no MapReduce. Start an environment that has it"))
})
