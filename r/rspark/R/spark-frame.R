# Makes a data frame of what rspark_frames, the Python side, returns of a query: vectors as bytes, and lists as their parts.

frame <- function(found, zone) {
  columns <- lapply(found$columns, function(column) as_vector(column$vector, zone))
  names(columns) <- vapply(found$columns, function(column) column$name, "")
  warn_inexact(found$inexact)
  structure(columns, class = "data.frame", row.names = .set_row_names(as.integer(found$rows)))
}

as_vector <- function(vector, zone) {
  n <- vector$length
  values <- switch(vector$kind,
    raw = cut_up(vector$values, vector$sizes, n),
    list = cut_up(as_vector(vector$parts[[1]], zone), vector$sizes, n),
    map = as_maps(vector, zone),
    struct = as_structs(vector, zone),
    plain_vector(vector, zone)
  )
  if (!is.null(vector$missing)) {
    missing <- as.logical(vector$missing)
    values[missing] <- if (is.list(values)) list(NULL) else NA
  }
  values
}

plain_vector <- function(vector, zone) {
  numbers <- function(what) readBin(vector$values, what, n = vector$length)
  switch(vector$kind,
    integer = numbers("integer"),
    double = numbers("double"),
    logical = as.logical(numbers("integer")),
    integer64 = bit64_vector(numbers("double")),
    character = as_text(numbers("character"), vector$ascii),
    Date = .Date(numbers("double")),
    POSIXct = .POSIXct(numbers("double"), tz = if (vector$wall) "UTC" else other_zone(zone)),
    difftime = .difftime(numbers("double"), units = "secs"),
    hms = .difftime(numbers("double"), units = "secs", cl = c("hms", "difftime"))
  )
}

as_text <- function(text, ascii) {
  if (!ascii) Encoding(text) <- "UTF-8"
  text
}

# A double whose bits are those of the number, as bit64 has it; its methods are loaded, so that NA is its own.
bit64_vector <- function(bits) {
  loadNamespace("bit64")
  structure(bits, class = "integer64")
}

# Return Spark's time zone where R's clock differs from it, so that R shows the times that Spark shows. Names don't tell: Etc/UTC
# is UTC, and R may have to ask another program for its own.
other_zone <- function(zone) {
  instants <- .POSIXct(seq(0, 2^31, by = 5e6))
  if (identical(format(instants, "%F %T"), format(instants, "%F %T", tz = zone))) "" else zone
}

# Return a list of `n` vectors, of which each is the next of `values`; `sizes` are the bytes of their lengths.
cut_up <- function(values, sizes, n) {
  kept <- attributes(values)[c("class", "units", "tzone")]
  kept <- kept[!vapply(kept, is.null, logical(1))]
  rows <- rep.int(seq_len(n), readBin(sizes, "double", n = n))
  # A factor, for which split() is compiled code; made by hand, since factor() would sort a text for each row.
  rows <- structure(rows, levels = as.character(seq_len(n)), class = "factor")
  parts <- unname(split(as.vector(unclass(values)), rows))
  if (length(kept)) parts <- lapply(parts, `attributes<-`, kept)
  parts
}

as_maps <- function(vector, zone) {
  keys <- as_vector(vector$parts[[1]], zone)
  values <- as_vector(vector$parts[[2]], zone)
  keys <- cut_up(keys, vector$sizes, vector$length)
  values <- cut_up(values, vector$sizes, vector$length)
  if (vector$parts[[1]]$kind == "character") {
    return(Map(function(value, key) `names<-`(value, key), values, keys, USE.NAMES = FALSE))
  }
  Map(function(key, value) {
    map <- list(key = key, value = value)
    structure(map, class = "data.frame", row.names = .set_row_names(length(key)))
  }, keys, values, USE.NAMES = FALSE)
}

as_structs <- function(vector, zone) {
  parts <- lapply(vector$parts, as_vector, zone)
  names(parts) <- unlist(vector$names)
  lapply(seq_len(vector$length), function(i) lapply(parts, `[[`, i))
}

# What R can't hold is said once for a query, with the columns and with what to do.
warn_inexact <- function(inexact) {
  for (why in unique(vapply(inexact, function(each) each$why, ""))) {
    columns <- vapply(Filter(function(each) each$why == why, inexact), function(each) each$column, "")
    warning("In ", shown_columns(columns), ": ", inexact_words[[why]], call. = FALSE)
  }
}

inexact_words <- c(
  bigint = "whole numbers beyond 2^53, which R's doubles round. `bigint = \"integer64\"` or \"character\" keeps them.",
  decimal = "decimals of more digits than R's doubles hold; they are rounded. Cast to string in the query to keep them.",
  least = "the least number of 64 bits, which is NA in integer64. `bigint = \"character\"` keeps it.",
  nul = "text with NUL characters, which R's text can't hold; they are left out."
)

shown_columns <- function(columns) {
  paste0(paste0("`", utils::head(columns, 5), "`", collapse = ", "), if (length(columns) > 5) ", ...")
}
