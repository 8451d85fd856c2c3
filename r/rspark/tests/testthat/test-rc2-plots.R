# The plots that R has, to be drawn again: the newest, within a bound of their number and of their memory.

remembered <- function(sizes, ...) {
  names <- vapply(sizes, function(size) attr(rc2_remember(list(numeric(size / 8)), ...), "rspark_number"), "")
  vapply(names, exists, NA, envir = rc2_plots, inherits = FALSE, USE.NAMES = FALSE)
}

test_that("the oldest plots go when there are many, or when they are large", {
  expect_equal(remembered(rep(8, 103)), rep(c(FALSE, TRUE), c(3, 100)))
  expect_equal(remembered(c(4e5, 4e5, 4e5, 8), most_bytes = 1e6), c(FALSE, TRUE, TRUE, TRUE))
  expect_equal(remembered(c(8, 4e6), most_bytes = 1e6), c(FALSE, TRUE))
})

test_that("another R of the same second gives its plots other numbers", {
  number <- function() attr(rc2_remember(list(1)), "rspark_number")
  numbers <- vapply(1:3, function(time) {
    rc2_plots$last <- NULL
    Sys.sleep(0.01)
    number()
  }, "")
  expect_false(anyDuplicated(numbers) > 0)
})
