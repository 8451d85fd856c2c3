# The handlers by which R's kernel shows what R's own console shows.

handlers <- function(shown) {
  .self <- methods::getRefClass("Executor", where = asNamespace("IRkernel"))$new()
  own <- list2env(list(.self = .self))
  error <- function(e) NULL
  environment(error) <- own
  assign("stream", function(text, name) shown(text), envir = as.environment(.self))
  as_console(list(error = error, value = function(obj, visible) NULL))
}

test_that("a loop of warnings takes no more memory than R's own console", {
  original <- base::readline
  on.exit(replace_in("base", "readline", original))
  text <- character()
  console <- handlers(function(more) text <<- c(text, more))
  for (i in 1:1000) console$handler$warning(simpleWarning(paste("number", i)))
  expect_length(environment(console$flush)$pending, 50L)
  console$flush()
  expect_equal(text, "There were 50 or more warnings (use warnings() to see the first 50)\n")
})
