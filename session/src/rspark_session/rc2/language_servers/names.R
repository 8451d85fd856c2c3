# Which names in a code of R are the same variable, by R's own parser and the scopes of functions.

# One row for each place of a name. Those of one variable have the same `of`, the function that it is of; `given` says whether it gets
# its value there. A name after `$`, `@` or `::`, and that of an argument in a call, is no variable of this code.
names_of <- function(text) {
  data <- utils::getParseData(parse(text = text, keep.source = TRUE), includeText = TRUE)
  data <- data[data$token != "COMMENT", ]
  data <- data[order(data$parent, data$line1, data$col1, -data$line2, -data$col2), ]
  rows <- seq_len(nrow(data))
  up <- match(data$parent, data$id)
  before <- ifelse(data$parent == c(NA, data$parent)[rows], c(NA, data$token)[rows], NA)
  after <- ifelse(data$parent == c(data$parent, NA)[rows + 1L], c(data$token, NA)[rows + 1L], NA)
  arrow <- ifelse(data$parent == c(data$parent, NA)[rows + 1L], c(data$text, NA)[rows + 1L], NA)
  arrow_before <- ifelse(data$parent == c(NA, data$parent)[rows], c(NA, data$text)[rows], NA)
  is <- function(values, ...) !is.na(values) & values %in% c(...)
  name <- is(data$token, "SYMBOL", "SYMBOL_FUNCTION_CALL", "SYMBOL_FORMALS") & !is(before, "'$'", "'@'", "NS_GET", "NS_GET_INT")
  # A name that is a whole expression stands beside an arrow as that expression.
  whole <- ifelse(data$token == "SYMBOL", up, NA)
  to_left <- name & is(after[whole], "LEFT_ASSIGN", "EQ_ASSIGN") & is.na(before[whole]) & is.na(before)
  to_right <- name & is(before[whole], "RIGHT_ASSIGN") & is.na(before)
  outer <- (to_left & is(arrow[whole], "<<-")) | (to_right & is(arrow_before[whole], "->>"))
  counts <- name & data$token == "SYMBOL" & is(data$token[up], "forcond")
  formal <- data$token == "SYMBOL_FORMALS"
  given <- to_left | to_right | counts | formal
  is_function <- rows %in% up[data$token %in% c("FUNCTION", "'\\\\'", "'\\\\\\\\'")]
  functions <- lapply(which(name), function(row) {
    found <- integer()
    while (!is.na(row <- up[[row]])) if (is_function[[row]]) found <- c(found, data$id[[row]])
    found
  })
  bare <- gsub("^`|`$", "", data$text)[name]
  own <- given[name] & !outer[name]
  scope <- vapply(functions, function(found) c(found, 0L)[[1L]], 0L)
  owned <- paste(scope, bare)[own]
  of <- mapply(function(found, text, is_outer) {
    if (is_outer) found <- found[-1L]
    c(found[paste(found, text) %in% owned], 0L)[[1L]]
  }, functions, bare, outer[name])
  found <- data.frame(
    name = bare, line = data$line1[name], column = data$col1[name], last = data$col2[name], of = as.integer(of), given = given[name]
  )
  found[order(found$line, found$column), ]
}
