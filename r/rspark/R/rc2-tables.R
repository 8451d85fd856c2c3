# Pages of data frames and matrices for Rc²'s sheet: sorted, filtered and searched here, where the data are.

# The rows of the last view, which is read page by page.
rc2_view <- new.env(parent = emptyenv())

rc2_page <- function(asked) {
  x <- rc2_value(asked)
  columns <- rc2_columns(x)
  rows <- if (is.data.frame(x)) rc2_rows(x) else if (is.null(dim(x))) length(x) else nrow(x)
  order <- rc2_order(asked, x, columns, rows)
  matching <- if (is.null(order)) rows else length(order)
  places <- seq_len(max(0, min(asked$rows, matching - asked$first_row))) + asked$first_row
  chosen <- if (is.null(order)) places else order[places]
  shown <- seq_len(columns$count)
  shown <- shown[shown > asked$first_column & shown <= asked$first_column + asked$columns]
  list(
    rows = rows, matching = matching, all_columns = columns$count, first_row = asked$first_row, first_column = asked$first_column,
    columns = rc2_list(lapply(shown, function(place) rc2_column(columns$name(place), columns$get(place), isTRUE(asked$summarize)))),
    row_names = rc2_list(rc2_row_names(x, chosen)),
    cells = rc2_list(lapply(shown, function(place) rc2_list(rc2_cells(columns$get(place), chosen))))
  )
}

# Return how the columns of a table are read, one at a time.
rc2_columns <- function(x) {
  if (is.data.frame(x)) {
    bare <- unclass(x)
    named <- names(bare)
    list(count = length(bare), name = function(place) named[[place]], get = function(place) bare[[place]])
  } else if (is.atomic(x) && length(dim(x)) == 2L) {
    named <- colnames(x)
    list(
      count = ncol(x), name = function(place) if (is.null(named)) paste0("[,", place, "]") else named[[place]],
      get = function(place) as.vector(x[, place])
    )
  } else if (is.atomic(x) && is.null(dim(x))) {
    list(count = 1L, name = function(place) "value", get = function(place) x)
  } else {
    problem("This is no table.")
  }
}

rc2_row_names <- function(x, chosen) {
  named <- if (is.data.frame(x)) attr(x, "row.names") else if (is.null(dim(x))) names(x) else rownames(x)
  if (is.character(named)) substr(named[chosen], 1L, rc2_text) else as.character(chosen)
}

# Return the numbers of the rows that pass, in order; NULL for all of them as they are.
rc2_order <- function(asked, x, columns, rows) {
  wanted <- asked[c("sort", "filters", "search")]
  if (!length(wanted$sort) && !length(wanted$filters) && !nzchar(wanted$search)) {
    return(NULL)
  }
  key <- list(asked$name, asked$path, wanted, rc2_mark(x))
  if (identical(rc2_view$key, key)) {
    return(rc2_view$order)
  }
  passes <- NULL
  for (filter in wanted$filters) {
    found <- rc2_passes(rc2_numbered(columns, filter), filter$operator, filter$values)
    found[is.na(found)] <- FALSE
    passes <- if (is.null(passes)) found else passes & found
  }
  if (nzchar(wanted$search)) {
    found <- logical(rows)
    for (place in seq_len(columns$count)) found <- found | rc2_contains(columns$get(place), wanted$search)
    passes <- if (is.null(passes)) found else passes & found
  }
  order <- if (is.null(passes)) seq_len(rows) else which(passes)
  if (length(wanted$sort)) {
    keys <- lapply(wanted$sort, function(each) {
      key <- rc2_numbered(columns, each)
      key <- if (is.numeric(key)) unclass(key) else if (is.factor(key)) as.integer(key) else rank_of(as.character(key))
      key <- key[order]
      if (isTRUE(each$descending)) -key else key
    })
    order <- order[do.call(base::order, c(keys, list(method = "radix")))]
  }
  rc2_view$key <- key
  rc2_view$order <- order
  order
}

# Numbers in whose order the texts are.
rank_of <- function(texts) match(texts, sort(unique(texts)))

rc2_numbered <- function(columns, of) {
  if (of$column >= columns$count) problem("There is no such column.")
  columns$get(of$column + 1L)
}

