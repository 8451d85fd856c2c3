test_that("a function runs on each group and on each part, with what it uses, and its error is what R said", {
  slopes <- spark_apply(mtcars, function(cars) {
    data.frame(cyl = cars$cyl[1], slope = coef(lm(mpg ~ wt, data = cars))[["wt"]])
  }, group_by = "cyl")
  in_r <- vapply(split(mtcars, mtcars$cyl), function(cars) coef(lm(mpg ~ wt, data = cars))[["wt"]], 0)
  expect_equal(slopes$slope[order(slopes$cyl)], unname(in_r))
  times <- 3
  many <- spark_apply(spark()$range(100L), function(part, add) data.frame(x = part$id * times + add, s = "\u00fc"), add = 1)
  expect_equal(sort(many$x), 0:99 * 3 + 1)
  expect_identical(unique(many$s), "\u00fc")
  fails <- function(part) if (max(part$id) > 98) stop("this part is too large") else part
  expect_error(spark_apply(spark()$range(100L), fails, columns = data.frame(id = 1)), "R says: this part is too large")
  expect_error(spark_apply(mtcars, function(part) 1), "`f` has to return a data frame; it returned numeric")
  expect_error(spark_apply(mtcars, function(part) part, group_by = "nowhere"), "no column nowhere")
  expect_identical(spark_apply(mtcars, ~ data.frame(n = nrow(.x)), view = "sizes_of_parts"), "sizes_of_parts")
  expect_equal(spark_sql("SELECT sum(n) AS n FROM sizes_of_parts")$n, 32)
})

test_that("columns have the names that R gives them, dots and backticks included", {
  means <- spark_apply(iris, function(rows) {
    data.frame(Kind.Of.Iris = rows$Species[1], mean.length = mean(rows$Sepal.Length))
  }, group_by = "Species")
  expect_equal(means$mean.length[order(means$Kind.Of.Iris)], c(5.006, 5.936, 6.588))
  odd <- data.frame(1:4, c(1, 1, 2, 2))
  names(odd) <- c("a`b.c", "by.what")
  sums <- spark_apply(odd, ~ data.frame(sum = sum(.x[["a`b.c"]])), group_by = "by.what")
  expect_setequal(sums$sum, c(3, 7))
  expect_setequal(spark_apply(odd, ~ .x)[["a`b.c"]], 1:4)
})
