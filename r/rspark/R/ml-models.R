#' Models of Spark by formulas
#'
#' Spark fits them on its workers, of tables larger than R's memory, and R gets
#' what it prints. Formulas are as in `lm()`, with `+`, `-`, `:`, `*`, `^` and
#' `.`; texts and logical values become indicators, compared to the first in
#' the alphabet. Rows with a missing value in a column of the formula are left
#' out.
#'
#' `spark_lm()` and `spark_glm()` have standard errors and tests in their
#' summary. `spark_logistic()` is for two or more classes and may be
#' penalized. `spark_tree()`, `spark_forest()` and `spark_boosted()` predict a
#' number, or a class where the outcome is a text or a logical value.
#'
#' @param formula A formula; one without an outcome for `spark_kmeans()` and
#'   `spark_pca()`.
#' @param data A table of Spark: its name, a table of 'dplyr', or a data frame.
#' @param family `"gaussian"`, `"binomial"`, `"poisson"`, `"Gamma"` or a family
#'   of R, such as `poisson()`. With `"binomial"` the outcome is 0 or 1, or has
#'   two classes, of which the second one's probability is modelled.
#' @param penalty,mixture How strong a penalty is, and how much of it is that
#'   of the lasso, from 0 to 1.
#' @param scale Whether columns are brought to mean 0 and standard deviation 1
#'   first.
#' @param depth How deep a tree is, at most.
#' @param trees,rounds How many trees.
#' @param k How many clusters, or components.
#' @param seed What random numbers begin with.
#' @param ... More parameters by Spark's names, such as `minInstancesPerNode`.
#' @return A model, with methods for `print()`, `summary()`, `coef()` and
#'   `predict()`; see [predict.spark_model()].
#' @seealso [spark_cv()] to choose parameters, [spark_model_save()] to keep a
#'   model.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   summary(spark_lm(mpg ~ wt + cyl, mtcars))
#'   flowers <- spark_forest(Species ~ ., iris, trees = 10, seed = 1)
#'   table(predict(flowers, iris), iris$Species)
#'   spark_kmeans(~ Sepal.Length + Petal.Length, iris, k = 3, seed = 1)
#' }
#' @name spark_models
NULL

#' @rdname spark_models
#' @export
spark_lm <- function(formula, data, penalty = 0, mixture = 0, scale = FALSE, ...) {
  solver <- if (penalty > 0 && mixture > 0) "auto" else "normal"
  fit_model("lm", formula, data, scale, list(regParam = penalty, elasticNetParam = mixture, solver = solver, ...), match.call())
}

#' @rdname spark_models
#' @export
spark_glm <- function(formula, data, family = "gaussian", penalty = 0, scale = FALSE, ...) {
  if (is.function(family)) family <- family()
  link <- if (inherits(family, "family")) family$link
  name <- tolower(if (inherits(family, "family")) family$family else one_of(family, c("gaussian", "binomial", "poisson", "Gamma"), "family"))
  parameters <- list(family = name, regParam = penalty, ...)
  parameters$link <- if (identical(link, "1/mu")) "inverse" else link
  model <- fit_model("glm", formula, data, scale, parameters, match.call())
  model$family <- name
  model
}

#' @rdname spark_models
#' @export
spark_logistic <- function(formula, data, penalty = 0, mixture = 0, scale = FALSE, ...) {
  fit_model("logistic", formula, data, scale, list(regParam = penalty, elasticNetParam = mixture, ...), match.call())
}

#' @rdname spark_models
#' @export
spark_tree <- function(formula, data, depth = 5L, seed = NULL, ...) {
  fit_model("tree", formula, data, FALSE, list(maxDepth = as.integer(depth), seed = whole(seed), ...), match.call())
}

#' @rdname spark_models
#' @export
spark_forest <- function(formula, data, trees = 20L, depth = 5L, seed = NULL, ...) {
  parameters <- list(numTrees = as.integer(trees), maxDepth = as.integer(depth), seed = whole(seed), ...)
  fit_model("forest", formula, data, FALSE, parameters, match.call())
}

#' @rdname spark_models
#' @export
spark_boosted <- function(formula, data, rounds = 20L, depth = 5L, seed = NULL, ...) {
  parameters <- list(maxIter = as.integer(rounds), maxDepth = as.integer(depth), seed = whole(seed), ...)
  fit_model("boosted", formula, data, FALSE, parameters, match.call())
}

#' @rdname spark_models
#' @export
spark_kmeans <- function(formula, data, k = 2L, scale = FALSE, seed = NULL, ...) {
  fit_model("kmeans", formula, data, scale, list(k = as.integer(k), seed = whole(seed), ...), match.call(), outcome = FALSE)
}

#' @rdname spark_models
#' @export
spark_pca <- function(formula, data, k = 2L, scale = TRUE, ...) {
  fit_model("pca", formula, data, scale, list(k = as.integer(k), ...), match.call(), outcome = FALSE)
}

whole <- function(value) if (!is.null(value)) as.integer(value)

fit_model <- function(kind, formula, data, scale, parameters, call, outcome = TRUE) {
  table <- spark_frame(data)
  asked <- asked_model(kind, formula, table, scale, parameters, outcome)
  new_model(finish(python_side("rspark_ml")$fit(spark(), table, asked)), asked, call)
}

# Return what the Python side is asked for: a model of a formula on a table of Spark.
asked_model <- function(kind, formula, table, scale, parameters, outcome = TRUE) {
  parsed <- parse_formula(formula, unlist(table$columns), outcome)
  if (kind %in% c("lm", "glm", "logistic")) parameters$fitIntercept <- parsed$intercept
  parameters <- Filter(Negate(is.null), parameters)
  list(
    kind = kind, formula = parsed$text, outcome = parsed$outcome, terms = parsed$terms, columns = as.list(parsed$columns),
    parameters = if (length(parameters)) parameters else reticulate::dict(), scale = scale, intercept = parsed$intercept
  )
}

new_model <- function(fitted, asked, call) {
  described <- fitted$described
  described$terms <- term_names(described$terms, unlist(asked$columns))
  if (!is.null(described$text)) described$text <- named_rules(described$text, described$terms, unlist(described$levels))
  structure(
    c(described, list(kind = asked$kind, fitted = fitted, formula = asked$formula, outcome = asked$outcome, columns = asked$columns, has_intercept = asked$intercept, call = call)),
    class = c(paste0("spark_", asked$kind), "spark_model")
  )
}

# Spark's text of a tree with the names of terms and classes in place of their numbers.
named_rules <- function(text, terms, classes) {
  for (at in seq_along(classes)) text <- gsub(paste0("Predict: ", at - 1, ".0\n"), paste0("Predict: ", classes[[at]], "\n"), text, fixed = TRUE)
  for (at in rev(seq_along(terms))) text <- gsub(paste0("feature ", at - 1, " "), paste0(terms[[at]], " "), text, fixed = TRUE)
  sub("^[^\n]*\n", "", text)
}
