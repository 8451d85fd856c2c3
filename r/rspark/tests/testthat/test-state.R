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
