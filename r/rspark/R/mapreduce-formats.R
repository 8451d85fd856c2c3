#' How the files of a job are read and written
#'
#' A job of [mapreduce()] reads lines of text, or pairs that [to_dfs()] or a job
#' has written. `input_format()` makes of lines what a map gets as its values,
#' and `output_format()` makes lines of pairs, in files that other programs read.
#'
#' @param type `"native"`: pairs of any values of R, as `to_dfs()` and jobs write
#'   them. `"text"`: lines, and of a pair its key, a tab, and its value. `"csv"`: a
#'   data frame. `"json"`: one value of JSON in each line, as a list.
#' @param sep What is between two columns of `"csv"`, or between key and value of
#'   `"text"`.
#' @param col_names The names of the columns of `"csv"`. Its files have no line
#'   of names: parts of them are read apart.
#' @param col_classes The classes of these columns, as for [utils::read.table()].
#' @return A format, for the arguments of the same names of [mapreduce()].
#' @examples
#' cars <- input_format("csv", sep = ";", col_names = c("model", "mpg"))
#' @export
input_format <- function(type = c("native", "text", "csv", "json"), sep = ",", col_names = NULL, col_classes = NA) {
  type <- one_of(type, c("native", "text", "csv", "json"), "type")
  structure(list(type = type, sep = sep, col_names = col_names, col_classes = col_classes), class = "mapreduce_format")
}

#' @rdname input_format
#' @export
output_format <- function(type = c("native", "text", "csv", "json"), sep = NULL) {
  type <- one_of(type, c("native", "text", "csv", "json"), "type")
  if (is.null(sep)) sep <- if (type == "csv") "," else "\t"
  structure(list(type = type, sep = sep), class = "mapreduce_format")
}

as_format <- function(format, argument) {
  if (inherits(format, "mapreduce_format")) {
    return(format)
  }
  if (!is.character(format) || length(format) != 1) problem("`", argument, "` takes a name, such as \"text\", or what ", argument, "() returns.")
  switch(argument, input_format = input_format(format), output_format = output_format(format))
}

# Return what a map gets of lines.
lines_read <- function(lines, format) {
  switch(format$type,
    native = line_pairs(lines),
    text = keyval(lines),
    json = json_pairs(lapply(lines, jsonlite::fromJSON)),
    csv = {
      if (!length(lines)) {
        return(keyval(data.frame()))
      }
      found <- utils::read.table(
        text = lines, sep = format$sep, header = FALSE, quote = "\"", comment.char = "", stringsAsFactors = FALSE,
        colClasses = format$col_classes, fill = TRUE
      )
      if (length(format$col_names)) names(found) <- format$col_names
      keyval(found)
    }
  )
}

# What output_format("json") has written are pairs again.
json_pairs <- function(values) {
  is_pair <- vapply(values, function(value) is.list(value) && identical(names(value), c("key", "val")), NA)
  if (!length(values) || !all(is_pair)) {
    return(keyval(values))
  }
  simple <- function(found) if (all(lengths(found) == 1L) && all(vapply(found, is.atomic, NA))) unlist(found) else found
  keyval(simple(lapply(values, `[[`, "key")), simple(lapply(values, `[[`, "val")))
}

# Return the lines of pairs.
lines_written <- function(pairs, format) {
  if (!pairs_length(pairs$val)) {
    return(character())
  }
  switch(format$type,
    native = pair_lines(pairs),
    json = vapply(seq_len(pairs_length(pairs$val)), function(at) {
      value <- list(key = one_item(pairs$key, at), val = one_item(pairs$val, at))
      as.character(jsonlite::toJSON(value, auto_unbox = TRUE, digits = NA, null = "null"))
    }, ""),
    {
      table <- as.data.frame(pairs)
      if (is.null(pairs$key)) table <- table[-1]
      table[] <- lapply(table, function(column) if (is.list(column)) vapply(column, paste, "", collapse = format$sep) else column)
      quote <- format$type == "csv"
      utils::capture.output(utils::write.table(table, sep = format$sep, quote = quote, row.names = FALSE, col.names = FALSE, na = ""))
    }
  )
}

one_item <- function(x, at) {
  if (is.null(x)) NULL else if (is.data.frame(x)) as.list(x[at, , drop = FALSE]) else x[[at]]
}
