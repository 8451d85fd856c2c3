# Lists that are nested deeper than the stack of C is high, cut into pieces of a few levels each.

piece_levels <- 200L

# Return the pieces of a list, the innermost first and the outermost last. In the place of a piece is an environment of class
# `rspark_piece`, whose `piece` is the index of it in what is returned.
cut_list <- function(x) {
  waiting <- list(x)
  stands <- list()
  stand_in <- function(element) {
    n <- length(waiting) + 1L
    waiting[[n]] <<- element
    environment <- new.env(parent = emptyenv())
    class(environment) <- "rspark_piece"
    stands[[n]] <<- environment
    environment
  }
  pieces <- list()
  while (length(pieces) < length(waiting)) {
    n <- length(pieces) + 1L
    pieces[[n]] <- cut_levels(waiting[[n]], 1L, stand_in)
    waiting[n] <- list(NULL)
  }
  for (n in seq_along(stands)[-1]) stands[[n]]$piece <- length(pieces) + 1L - n
  rev(pieces)
}

cut_levels <- function(x, level, stand_in) {
  own <- attributes(x)
  attributes(x) <- NULL
  for (i in seq_along(x)) {
    element <- .subset2(x, i)
    if (typeof(element) == "list" && length(element)) {
      x[[i]] <- if (level == piece_levels) stand_in(element) else cut_levels(element, level + 1L, stand_in)
    }
  }
  attributes(x) <- own
  x
}
