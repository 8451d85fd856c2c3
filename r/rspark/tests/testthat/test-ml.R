test_that("a linear model is that of lm()", {
  ours <- spark_lm(mpg ~ wt + cyl, mtcars)
  theirs <- summary(lm(mpg ~ wt + cyl, mtcars))
  expect_equal(coef(summary(ours)), coef(theirs), tolerance = 1e-6)
  expect_equal(ours$r_squared, theirs$r.squared)
  expect_output(print(summary(ours)), "F-statistic: 70.91 on 2 and 29 DF")
  expect_equal(predict(ours, data.frame(wt = c(2, NA), cyl = 4)), c(27.27314, NA), tolerance = 1e-5)
  expect_equal(coef(spark_lm(mpg ~ wt * cyl - 1, mtcars)), coef(lm(mpg ~ wt * cyl - 1, mtcars)), tolerance = 1e-6)
  text <- transform(mtcars, size = ifelse(cyl > 4, "large", "a small"))
  expect_equal(coef(spark_lm(mpg ~ wt + size, text)), coef(lm(mpg ~ wt + size, text)), tolerance = 1e-6)
})

test_that("generalized linear models are those of glm()", {
  ours <- spark_glm(am ~ wt, mtcars, family = "binomial")
  expect_equal(coef(summary(ours)), coef(summary(glm(am ~ wt, binomial, mtcars))), tolerance = 1e-4)
  expect_equal(predict(ours, mtcars[1:2, ], "prob")[, "1"], predict(ours, mtcars[1:2, ]))
  expect_output(print(summary(ours)), "Residual deviance: 19.18  on 30")
})

test_that("models of classes know them by name, and names with dots", {
  for (model in list(spark_logistic(Species ~ ., iris), spark_tree(Species ~ ., iris, depth = 3, seed = 1))) {
    found <- predict(model, iris)
    expect_identical(levels(found), levels(iris$Species))
    expect_gt(mean(found == iris$Species), 0.95)
    expect_equal(unname(rowSums(predict(model, iris[c(1, 150), ], "prob"))), c(1, 1))
  }
  expect_output(print(summary(model)), "If \\(Petal[.]Length <= .*Predict: setosa")
  folder <- tempfile("model")
  spark_model_save(model, folder)
  expect_identical(predict(spark_model_load(folder), iris), found)
})

test_that("clusters and components are R's", {
  expect_equal(sort(unlist(spark_kmeans(~ Sepal.Length + Petal.Length, iris, k = 3, seed = 1)$sizes)), c(41, 51, 58), tolerance = 0.3)
  ours <- predict(spark_pca(~ mpg + wt + hp, mtcars), mtcars)
  theirs <- prcomp(~ mpg + wt + hp, mtcars, scale. = TRUE)$x[, 1:2]
  expect_equal(abs(ours), abs(theirs), ignore_attr = TRUE, tolerance = 1e-6)
})

test_that("cross-validation finds the best of a grid", {
  found <- spark_cv(mpg ~ wt + hp, mtcars, "tree", list(maxDepth = c(1L, 3L)), folds = 2, seed = 1)
  expect_equal(found$results$maxDepth, c(1, 3))
  expect_equal(found$best, which.min(found$results$mean))
  expect_length(predict(found$model, mtcars), 32)
  expect_output(print(found), "<- best")
})

test_that("what a formula can't say is one sentence", {
  expect_error(spark_lm(mpg ~ log(wt), mtcars), "make log\\(wt\\) a column first")
  expect_error(spark_lm(log(mpg) ~ wt, mtcars), "Make log\\(mpg\\) a column first")
  expect_error(spark_lm(mpg ~ nowhere, mtcars), "The table has no column nowhere")
  expect_error(spark_lm(Species ~ ., iris), "^Spark says: Species has classes; take spark_glm")
  expect_error(spark_kmeans(mpg ~ wt, mtcars), "Nothing stands before the ~ here")
  expect_error(predict(spark_lm(mpg ~ wt, mtcars), data.frame(x = 1)), "`newdata` has no column wt")
})
