# What can't be restored after a sleep, and the sentence that says why.
#
# `why_lost()` walks an object and finds what ends with the process, wherever it hides: in lists, attributes and slots,
# in environments and in what a function closes over. It runs none of the person's code: no method, no promise, no
# active binding. What it doesn't see (a pointer inside the code of a function, or beyond its limits), `serialize()`
# meets in any case; workspace-objects.R listens for that.

lost_kinds <- list(
  connection = c("a connection", "Open it again."),
  DBIObject = c("a database connection, or belongs to one", "Connect again."),
  python.builtin.object = c("a Python object", "Make it again."),
  jobjRef = c("a Java object", "Make it again."),
  externalptr = c("a pointer to memory that ends with the process", "Make it again."),
  weakref = c("a weak reference", "Make it again."),
  promise = c("a delayed value that was never computed", "Make it again.")
)

# These hold pointers and work without: they renew them, or never follow them.
self_healing <- c("classRepresentation", "data.table", "igraph", "merMod", "recordedplot", "xgb.Booster")

# A pointer to nothing is saved as well as anything.
null_pointer <- methods::new("externalptr")

deepest <- 200L

# A limit to the walks through one workspace, so that they end in a few seconds whatever is in it.
visits <- function(most = 300000L) {
  left <- new.env(parent = emptyenv())
  left$visits <- most
  left
}

# Return a sentence that says why `x` is lost, or NULL. `healing` is called with each object that works without its pointer.
why_lost <- function(x, name, left = visits(), healing = function(x) NULL) {
  walk <- list(left = left, met = utils::hashtab("address"), healing = healing)
  found <- find_lost(x, name, 0L, walk)
  if (!is.null(found)) lost_sentence(found$kind, if (found$where != name) paste("at", found$where))
}

lost_sentence <- function(kind, where = NULL) {
  words <- lost_kinds[[kind]]
  holds <- if (is.null(where)) paste0("It is ", words[[1]], ".") else paste0("It holds ", words[[1]], ", ", where, ".")
  paste(holds, words[[2]])
}

find_lost <- function(x, where, depth, walk) {
  walk$left$visits <- walk$left$visits - 1L
  if (walk$left$visits < 0L || depth > deepest) {
    return(NULL)
  }
  type <- typeof(x)
  branches <- c("list", "environment", "closure", "externalptr", "weakref")
  if (is.null(attributes(x)) && !(type %in% branches)) {
    return(NULL)
  }
  if (!is.null(kind <- lost_kind(x, type))) {
    return(list(kind = kind, where = where))
  }
  if (inherits(x, self_healing)) {
    walk$healing(x)
    return(NULL)
  }
  for (find in list(find_in_attributes, find_in_list, find_in_environments)) {
    if (!is.null(found <- find(x, type, where, depth + 1L, walk))) {
      return(found)
    }
  }
  NULL
}

# What `x` itself is, by its name in `lost_kinds`, or NULL.
lost_kind <- function(x, type) {
  if (type %in% c("externalptr", "weakref")) {
    return(if (!identical(x, null_pointer)) type)
  }
  for (kind in c("connection", "python.builtin.object", "jobjRef")) {
    if (inherits(x, kind)) {
      return(kind)
    }
  }
  if (isS4(x) && methods::is(x, "DBIObject")) "DBIObject"
}

find_in_attributes <- function(x, type, where, depth, walk) {
  own <- attributes(x)
  plain <- c("names", "row.names", "dim", "dimnames", "class", "levels", "tsp", "srcref", ".internal.selfref")
  for (name in setdiff(names(own), plain)) {
    place <- if (isS4(x)) paste0(where, "@", name) else paste0("attr(", where, ", \"", name, "\")")
    if (!is.null(found <- find_lost(own[[name]], place, depth, walk))) {
      return(found)
    }
  }
  NULL
}

find_in_list <- function(x, type, where, depth, walk) {
  if (type != "list") {
    return(NULL)
  }
  names <- attr(x, "names", exact = TRUE)
  x <- unclass(x) # so that no method of the person's class answers in place of the list
  for (i in seq_along(x)) {
    if (is.symbol(.subset2(x, i))) {
      next # it may be the one that stands for a missing argument, which no variable can hold
    }
    element <- .subset2(x, i)
    if (is.atomic(element) && is.null(attributes(element))) {
      next
    }
    named <- !is.null(names) && !is.na(names[[i]]) && nzchar(names[[i]])
    place <- paste0(where, if (named) paste0("$", names[[i]]) else paste0("[[", i, "]]"))
    if (!is.null(found <- find_lost(element, place, depth, walk))) {
      return(found)
    }
  }
  NULL
}

# An environment, or those that a function closes over, up to one that the new process has as well.
find_in_environments <- function(x, type, where, depth, walk) {
  if (type == "closure") {
    x <- environment(x)
    where <- paste0("environment(", where, ")")
  } else if (type != "environment") {
    return(NULL)
  }
  while (!is_everywhere(x) && is.null(utils::gethash(walk$met, x))) {
    utils::sethash(walk$met, x, TRUE)
    values <- mget(computed_bindings(x), envir = x)
    if (!is.null(found <- find_in_list(values, "list", where, depth, walk))) {
      return(found)
    }
    x <- parent.env(x)
    where <- paste0("parent.env(", where, ")")
  }
  NULL
}

# Environments that `serialize()` writes by their name.
is_everywhere <- function(x) {
  identical(x, globalenv()) || identical(x, baseenv()) || identical(x, emptyenv()) || isNamespace(x) ||
    startsWith(environmentName(x), "package:")
}

# Names whose values are there: looking at them runs nothing.
computed_bindings <- function(x) {
  names <- setdiff(ls(x, all.names = TRUE), "...")
  if (length(names)) {
    names <- names[!rlang::env_binding_are_active(x, names)]
  }
  if (length(names)) {
    names <- names[!rlang::env_binding_are_lazy(x, names)]
  }
  names
}
