#' Pairs of key and value
#'
#' What maps and reduces make and get. `keyval()` makes pairs of two vectors of
#' one length, of which a single one is repeated; a list has one value in each
#' of its elements, a data frame in each of its rows. `keys()` and `values()`
#' return what is in them.
#'
#' @param key,val Vectors, lists or data frames. With one argument, that is the
#'   values, and there are no keys.
#' @param pairs What `keyval()` or [from_dfs()] returned.
#' @return `keyval()` returns pairs, which [as.data.frame()] turns into a data
#'   frame with the columns `key` and `val`.
#' @examples
#' pairs <- keyval(c("a", "b", "a"), 1)
#' keys(pairs)
#' values(pairs)
#' as.data.frame(pairs)
#' @export
keyval <- function(key, val) {
  if (missing(val)) {
    val <- key
    key <- NULL
  }
  n <- pairs_length(val)
  if (!is.null(key)) {
    m <- pairs_length(key)
    if (m != n && m != 1 && n != 1) {
      problem("`key` has ", m, " elements and `val` ", n, ": one of both has to have as many as the other, or a single one.")
    }
    if (m == 0 || n == 0) {
      key <- pairs_part(key, 0)
      val <- pairs_part(val, 0)
    } else {
      key <- pairs_part(key, rep_len(seq_len(m), max(m, n)))
      val <- pairs_part(val, rep_len(seq_len(n), max(m, n)))
    }
  }
  structure(list(key = key, val = val), class = "keyval")
}

#' @rdname keyval
#' @export
keys <- function(pairs) {
  check_pairs(pairs)
  pairs$key
}

#' @rdname keyval
#' @export
values <- function(pairs) {
  check_pairs(pairs)
  pairs$val
}

#' @export
as.data.frame.keyval <- function(x, ...) {
  key <- if (is.null(x$key)) rep(NA, pairs_length(x$val)) else x$key
  column <- function(value) if (is.list(value)) I(value) else value
  found <- if (is.data.frame(key)) stats::setNames(key, paste0("key.", names(key))) else data.frame(key = column(key), ...)
  if (is.data.frame(x$val)) cbind(found, x$val) else cbind(found, data.frame(val = column(x$val), ...))
}

#' @export
print.keyval <- function(x, ...) {
  cat(pairs_length(x$val), "pairs of key and value\n")
  if (pairs_length(x$val)) utils::str(utils::head(as.data.frame(x), 5), give.head = FALSE, give.attr = FALSE)
  invisible(x)
}

check_pairs <- function(pairs) {
  if (!inherits(pairs, "keyval")) problem("`pairs` takes what keyval() or from_dfs() returns.")
}

pairs_length <- function(x) if (is.data.frame(x)) nrow(x) else length(x)

pairs_part <- function(x, at) if (is.data.frame(x)) x[at, , drop = FALSE] else x[at]

# What lies in files: a line for each pair, its key as text, a tab, and its value as text. The first letter is what it was.
pair_lines <- function(pairs) {
  n <- pairs_length(pairs$val)
  if (n == 0) {
    return(character())
  }
  key <- if (is.null(pairs$key)) rep("n", n) else item_texts(pairs$key)
  paste0(key, "\t", item_texts(pairs$val))
}

# Return the text of each element: equal for equal ones, without tabs and ends of lines.
item_texts <- function(x) {
  if (is.data.frame(x)) {
    row.names(x) <- NULL
    return(vapply(seq_len(nrow(x)), function(at) object_text("r", as.list(x[at, , drop = FALSE])), ""))
  }
  if (is.factor(x)) x <- as.character(x)
  if (is.object(x)) {
    return(vapply(seq_along(x), function(at) object_text("v", x[at]), ""))
  }
  x <- unname(x)
  switch(typeof(x),
    character = ifelse(is.na(x), "C", paste0("c", escaped(enc2utf8(x)))),
    integer = paste0("i", x),
    double = paste0("d", vapply(x, format, "", digits = 17)),
    logical = paste0("l", x),
    vapply(seq_along(x), function(at) object_text("o", x[[at]]), "")
  )
}

object_text <- function(letter, value) paste0(letter, jsonlite::base64_enc(serialize(value, NULL, version = 2L)))

object_of <- function(text) unserialize(jsonlite::base64_dec(substring(text, 2)))

# Return the pairs of lines.
line_pairs <- function(lines) {
  tab <- regexpr("\t", lines, fixed = TRUE)
  if (any(tab < 1)) problem("The input is not what to_dfs() or mapreduce() have written. Say by `input_format` what it is.")
  key <- substring(lines, 1, tab - 1)
  structure(list(key = items_of(key), val = items_of(substring(lines, tab + 1))), class = "keyval")
}

items_of <- function(texts) {
  letters <- unique(substring(texts, 1, 1))
  rest <- substring(texts, 2)
  if (!length(texts) || identical(letters, "n")) {
    return(NULL)
  }
  if (all(letters %in% c("c", "C"))) {
    return(ifelse(startsWith(texts, "C"), NA_character_, unescaped(rest)))
  }
  numeric <- function(as) as(ifelse(rest == "NA", NA_character_, rest))
  switch(paste(sort(letters), collapse = ""),
    i = numeric(as.integer),
    d = ,
    di = numeric(as.numeric),
    l = numeric(as.logical),
    v = do.call(c, lapply(texts, object_of)),
    r = do.call(rbind, lapply(texts, function(text) as.data.frame(object_of(text), check.names = FALSE, optional = TRUE))),
    lapply(texts, function(text) if (substring(text, 1, 1) %in% c("o", "v", "r")) object_of(text) else items_of(text))
  )
}

escaped <- function(x) {
  for (pair in list(c("\\", "\\\\"), c("\t", "\\t"), c("\n", "\\n"), c("\r", "\\r"))) x <- gsub(pair[[1]], pair[[2]], x, fixed = TRUE)
  x
}

unescaped <- function(x) {
  Encoding(x) <- "UTF-8"
  at <- grep("\\", x, fixed = TRUE)
  # A backslash of its own is a sign that is in no text, until the others are done.
  y <- gsub("\\\\", "\001", x[at], fixed = TRUE)
  for (pair in list(c("\\t", "\t"), c("\\n", "\n"), c("\\r", "\r"), c("\001", "\\"))) y <- gsub(pair[[1]], pair[[2]], y, fixed = TRUE)
  x[at] <- y
  x
}
