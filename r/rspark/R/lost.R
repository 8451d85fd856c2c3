# What ends with the process: what it is, the sentence that says why it is lost, and what stands in its place after a sleep.

lost_kinds <- list(
  connection = c("a connection", "Open it again."),
  DBIObject = c("a database connection, or belongs to one", "Connect again."),
  python.builtin.object = c("a Python object", "Make it again."),
  jobjRef = c("a Java object", "Make it again."),
  externalptr = c("a pointer to memory that ends with the process", "Make it again."),
  weakref = c("a weak reference", "Make it again.")
)

# A pointer to nothing is saved as well as anything.
null_pointer <- methods::new("externalptr")

lost_sentence <- function(kind, where = NULL) {
  words <- lost_kinds[[kind]]
  holds <- if (is.null(where)) paste0("It is ", words[[1]], ".") else paste0("It holds ", words[[1]], ", ", where, ".")
  paste(holds, words[[2]])
}

# An entry of what is lost. `failed` says that it was data and that saving it went wrong; else its kind is never kept.
lost_entry <- function(name, class, why, size = NULL, failed = FALSE) {
  if (!is.null(size)) why <- paste0(why, " It takes ", format(structure(size, class = "object_size"), units = "auto"), ".")
  entry <- list(name = name, class = class, why = trimws(gsub("\\s+", " ", why)))
  if (failed) c(entry, failed = TRUE) else entry
}

# Return what `x` itself is, by its name in `lost_kinds`, or NULL.
lost_kind <- function(x, type = typeof(x)) {
  if (type == "externalptr") {
    return(if (!identical(x, null_pointer)) type)
  }
  if (type == "weakref") {
    return(type)
  }
  if (is.null(attr(x, "class", exact = TRUE))) {
    return(NULL)
  }
  if (inherits(x, "connection") && !inherits(x, "terminal")) {
    return("connection")
  }
  for (kind in c("python.builtin.object", "jobjRef")) {
    if (inherits(x, kind)) {
      return(kind)
    }
  }
  if (isS4(x) && methods::is(x, "DBIObject")) "DBIObject"
}

# Return the names of the classes of database connections that hold a number and no pointer: only their names are seen in what
# `serialize()` writes.
pointerless_connections <- function() {
  if (!isNamespaceLoaded("DBI")) {
    return(character())
  }
  # With a `where`: with a `package` it would be attached.
  classes <- names(methods::getClassDef("DBIObject", where = asNamespace("DBI"))@subclasses)
  Filter(function(name) {
    class <- methods::getClassDef(name)
    !is.null(class) && !class@virtual && !("externalptr" %in% unlist(class@slots))
  }, classes)
}

# Make what stands in the place of something lost: its use is an error that says what it was.
placeholder <- function(was, why) {
  structure(list(), class = "rspark_lost", lost = list(was = was, why = why))
}

# Mark a pointer or an environment in place, since all that refers to it refers to this one.
mark_lost <- function(x, was, why) {
  attr(x, "lost") <- list(was = was, why = why)
  class(x) <- "rspark_lost"
  invisible(x)
}

lost_message <- function(x) {
  lost <- attr(x, "lost", exact = TRUE)
  paste0("This was ", lost$was, " before the session slept, and could not be saved. ", lost$why)
}

#' What stands in the place of something that a sleep could not save
#'
#' A connection or a pointer ends with its process. Where one was inside of
#' another object, that object is there after a sleep, and in the place of what
#' was lost is an object of class `rspark_lost`: printing it says what it was,
#' using it is an error that says the same.
#'
#' @param x An object of class `rspark_lost`.
#' @param ... Not used.
#' @return `format()` returns the sentence, `print()` its argument.
#' @name rspark_lost
NULL

#' @rdname rspark_lost
#' @export
print.rspark_lost <- function(x, ...) {
  cat("<lost>", lost_message(x), "\n")
  invisible(x)
}

#' @rdname rspark_lost
#' @method format rspark_lost
#' @export
format.rspark_lost <- function(x, ...) paste("<lost>", lost_message(x))

#' @export
toString.rspark_lost <- function(x, ...) format(x)

#' @importFrom utils str
#' @export
str.rspark_lost <- function(object, ...) cat(" <lost> ", lost_message(object), "\n", sep = "")

refuse_lost <- function(x, ...) problem(lost_message(x))

#' @export
`$.rspark_lost` <- function(x, name) refuse_lost(x)

#' @export
`[[.rspark_lost` <- function(x, ...) refuse_lost(x)

#' @export
`[.rspark_lost` <- function(x, ...) refuse_lost(x)

#' @export
`$<-.rspark_lost` <- function(x, name, value) refuse_lost(x)

#' @export
`[[<-.rspark_lost` <- function(x, ..., value) refuse_lost(x)

#' @export
`[<-.rspark_lost` <- function(x, ..., value) refuse_lost(x)

#' @export
as.character.rspark_lost <- function(x, ...) refuse_lost(x)

#' @export
as.data.frame.rspark_lost <- function(x, ...) refuse_lost(x)

#' @method summary rspark_lost
#' @export
summary.rspark_lost <- function(object, ...) refuse_lost(object)

#' @export
close.rspark_lost <- function(con, ...) refuse_lost(con)

#' @export
open.rspark_lost <- function(con, ...) refuse_lost(con)

#' @export
Ops.rspark_lost <- function(e1, e2) refuse_lost(if (inherits(e1, "rspark_lost")) e1 else e2)

#' @export
Math.rspark_lost <- function(x, ...) refuse_lost(x)

#' @export
Summary.rspark_lost <- function(..., na.rm) refuse_lost(..1)
