# Saves a workspace of R beside save() itself, in one run: plain data, records, many names, closures, deep lists.
#
# Prints JSON: for each case the seconds of the processor that save() (`plain`) and ours take, and of some how both grow, by the
# number of what is saved. Both write to the same disk, compressed as each does it.

repeats <- 3L
growth <- c(5000L, 10000L, 20000L)

cases <- list(
  "300,000 records" = function() list(records = lapply(seq_len(300000), function(i) list(id = i, name = paste0("n", i)))),
  "a data frame of 200 MB" = function() list(frame = as.data.frame(matrix(stats::rnorm(25e6), ncol = 25))),
  "1,000,000 strings" = function() list(strings = paste0("name ", seq_len(1e6))),
  "5,000 names" = function() stats::setNames(lapply(seq_len(5000), function(i) list(i, as.character(i))), paste0("name_", seq_len(5000))),
  "10,000 closures" = function() list(closures = lapply(seq_len(10000), function(i) local({ x <- i; function() x }))),
  "20,000 lists, each in the other" = function() list(deep = Reduce(function(inner, i) list(i, inner), seq_len(20000), NULL))
)

growing <- function(n) {
  list(
    "names" = function() stats::setNames(lapply(seq_len(n), function(i) list(i, as.character(i))), paste0("name_", seq_len(n))),
    "records in a list" = function() list(records = lapply(seq_len(n), function(i) list(id = i, name = paste0("n", i)))),
    "closures in a list" = function() list(closures = lapply(seq_len(n / 2), function(i) local({ x <- i; function() x })))
  )
}

seconds <- function(work) {
  force(repeats)
  min(vapply(seq_len(repeats), function(i) { gc(FALSE); sum(system.time(work())[c("user.self", "sys.self")]) }, numeric(1)))
}

library(rspark)
rspark:::workspace_baseline()
folder <- tempfile("workspace")
dir.create(folder)
options(expressions = 5e5)
measured <- function(make) {
  values <- make()
  list2env(values, globalenv())
  names <- names(values)
  rm(values)
  plain <- tryCatch(
    seconds(function() save(list = names, envir = globalenv(), file = file.path(folder, "plain"))),
    error = function(error) NA
  )
  ours <- seconds(function() rspark:::workspace_save(folder))
  lost <- jsonlite::fromJSON(file.path(folder, "manifest.json"), simplifyVector = FALSE)$lost
  stopifnot(!length(Filter(function(entry) entry$name %in% names, lost)))
  rm(list = names, envir = globalenv())
  list(plain = plain, ours = ours)
}
results <- lapply(cases, measured)
grown <- list()
for (n in growth) {
  for (title in names(growing(n))) grown[[title]][[format(n, scientific = FALSE)]] <- measured(growing(n)[[title]])
}
cat(jsonlite::toJSON(list(cases = results, growth = grown), auto_unbox = TRUE, digits = NA, na = "null"), "\n")
