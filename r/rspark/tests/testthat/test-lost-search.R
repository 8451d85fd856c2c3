# What can't come back is found wherever it hides, and looking runs nothing of the person's.

# The places of what is lost, in R's words.
places <- function(x, name = "x") {
  found <- Filter(function(place) !place$healed, search_lost(x, name))
  vapply(found, function(place) place$where, "")
}

test_that("what can be kept is not taken for lost", {
  for (kept in list(
    1, "text", NULL, quote(a + b), y ~ x, mtcars, new.env(), function(x) x, as.list(function(a, b = 1) NULL),
    structure(1, class = "own"), globalenv(), asNamespace("stats"), as.environment("package:stats"), sum
  )) {
    expect_equal(places(kept), character())
  }
})

test_that("a pointer to nothing, and those of packages that renew them, are kept", {
  expect_equal(places(methods::new("externalptr")), character())
  table <- structure(list(a = 1), class = c("data.table", "data.frame"), .internal.selfref = pointer())
  expect_equal(places(table), character())
})

test_that("a PostgreSQL connection is lost, and so is what holds one", {
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  expect_equal(search_lost(con, "con")[[1]]$kind, "DBIObject")
  expect_equal(places(list(db = con), "all"), "all$db")
})

test_that("a lazy table of dbplyr is lost with its connection", {
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  table <- structure(list(src = structure(list(con = con), class = "src_dbi")), class = c("tbl_dbi", "tbl_lazy"))
  expect_equal(places(table, "flights"), "flights$src$con")
})

test_that("a Python object is lost, and so is Spark's session", {
  python <- reticulate::py_eval("{}", convert = FALSE)
  expect_equal(search_lost(python, "python")[[1]]$kind, "python.builtin.object")
  expect_equal(places(list(spark = spark())), "x$spark")
})

test_that("methods, promises and active bindings of the person are not run", {
  run <- FALSE
  # Registered, so that dispatch finds them as it finds those of a person.
  for (generic in c("length", "[[", "$", "names", "as.list")) {
    registerS3method(generic, "treacherous", function(...) run <<- TRUE, envir = asNamespace("base"))
  }
  box <- new.env()
  delayedAssign("promise", run <<- TRUE, assign.env = box)
  makeActiveBinding("active", function() run <<- TRUE, box)
  expect_equal(places(structure(list(a = 1, b = list(box)), class = "treacherous")), character())
  expect_false(run)
})

test_that("a walk through anything ends", {
  ring <- new.env()
  ring$ring <- list(ring, function() ring)
  expect_equal(places(ring), character())
  deep <- list()
  for (i in 1:100000) deep <- list(deep)
  expect_equal(places(deep), character())
  left <- visits(most = 10L)
  expect_equal(search_lost(rep(list(list(1)), 1000), "wide", left), list())
  expect_identical(left$visits, 0L)
})

test_that("the first environment that is everywhere ends the search", {
  here <- file(nullfile())
  on.exit(close(here))
  shadow <- new.env(parent = globalenv())
  assign("shadowed", here, envir = globalenv())
  on.exit(rm("shadowed", envir = globalenv()), add = TRUE)
  expect_equal(places(shadow), character())
})

test_that("a connection that is not a variable's own is put out of its place", {
  here <- file(nullfile())
  on.exit(close(here))
  box <- new.env(parent = globalenv())
  box$list <- list(1, structure(list(of = here), class = "own"))
  lockBinding("list", box)
  (found <- search_lost(list(box), "x"))
  replaced <- replace_at(list(box), found[[1]]$steps, function(there) placeholder("a connection", "Open it again."))
  expect_identical(found[[1]]$where, "x[[1]]$list[[2]]$of")
  expect_s3_class(unclass(replaced[[1]]$list[[2]])$of, "rspark_lost")
  expect_s3_class(box$list[[2]], "own")
  expect_true(bindingIsLocked("list", box))
})

test_that("what stands for something lost refuses each use of it, and says why", {
  lost <- placeholder("a connection (file)", "Open it again.")
  for (use in list(
    quote(lost$a), quote(lost[[1]]), quote(lost[1]), quote(lost + 1), quote(sqrt(lost)), quote(sum(lost)), quote(close(lost)),
    quote(as.character(lost)), quote(summary(lost)), quote(lost$a <- 1)
  )) {
    expect_error(eval(use), "This was a connection (file) before the session slept", fixed = TRUE)
  }
  expect_output(print(lost), "<lost> This was a connection (file)", fixed = TRUE)
  expect_output(str(list(a = lost)), "<lost>")
})
