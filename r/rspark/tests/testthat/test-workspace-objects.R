# Objects come back from files as they were, together or apart.

round_trip <- function(objects, ...) {
  folder <- temporary_folder()
  lost <- write_objects(objects, folder, ...)
  found <- list()
  problems <- read_objects(folder, function(name, value) found[name] <<- list(value))
  list(lost = lost, found = found, problems = problems, files = list.files(folder, recursive = TRUE))
}

test_that("all of them lie in one file, and what they share stays shared", {
  shared <- new.env()
  back <- round_trip(list(a = shared, b = list(shared), c = NULL))
  expect_equal(back$files, "objects.gz")
  expect_identical(back$found$b[[1]], back$found$a)
  expect_true("c" %in% names(back$found))
})

test_that("a pointer that no walk sees is found when it is written, and only its object is lost", {
  code <- eval(bquote(function() .Call(.(pointer()))))
  back <- round_trip(list(good = 1, code = code, better = 2))
  expect_equal(names(back$lost), "code")
  expect_match(back$lost[["code"]], "somewhere inside. Make it again.")
  expect_equal(back$found, list(good = 1, better = 2))
})

test_that("a pointer that its object can do without is written", {
  known <- pointer()
  back <- round_trip(list(table = structure(list(), self = known)), allowed = list(known))
  expect_equal(back$lost, character())
  expect_equal(names(back$found), "table")
})

test_that("where one object fails, the others are written apart", {
  write <- write_serialized
  refuse <- function(x, file, hook = NULL) {
    if ("bad" %in% names(x)) stop("not this one")
    write(x, file, hook)
  }
  back <- with_function("write_serialized", refuse, round_trip(list(good = 1, bad = 2, better = 3)))
  expect_equal(back$lost, c(bad = "It can't be saved: not this one"))
  expect_equal(back$found, list(good = 1, better = 3))
  expect_equal(back$files, c("apart/1.gz", "apart/3.gz"))
})

test_that("a disk that is full is not taken for an object that fails", {
  write <- write_serialized
  full <- function(x, file, hook = NULL) {
    if (file != nullfile()) stop("No space left on device")
    write(x, file, hook)
  }
  expect_error(
    with_function("write_serialized", full, round_trip(list(good = 1))),
    "The workspace can't be written: No space left on device"
  )
})

test_that("large files stay as they are", {
  folder <- temporary_folder()
  with_function("most_compressed", 10, write_objects(list(a = 1:100), folder))
  expect_equal(list.files(folder), "objects")
  expect_equal(read_serialized(file.path(folder, "objects")), list(a = 1:100))
})

test_that("a file that can't be read is a problem, and no error", {
  folder <- temporary_folder()
  write_objects(list(a = 1), folder)
  writeBin(readBin(file.path(folder, "objects.gz"), "raw", 30), file.path(folder, "objects.gz"))
  expect_length(read_objects(folder, function(name, value) stop("nothing to give")), 1)
})
