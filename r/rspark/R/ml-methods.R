#' Predict by a model of Spark
#'
#' @param object A model, such as one of [spark_lm()].
#' @param newdata Rows with the columns of the formula. For a data frame there
#'   is one prediction for each row, `NA` where a column is missing or has a
#'   class that the model doesn't know. For a table of Spark a view is made.
#' @param type `"response"`: numbers, the probability of the second class for a
#'   binomial model, the classes of others, the number of the cluster, or a
#'   matrix of components; `"prob"`: a matrix of the probabilities of all
#'   classes.
#' @param view The name of the view for a table of Spark, in which `prediction`
#'   is one more column.
#' @param ... Not used.
#' @return A vector, a factor or a matrix; for a table of Spark a table of
#'   'dplyr'.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   model <- spark_lm(mpg ~ wt, mtcars)
#'   predict(model, data.frame(wt = c(2, 3)))
#' }
#' @export
predict.spark_model <- function(object, newdata, type = c("response", "prob"), view = NULL, ...) {
  if (missing(newdata)) problem("Say by `newdata` which rows are predicted: the model doesn't have those of which it was made.")
  type <- one_of(type, c("response", "prob"), "type")
  ml <- python_side("rspark_ml")
  check_columns(object, newdata)
  if (!is.data.frame(newdata) || !is.null(view)) {
    if (is.null(view)) view <- paste0("predictions_", as.integer(stats::runif(1, 1, 1e9)))
    check_name(view, "view")
    ml$predicted_view(object$fitted, spark_frame(newdata, "newdata"), view)
    return(if (is_installed("dbplyr")) getExportedValue("dplyr", "tbl")(spark_db(), view) else view)
  }
  rows <- as.data.frame(newdata)[setdiff(unlist(object$columns), object$outcome)]
  rows$rspark_row <- seq_len(nrow(rows))
  rows <- rows[stats::complete.cases(rows), , drop = FALSE]
  found <- frame(finish(ml$predict(spark(), object$fitted, spark_frame(rows), list("rspark_row"))), driver()$time_zone(spark()))
  at <- match(seq_len(nrow(newdata)), found$rspark_row)
  if (type == "prob") probabilities(object, found, at) else responses(object, found, at)
}

check_columns <- function(model, newdata) {
  wanted <- setdiff(unlist(model$columns), model$outcome)
  has <- if (is.data.frame(newdata)) names(newdata) else unlist(spark_frame(newdata, "newdata")$columns)
  if (length(lacking <- setdiff(wanted, has))) problem("`newdata` has no column ", lacking[[1]], ", which the model needs.")
}

responses <- function(model, found, at) {
  values <- found$prediction[at]
  if (model$kind == "pca") {
    return(matrix(unlist(values), nrow = length(at), byrow = TRUE, dimnames = list(NULL, component_names(model))))
  }
  if (model$kind == "kmeans") {
    return(as.integer(values) + 1L)
  }
  if (is.null(model$levels) || model$kind == "glm") {
    return(values)
  }
  factor(unlist(model$levels)[values + 1], levels = unlist(model$levels))
}

probabilities <- function(model, found, at) {
  classes <- unlist(model$levels)
  if (model$kind == "glm" && identical(model$family, "binomial")) {
    second <- found$prediction[at]
    return(matrix(c(1 - second, second), ncol = 2, dimnames = list(NULL, if (length(classes)) classes else c("0", "1"))))
  }
  if (is.null(found$probability)) problem("This model has no probabilities: its outcome is a number. Leave `type` out.")
  made <- matrix(NA_real_, nrow = length(at), ncol = length(found$probability[[1]]), dimnames = list(NULL, classes))
  made[!is.na(at), ] <- do.call(rbind, found$probability[at[!is.na(at)]])
  made
}

component_names <- function(model) paste0("PC", seq_along(unlist(model$explained)))

#' @importFrom stats coef predict
#' @export
coef.spark_model <- function(object, ...) {
  if (!is.null(object$matrix)) {
    made <- cbind(unlist(object$intercepts), do.call(rbind, lapply(object$matrix, unlist)))
    dimnames(made) <- list(if (nrow(made) > 1) unlist(object$levels), c("(Intercept)", unlist(object$terms)))
    if (!object$has_intercept) made <- made[, -1, drop = FALSE]
    return(if (nrow(made) == 1) made[1, ] else made)
  }
  if (is.null(object$coefficients)) problem("This model has no coefficients. print() shows what it has.")
  found <- stats::setNames(c(object$intercept, unlist(object$coefficients)), c("(Intercept)", unlist(object$terms)))
  if (object$has_intercept) found else found[-1]
}

