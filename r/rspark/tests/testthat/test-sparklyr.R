# sparklyr itself may not be had where this is checked; see the DESCRIPTION of the stand-in.
with_sparklyr <- function(code, folder = tempfile("a folder with spaces ")) {
  library <- tempfile("library")
  dir.create(library)
  dir.create(folder)
  installed <- system2(
    file.path(R.home("bin"), "R"), c("CMD", "INSTALL", "--no-test-load", paste0("--library=", library), test_path("stand-in/sparklyr")),
    stdout = FALSE, stderr = FALSE
  )
  expect_identical(installed, 0L)
  script <- tempfile(fileext = ".R")
  writeLines(c(sprintf("setwd(%s)", deparse(folder)), "library(rspark)", code), script)
  libraries <- paste(c(library, .libPaths()), collapse = ":")
  said <- suppressWarnings(system2(
    file.path(R.home("bin"), "Rscript"), script, stdout = TRUE, stderr = TRUE, env = paste0("R_LIBS=", libraries)
  ))
  list(said = said, left = list.files(folder, all.files = TRUE, no.. = TRUE))
}

test_that("with sparklyr Spark starts, with the memory, cores and catalog of the environment, and leaves nothing in the folder", {
  set <- rspark:::spark_defaults()
  ran <- with_sparklyr(c(
    "stopifnot(inherits(spark(), 'spark_connection'))",
    "ask <- function(name) cat(name, spark_sql(paste('SET', name))$value, '\\n')",
    "for (name in c('spark.driver.memory', 'spark.master', 'spark.sql.catalogImplementation', 'spark.sql.shuffle.partitions',",
    "               'spark.app.name')) ask(name)",
    "cat(tryCatch(spark_sql('SELECT * FROM nowhere'), error = conditionMessage), '\\n')",
    "spark_sql('SELECT 1 AS one')$one",
    "spark_stop()"
  ))
  for (name in c("spark.driver.memory", "spark.master", "spark.sql.catalogImplementation", "spark.sql.shuffle.partitions")) {
    expect_true(paste(name, set[[name]], "") %in% ran$said, label = paste(c(name, ran$said), collapse = "\n"))
  }
  expect_true(any(grepl("^spark.app.name R-[0-9]+ $", ran$said)))
  expect_true(any(grepl("^Spark says: \\[TABLE_OR_VIEW_NOT_FOUND\\]", ran$said)))
  expect_true("[1] 1" %in% ran$said)
  expect_true(any(grepl("Starting Spark", ran$said)))
  expect_identical(ran$left, character())
})

test_that("a person's own configuration of sparklyr comes before the environment's", {
  defaults <- list("sparklyr.shell.driver-memory" = "2g", "spark.sql.catalogImplementation" = "hive")
  config <- list("sparklyr.shell.driver-memory" = "3g", "spark.sql.catalogImplementation" = "hive")
  set <- list(spark.driver.memory = "1024m", spark.master = "local[2]", spark.sql.catalogImplementation = "in-memory")
  own <- rspark:::sparklyr_config(config, defaults, set)
  expect_identical(own[["sparklyr.shell.driver-memory"]], "3g")
  expect_identical(own[["spark.sql.catalogImplementation"]], "in-memory")
  expect_identical(own[["sparklyr.connect.cores.local"]], 2L)
})

test_that("the settings of Spark are read as Spark reads them", {
  file <- tempfile()
  writeLines(c("# a comment", "", "spark.app.id x", "spark.master k8s://https://kubernetes.default.svc", "spark.a=b c = d"), file)
  set <- rspark:::spark_defaults(file)
  expect_identical(rspark:::spark_master(set), "k8s://https://kubernetes.default.svc")
  expect_identical(set[["spark.a"]], "b c = d")
  expect_identical(rspark:::spark_master(rspark:::spark_defaults(tempfile())), "local")
})
