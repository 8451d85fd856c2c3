# Options, search path, folder and random numbers.

test_that("only options that changed are kept, and of the front end's those that a person sets", {
  before <- list(digits = 7L, jupyter.rich_display = TRUE, jupyter.logfile = "a", device = "a", gone = 1)
  now <- list(digits = 4L, jupyter.rich_display = FALSE, jupyter.logfile = "b", device = "b", own = "mine")
  expect_equal(changed_options(before, now), list(digits = 4L, own = "mine", gone = NULL, jupyter.rich_display = FALSE))
})

test_that("a kernel's baseline is remembered, and a fresh R is asked where there is none", {
  old <- workspace$options
  on.exit(workspace$options <- old)
  workspace$options <- NULL
  expect_equal(baseline_options()$OutDec, ".")
  workspace_baseline()
  expect_identical(baseline_options(), workspace$options)
  expect_equal(length(changed_options()), 0)
})

test_that("saving and restoring say nothing and raise nothing, whatever happens", {
  nowhere <- file.path(temporary_folder(), "none")
  expect_silent(workspace_restore(nowhere))
  expect_match(jsonlite::read_json(file.path(nowhere, "failed.json"))$why, "manifest.json is missing")
  expect_silent(workspace_save(file.path(nullfile(), "folder")))
})

test_that("what was lost is written as a list, also when it is one thing or nothing", {
  folder <- temporary_folder()
  write_manifest(folder, "manifest.json", 3L, list(lost_entry("a", "file", "It is\n  a connection.", size = 2^20)))
  expect_equal(
    jsonlite::read_json(file.path(folder, "manifest.json"))$lost,
    list(list(name = "a", class = "file", why = "It is a connection. It takes 1 Mb."))
  )
  write_manifest(folder, "manifest.json", 0L, list())
  expect_match(readLines(file.path(folder, "manifest.json")), '"lost":[]', fixed = TRUE)
  expect_equal(list.files(folder), "manifest.json")
})

# Whatever ends first inside of it, this returns what the error says.
waits_behind_a_part <- function(limit, run, rs_own) {
  on.exit(rs_own(Inf, Inf))
  save <- list(writer = list(deadline = now() + 3600))
  tryCatch(
    {
      limit(elapsed = 2)
      run(function() in_time(save, function() NULL))
      for (i in 1:600) Sys.sleep(0.1) # R looks at the time between two of its steps
      "no limit"
    },
    error = conditionMessage
  )
}

test_that("a limit of time that somebody set is there after a part, whether it was noted or not", {
  old <- mget(c("originals", "limits"), envir = workspace, ifnotfound = list(NULL))
  on.exit(list2env(old, workspace))
  originals <- old$originals %||% mget(names(noting), envir = baseenv())
  rs_own <- originals$setTimeLimit
  ends <- "reached elapsed time limit"
  workspace$originals <- NULL
  expect_equal(waits_behind_a_part(rs_own, function(part) part(), rs_own), ends)
  workspace$originals <- originals
  expect_equal(waits_behind_a_part(noting$setTimeLimit, with_plain_options, rs_own), ends)
})

test_that("an error after the end of a part is none that a part takes for its own", {
  on.exit(workspace$part_end <- NULL)
  guarded <- function() tryCatch(stop("x"), error = instead("taken"))
  expect_equal(guarded(), "taken")
  workspace$part_end <- now() + 3600
  expect_equal(guarded(), "taken")
  workspace$part_end <- now()
  expect_error(guarded(), "x")
})

test_that("methods are searched for traces only where trace() was called, which does what it did", {
  old <- mget(c("originals", "noted"), envir = workspace, ifnotfound = list(NULL))
  on.exit(list2env(old, workspace))
  workspace$originals <- old$originals %||% mget(names(noting), envir = baseenv())
  workspace$noted <- NULL
  searched <- FALSE
  search <- function(...) {
    searched <<- TRUE
    NULL
  }
  look <- function() with_function("methods_that", search, unsaved_state$traced_methods(NULL))
  look()
  expect_false(searched)
  f <- function() 1
  noting$trace("f", quote(cat("traced")), print = FALSE, where = environment())
  expect_output(f(), "traced")
  look()
  expect_true(searched)
})
