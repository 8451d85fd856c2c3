library(testthat)
library(rspark)

test_check("rspark")
