# Frames come back from a file as they were, and one that fails takes no other along.

round_trip <- function(objects, prepare = identity, damage = identity) {
  folder <- temporary_folder()
  writer <- prepare(new_writer(folder))
  problems <- list()
  for (key in names(objects)) problems[[key]] <- write_frame(writer, key, .subset2(objects, key))
  check_room(writer)
  close(writer$con)
  damage(writer)
  index <- list(frames = writer$frames$all(), references = writer$count, lost = lapply(writer$lost$all(), function(x) list(type = typeof(x))))
  found <- list()
  unread <- read_frames(folder, index, new_reader(index), function(key, value) found[key] <<- list(value))
  list(problems = problems, found = found, unread = unread, writer = writer)
}

chain <- function(n) {
  first <- NULL
  for (i in seq_len(n)) {
    node <- new.env(parent = globalenv())
    node$before <- first
    if (!is.null(first)) first$after <- node
    first <- node
  }
  first
}

test_that("what frames share stays shared", {
  shared <- new.env()
  shared$self <- shared
  back <- round_trip(list(a = shared, b = list(shared), f = local(function() shared), c = NULL))$found
  expect_identical(back$b[[1]], back$a)
  expect_identical(back$a$self, back$a)
  expect_identical(back$f(), back$a)
  expect_true("c" %in% names(back))
})

test_that("a chain that is deeper than the stack comes back, in both directions", {
  back <- round_trip(list(last = chain(30000)))
  expect_gt(back$writer$apart$size(), 0)
  n <- 0
  node <- back$found$last
  while (!is.null(node$before)) {
    stopifnot(identical(node$before$after, node))
    node <- node$before
    n <- n + 1
  }
  expect_equal(n, 29999)
})

test_that("promises, active bindings, locks and classes of what is apart come back as they are", {
  all_apart <- function(writer) {
    writer$deepest <- 0
    writer
  }
  box <- structure(new.env(), class = "box")
  delayedAssign("lazy", stop("computed"), assign.env = box)
  makeActiveBinding("active", function() 42, box)
  box$locked <- 1
  lockBinding("locked", box)
  lockEnvironment(box)
  back <- round_trip(list(box = box, again = list(box)), prepare = all_apart)$found
  expect_s3_class(back$box, "box")
  expect_true(rlang::env_binding_are_lazy(back$box, "lazy"))
  expect_equal(back$box$active, 42)
  expect_true(bindingIsLocked("locked", back$box))
  expect_true(environmentIsLocked(back$box))
  expect_identical(back$again[[1]], back$box)
})

test_that("a list that is nested deeper than the stack comes back", {
  deep <- structure(list(), class = "bottom")
  for (i in 1:100000) deep <- list(deep, i)
  back <- round_trip(list(deep = deep, after = 1))$found
  levels <- 0
  inner <- back$deep
  while (length(inner)) {
    levels <- levels + 1
    inner <- inner[[1]]
  }
  expect_equal(levels, 100000)
  expect_s3_class(inner, "bottom")
  expect_equal(back$after, 1)
})

test_that("code that is nested deeper than the stack is named, and what comes after it is there", {
  code <- quote(a)
  for (i in 1:200000) code <- call("(", code)
  back <- round_trip(list(code = code, after = 1))
  expect_equal(back$problems, list(code = "It is nested too deeply."))
  expect_equal(back$found, list(after = 1))
})

test_that("a pointer is written as a pointer to nothing, the same one in each place", {
  back <- round_trip(list(a = list(pointer()), b = list(pointer())))
  expect_equal(back$writer$lost$size(), 1)
  expect_identical(back$found$a[[1]], null_pointer)
  expect_identical(rlang::obj_address(back$found$a[[1]]), rlang::obj_address(back$found$b[[1]]))
})

test_that("where time is up nothing more is written, and it is said", {
  late <- function(writer) {
    writer$deadline <- now() + 1
    writer$rate <- 1
    writer
  }
  folder <- temporary_folder()
  writer <- late(new_writer(folder))
  expect_null(write_frame(writer, "a", 1))
  expect_equal(write_frame(writer, "b", 1, size = 1000), "There was not enough time to save it.")
  close(writer$con)
})

test_that("frames that are damaged take no others along, and what they shared is marked", {
  shared <- new.env()
  broken <- function(writer) {
    file <- file(writer$file, "r+b")
    on.exit(close(file))
    seek(file, writer$frames$at(2)$offset + 20, rw = "write")
    writeBin(as.raw(rep(255, 20)), file)
  }
  back <- round_trip(list(a = 1, b = list(shared), c = list(shared, 3), d = 4), damage = broken)
  expect_equal(vapply(back$unread, function(frame) frame$key, ""), "b")
  expect_equal(back$found[c("a", "d")], list(a = 1, d = 4))
  expect_s3_class(back$found$c[[1]], "rspark_lost")
  expect_equal(back$found$c[[2]], 3)
})

test_that("what was taken back is not there, and shares nothing with what comes after", {
  shared <- new.env(parent = emptyenv())
  folder <- temporary_folder()
  writer <- new_writer(folder)
  write_frame(writer, "a", 1)
  mark <- mark_writer(writer)
  write_frame(writer, "b", list(shared, 2))
  undo(writer, mark)
  write_frame(writer, "c", list(shared, 3))
  close(writer$con)
  index <- list(frames = writer$frames$all(), references = writer$count)
  found <- list()
  expect_equal(read_frames(folder, index, new_reader(index), function(key, value) found[key] <<- list(value)), list())
  expect_equal(names(found), c("a", "c"))
  expect_type(found$c[[1]], "environment")
})

test_that("large files stay as they are", {
  folder <- temporary_folder()
  file <- file.path(folder, "objects")
  write_serialized(1:1e5 + 0, file)
  with_function("most_compressed", 10, compress(file))
  expect_equal(list.files(folder), "objects")
  compress(file)
  expect_equal(list.files(folder), "objects.gz")
  expect_equal(read_serialized(file.path(folder, "objects.gz")), 1:1e5 + 0)
})
