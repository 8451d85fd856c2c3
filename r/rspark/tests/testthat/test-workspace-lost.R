# What can't come back is found wherever it hides, and looking runs nothing of the person's.

test_that("what can be kept is not taken for lost", {
  for (kept in list(
    1, "text", NULL, quote(a + b), y ~ x, mtcars, new.env(), function(x) x, as.list(function(a, b = 1) NULL),
    structure(1, class = "own"), globalenv(), asNamespace("stats"), as.environment("package:stats"), sum
  )) {
    expect_null(why_lost(kept, "kept"))
  }
})

test_that("a pointer to nothing, and those of packages that renew them, are kept", {
  expect_null(why_lost(methods::new("externalptr"), "x"))
  table <- structure(list(a = 1), class = c("data.table", "data.frame"), .internal.selfref = pointer())
  expect_null(why_lost(table, "table"))
})

test_that("a PostgreSQL connection is lost, and so is what holds one", {
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  expect_equal(why_lost(con, "con"), "It is a database connection, or belongs to one. Connect again.")
  expect_match(why_lost(list(db = con), "all"), "at all$db. Connect again.", fixed = TRUE)
})

test_that("a lazy table of dbplyr is lost with its connection", {
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  table <- structure(list(src = structure(list(con = con), class = "src_dbi")), class = c("tbl_dbi", "tbl_lazy"))
  expect_match(why_lost(table, "flights"), "at flights$src$con", fixed = TRUE)
})

test_that("a Python object is lost, and so is Spark's session", {
  python <- reticulate::py_eval("{}", convert = FALSE)
  expect_equal(why_lost(python, "python"), "It is a Python object. Make it again.")
  expect_match(why_lost(list(spark = spark()), "x"), "at x$spark", fixed = TRUE)
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
  expect_null(why_lost(structure(list(a = 1, b = list(box)), class = "treacherous"), "x"))
  expect_false(run)
})

test_that("a walk through anything ends", {
  ring <- new.env()
  ring$ring <- list(ring, function() ring)
  expect_null(why_lost(ring, "ring"))
  deep <- list()
  for (i in 1:5000) deep <- list(deep)
  expect_null(why_lost(deep, "deep"))
  left <- visits(most = 10L)
  expect_null(why_lost(rep(list(list(1)), 1000), "wide", left))
  expect_lt(left$visits, 0L)
})

test_that("the first environment that is everywhere ends the search", {
  here <- file(nullfile())
  on.exit(close(here))
  shadow <- new.env(parent = globalenv())
  assign("shadowed", here, envir = globalenv())
  on.exit(rm("shadowed", envir = globalenv()), add = TRUE)
  expect_null(why_lost(shadow, "shadow"))
})
