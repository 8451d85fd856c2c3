# What R's kernel sends of an error. That it is R's own console is tested with a kernel.

test_that("a text is an error's only when it says what that does", {
  expect_true(says("Error in f() : deep\n", simpleError("deep")))
  expect_true(says("Error: \n", simpleError("")))
  expect_false(says("a message\n", simpleError("deep")))
})

test_that("the calls of an error are without those that report it", {
  calls <- NULL
  f <- function() stop("deep")
  tryCatch(
    withCallingHandlers(f(), error = function(e) calls <<- user_calls(sys.calls())),
    error = function(e) NULL
  )
  expect_identical(utils::tail(calls, 2L), list(quote(f()), quote(stop("deep"))))
})

test_that("all that a console needs is there", {
  expect_true(.Call(console_find))
})