rc2_contains <- function(column, text) {
  if (is.factor(column)) {
    return(grepl(tolower(text), tolower(levels(column)), fixed = TRUE)[as.integer(column)] %in% TRUE)
  }
  if (!is.atomic(column)) {
    return(logical(length(column)))
  }
  shown <- if (is.character(column)) column else rc2_formatted(column)
  !is.na(column) & grepl(tolower(text), tolower(shown), fixed = TRUE)
}

rc2_passes <- function(column, operator, values) {
  if (operator %in% c("is_missing", "is_present")) {
    return(is.na(column) == (operator == "is_missing"))
  }
  if (!length(values) || operator == "between" && length(values) != 2L) problem("This condition has no value.")
  if (operator == "contains") {
    return(rc2_contains(column, as.character(values[[1]])))
  }
  if (operator == "starts") {
    return(startsWith(as.character(column), as.character(values[[1]])))
  }
  values <- unlist(values)
  if (inherits(column, c("Date", "POSIXct"))) {
    values <- if (inherits(column, "Date")) unclass(as.Date(values)) else unclass(as.POSIXct(values, tz = attr(column, "tzone")[1L] %||% ""))
    column <- unclass(column)
  } else if (!is.numeric(column)) {
    column <- as.character(column)
    values <- if (is.logical(values)) as.character(values) else values
  }
  switch(operator,
    "=" = column == values[[1]], "!=" = column != values[[1]], "<" = column < values[[1]], "<=" = column <= values[[1]],
    ">" = column > values[[1]], ">=" = column >= values[[1]], "in" = column %in% values,
    between = column >= values[[1]] & column <= values[[2]]
  )
}

`%||%` <- function(a, b) if (is.null(a)) b else a

rc2_column <- function(name, column, summarize) {
  found <- list(name = rc2_cut(name, rc2_text), type = class(column)[[1]], label = rc2_label(column))
  if (!summarize) {
    return(found)
  }
  found$missing <- if (is.atomic(column)) sum(is.na(column)) else 0L
  if (is.factor(column)) {
    found$levels <- rc2_list(utils::head(levels(column), 200L))
  } else if (is.numeric(column)) {
    bare <- as.numeric(unclass(column))
    bare <- bare[is.finite(bare)]
    if (length(bare)) {
      dated <- inherits(column, c("Date", "POSIXct"))
      ends <- range(bare)
      found$minimum <- if (dated) rc2_like(ends[[1]], column) else ends[[1]]
      found$maximum <- if (dated) rc2_like(ends[[2]], column) else ends[[2]]
      width <- diff(ends)
      bins <- if (width > 0) pmin(20L, 1L + as.integer(20 * (bare - ends[[1]]) / width)) else rep(1L, length(bare))
      found$histogram <- rc2_list(tabulate(bins, 20L))
    }
  }
  found
}

rc2_like <- function(number, column) {
  attributes(number) <- list(class = oldClass(column), tzone = attr(column, "tzone"))
  rc2_formatted(number)
}

rc2_label <- function(column) {
  label <- attr(column, "label", exact = TRUE)
  if (is.character(label) && length(label) == 1L) rc2_cut(label)
}

rc2_cells <- function(column, chosen) {
  if (is.factor(column)) {
    return(substr(levels(column)[as.integer(column)[chosen]], 1L, rc2_text))
  }
  if (is.atomic(column) && is.null(dim(column))) {
    part <- unclass(column)[chosen]
    attributes(part) <- if (inherits(column, c("Date", "POSIXct"))) list(class = oldClass(column), tzone = attr(column, "tzone"))
    shown <- rc2_formatted(part)
    shown[is.na(part)] <- NA
    return(shown)
  }
  if (is.list(column)) {
    return(vapply(unclass(column)[chosen], function(each) rc2_cut(rc2_described(each)$summary), ""))
  }
  rep("\u2026", length(chosen))
}

rc2_formatted <- function(part) {
  if (is.character(part)) {
    return(substr(iconv(part, "UTF-8", "UTF-8", sub = "?"), 1L, rc2_text))
  }
  if (inherits(part, "Date")) {
    return(format.Date(part))
  }
  if (inherits(part, "POSIXct")) {
    return(format.POSIXct(part))
  }
  as.character(part)
}