#' @export
print.spark_model <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  cat("\nCall:\n", deparse1(x$call), "\n\n", sep = "")
  if (!is.null(x$coefficients) || !is.null(x$matrix)) {
    cat("Coefficients:\n")
    print(coef(x), digits = digits)
  } else if (x$kind == "kmeans") {
    cat("Centers of ", length(x$centres), " clusters", if (x$rows) paste0(", of ", x$rows, " rows"), ":\n", sep = "")
    print(cbind(centres_of(x), size = unlist(x$sizes)), digits = digits)
  } else if (x$kind == "pca") {
    print(rotation_of(x), digits = digits)
  } else {
    cat(what_trees(x), "\n\nImportance:\n", sep = "")
    print(importance_of(x), digits = digits)
  }
  invisible(x)
}

what_trees <- function(model) {
  what <- if (is.null(model$levels)) "a number" else paste(length(model$levels), "classes")
  count <- if (model$trees == 1) "A tree" else paste(model$trees, "trees")
  paste0(count, " for ", model$outcome, ", ", what, ", of ", model$rows, " rows")
}

importance_of <- function(model) {
  values <- stats::setNames(unlist(model$importance), unlist(model$terms))
  sort(values, decreasing = TRUE)
}

centres_of <- function(model) {
  made <- do.call(rbind, lapply(model$centres, unlist))
  dimnames(made) <- list(seq_len(nrow(made)), unlist(model$terms))
  made
}

rotation_of <- function(model) {
  made <- do.call(rbind, lapply(model$rotation, unlist))
  dimnames(made) <- list(unlist(model$terms), component_names(model))
  made
}

#' @export
summary.spark_model <- function(object, ...) {
  if (!is.null(object$errors)) {
    last <- length(object$errors)
    order <- if (object$has_intercept) c(last, seq_len(last - 1)) else seq_len(last)
    estimates <- coef(object)
    statistic <- if (object$kind == "lm" || !isTRUE(object$dispersion == 1)) c("t value", "Pr(>|t|)") else c("z value", "Pr(>|z|)")
    object$coefficients <- cbind(estimates, unlist(object$errors)[order], unlist(object$statistics)[order], unlist(object$p)[order])
    dimnames(object$coefficients) <- list(names(estimates), c("Estimate", "Std. Error", statistic))
  }
  class(object) <- c("summary.spark_model", class(object))
  object
}

#' @export
coef.summary.spark_model <- function(object, ...) object$coefficients

#' @importFrom stats printCoefmat pf
#' @export
print.summary.spark_model <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  if (is.null(x$errors)) {
    class(x) <- setdiff(class(x), "summary.spark_model")
    print(x, digits = digits)
    if (x$kind == "pca") print(rbind(`Proportion of Variance` = stats::setNames(unlist(x$explained), component_names(x))), digits = digits)
    if (x$kind == "logistic") cat("\nAccuracy: ", format(x$accuracy, digits = digits), " of ", x$rows, " rows\n", sep = "")
    if (!is.null(x$text)) cat("\n", x$text, sep = "")
    if (!is.null(x$r_squared)) cat_fit(x, digits)
    return(invisible(x))
  }
  cat("\nCall:\n", deparse1(x$call), "\n\nCoefficients:\n", sep = "")
  printCoefmat(x$coefficients, digits = digits)
  if (x$kind == "lm") cat_fit(x, digits) else cat_deviances(x, digits)
  invisible(x)
}

cat_fit <- function(x, digits) {
  cat("\nMultiple R-squared: ", formatC(x$r_squared, digits = digits), ",\tAdjusted R-squared: ", formatC(x$adjusted, digits = digits),
    "\n", x$rows, " rows, ", x$freedom, " degrees of freedom\n", sep = "")
  if (x$explained > 0 && x$freedom > 0 && x$r_squared < 1) {
    f <- x$r_squared / x$explained / ((1 - x$r_squared) / x$freedom)
    cat("F-statistic: ", formatC(f, digits = digits), " on ", x$explained, " and ", x$freedom, " DF, p-value: ",
      format.pval(pf(f, x$explained, x$freedom, lower.tail = FALSE), digits = digits), "\n", sep = "")
  }
}

cat_deviances <- function(x, digits) {
  cat("\n(Dispersion parameter for ", x$family, " family taken to be ", format(x$dispersion, digits = digits), ")\n\n",
    "    Null deviance: ", format(x$null_deviance, digits = digits), "  on ", x$null_freedom, "  degrees of freedom\n",
    "Residual deviance: ", format(x$deviance, digits = digits), "  on ", x$freedom, "  degrees of freedom\n",
    if (!is.null(x$aic)) paste0("AIC: ", format(x$aic, digits = digits), "\n"), sep = "")
}
