#' Choose a model's parameters by cross-validation
#'
#' Spark fits the model for each combination of the grid on all but one of the
#' folds, and measures it on the one that was left out. A model on all rows with
#' the best combination is the result's `model`.
#'
#' @inheritParams spark_models
#' @param model Which: `"lm"`, `"glm"`, `"logistic"`, `"tree"`, `"forest"` or
#'   `"boosted"`.
#' @param grid A named list of values to try, by Spark's names of parameters, such
#'   as `list(maxDepth = 2:5)`.
#' @param folds How many folds.
#' @param metric What is measured: `"rmse"`, `"mae"` or `"r2"` of a number;
#'   `"accuracy"`, `"f1"`, or `"areaUnderROC"` of two classes.
#' @param ... Parameters that stay as they are, by Spark's names.
#' @return A list of class `spark_cv` with `results`, a data frame with a row for
#'   each combination, and `model`, which [predict.spark_model()] takes.
#' @examples
#' \donttest{
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   spark_cv(mpg ~ wt + hp, mtcars, "tree", list(maxDepth = c(1L, 2L)), folds = 2, seed = 1)
#' }
#' }
#' @export
spark_cv <- function(formula, data, model = c("lm", "glm", "logistic", "tree", "forest", "boosted"), grid, folds = 5, metric = NULL,
                     scale = FALSE, seed = 1L, ...) {
  kind <- one_of(model, c("lm", "glm", "logistic", "tree", "forest", "boosted"), "model")
  if (!is.list(grid) || !length(grid) || is.null(names(grid))) {
    problem("`grid` takes a named list of values to try, such as list(maxDepth = 2:5).")
  }
  table <- spark_frame(data)
  asked <- asked_model(kind, formula, table, scale, list(...))
  found <- finish(python_side("rspark_ml")$validate(
    spark(), table, asked, lapply(grid, as.list), as.integer(folds), metric, as.integer(seed)
  ))
  results <- do.call(rbind, lapply(found$table, function(row) as.data.frame(row)))
  results$mean <- unlist(found$means)
  results$sd <- unlist(found$deviations)
  best <- if (found$larger) which.max(results$mean) else which.min(results$mean)
  structure(
    list(results = results, best = best, metric = metric, model = new_model(found$fitted, asked, match.call())),
    class = "spark_cv"
  )
}

#' @export
print.spark_cv <- function(x, ...) {
  cat("Cross-validation of ", x$model$formula, if (!is.null(x$metric)) paste0(" by ", x$metric), ":\n", sep = "")
  shown <- x$results
  shown[[" "]] <- ifelse(seq_len(nrow(shown)) == x$best, "<- best", "")
  print(shown, row.names = FALSE)
  invisible(x)
}

#' Keep a model of Spark
#'
#' A model lives in Spark's memory: after a sleep it is named as lost. In a
#' folder it is there for any session.
#'
#' @param model A model, such as one of [spark_lm()].
#' @param folder A folder; what is in it is replaced.
#' @return `spark_model_load()` returns the model; `spark_model_save()` the
#'   folder, invisibly.
#' @examples
#' if (nzchar(Sys.getenv("SPARK_HOME"))) {
#'   folder <- tempfile("model")
#'   spark_model_save(spark_lm(mpg ~ wt, mtcars), folder)
#'   spark_model_load(folder)
#' }
#' @export
spark_model_save <- function(model, folder) {
  if (!inherits(model, "spark_model")) problem("`model` takes a model of Spark, such as one of spark_lm().")
  check_name(folder, "folder")
  folder <- normalizePath(folder, mustWork = FALSE)
  python_side("rspark_ml")$save(model$fitted, session_folder(folder))
  kept <- model[setdiff(names(model), "fitted")]
  saveRDS(structure(kept, class = class(model)), file.path(folder, "r.rds"))
  invisible(folder)
}

#' @rdname spark_model_save
#' @export
spark_model_load <- function(folder) {
  check_name(folder, "folder")
  described <- file.path(folder, "r.rds")
  if (!file.exists(described)) problem("There is no model in ", folder, ". spark_model_save() writes one.")
  model <- readRDS(described)
  model$fitted <- python_side("rspark_ml")$load(session_folder(folder), model$kind, model$columns, model$levels)
  model
}
