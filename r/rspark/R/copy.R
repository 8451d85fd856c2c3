# Describes the columns of a data frame as plain bytes, of which rspark_columns, the Python side, makes a table of Arrow.

described_columns <- function(data) {
  unname(Map(
    function(name, values) list(name = enc2utf8(name), vector = described(values, name)),
    names(data), as.list(data)
  ))
}

described <- function(values, name) {
  kind <- kind_of(values, name)
  if (kind == "list") {
    return(described_list(values, name))
  }
  if (kind == "integer64") {
    missing <- as.logical(getExportedValue("bit64", "is.na.integer64")(values))
    return(with_missing(list(kind = kind, length = length(values), values = as_bytes(unclass(values))), missing))
  }
  missing <- is.na(values) & !(is.double(values) & is.nan(values))
  content <- switch(kind,
    logical = as.integer(values),
    character = enc2utf8(as.character(values)),
    Date = as.double(values),
    POSIXct = as.double(as.POSIXct(values)),
    difftime = as.double(values, units = "secs"),
    unclass(values)
  )
  content[missing] <- if (is.character(content)) "" else if (is.integer(content)) 0L else 0
  attributes(content) <- NULL
  with_missing(list(kind = kind, length = length(content), values = as_bytes(content)), missing)
}

# Bytes of numbers, or of text of which each ends with NUL. A vector of bytes is a bytearray in Python.
as_bytes <- function(values) {
  if (length(values)) writeBin(values, raw()) else raw()
}

with_missing <- function(vector, missing) {
  if (any(missing)) vector$missing <- as.raw(missing)
  vector
}

described_list <- function(values, name) {
  missing <- vapply(values, is.null, NA)
  sizes <- as_bytes(as.double(lengths(values)))
  if (all(vapply(values[!missing], is.raw, NA)) && any(!missing)) {
    content <- unlist(values[!missing], use.names = FALSE)
    vector <- list(kind = "raw", length = length(values), sizes = sizes, values = if (is.null(content)) raw() else content)
  } else {
    parts <- if (any(vapply(values, is.list, NA))) do.call(c, values) else unlist_keeping_class(values)
    vector <- list(kind = "list", length = length(values), sizes = sizes, parts = list(described(parts, name)))
  }
  with_missing(vector, missing)
}

unlist_keeping_class <- function(values) {
  values <- Filter(length, values)
  if (length(values)) do.call(c, unname(lapply(values, function(each) if (is.factor(each)) as.character(each) else each))) else logical()
}

kind_of <- function(values, name) {
  if (inherits(values, "integer64")) "integer64"
  else if (inherits(values, "Date")) "Date"
  else if (inherits(values, c("POSIXct", "POSIXlt"))) "POSIXct"
  else if (inherits(values, "difftime")) "difftime"
  else if (is.factor(values) || is.character(values)) "character"
  else if (is.logical(values)) "logical"
  else if (is.integer(values)) "integer"
  else if (is.double(values)) "double"
  else if (is.list(values) && !is.data.frame(values)) "list"
  else problem("The column `", name, "` is of class ", class(values)[[1]], ", for which Spark has no type. Change or drop it.")
}
