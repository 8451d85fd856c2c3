# Where in an object something is that ends with the process.
#
# `serialize()` says that there is a pointer, not where. `search_lost()` walks the object to name the place. It runs none of the
# person's code: no method, no promise, no active binding. It doesn't recurse, and it ends after so many visits.

most_visits <- 300000L

# What of a class is lost without harm: attributes that the package does without or renews. NULL stands for all that it has.
self_healing <- list(
  classRepresentation = NULL, igraph = NULL, merMod = NULL, recordedplot = NULL, xgb.Booster = NULL,
  hashtab = NULL,
  data.table = ".internal.selfref", spec_tbl_df = "problems"
)

plain_attributes <- c("names", "row.names", "dim", "dimnames", "class", "levels", "tsp", "srcref", "wholeSrcref")

# Return what is lost in `x`: a list of `kind`, `where` (R's expression for the place), `steps` that lead there, `class` and the
# object itself, and `healed` where it does no harm.
search_lost <- function(x, name, left = visits()) {
  search <- list(found = new_growing(), visits = new_growing(), met = utils::hashtab("address"))
  search$visits$add(list(object = x, from = 0L, step = list("root", name), healing = FALSE))
  at <- 0L
  while (at < search$visits$size() && left$visits > 0L) {
    at <- at + 1L
    left$visits <- left$visits - 1L
    visit <- search$visits$at(at)
    visit_lost(search, at, visit$object, visit$healing)
    search$visits$set(at, visit[c("from", "step")])
  }
  search$found$all()
}

# A limit to the walks through one workspace, so that they end in a few seconds whatever is in it.
visits <- function(most = most_visits) {
  left <- new.env(parent = emptyenv())
  left$visits <- most
  left
}

visit_lost <- function(search, at, x, healing) {
  type <- typeof(x)
  if (!is.null(kind <- lost_kind(x, type))) {
    steps <- steps_to(search, at)
    place <- list(kind = kind, where = place_of(steps), steps = steps[-1], class = class(x)[[1]], object = x, healed = healing)
    return(search$found$add(place))
  }
  if (type %in% c("environment", "closure")) {
    return(visit_environment(search, at, x, type, healing))
  }
  healing <- visit_attributes(search, at, x, healing)
  if (type %in% c("list", "language", "expression", "pairlist")) {
    visit_elements(search, at, x, healing)
  }
}

branches <- c("list", "environment", "closure", "externalptr", "weakref", "language", "expression", "pairlist")

add_to_search <- function(search, x, at, step, healing) {
  if (!is.null(attributes(x)) || typeof(x) %in% branches) {
    search$visits$add(list(object = x, from = at, step = step, healing = healing))
  }
}

# Visit them, and return whether all that `x` has is healed.
visit_attributes <- function(search, at, x, healing) {
  own <- attributes(x)
  if (is.null(own)) {
    return(healing)
  }
  harmless <- character()
  for (class in names(self_healing)[inherits(x, names(self_healing), which = TRUE) > 0]) {
    if (is.null(self_healing[[class]])) healing <- TRUE
    if (class == "hashtab") visit_table(search, at, x)
    harmless <- c(harmless, self_healing[[class]])
  }
  kind <- if (isS4(x)) "slot" else "attribute"
  for (name in setdiff(names(own), plain_attributes)) {
    add_to_search(search, own[[name]], at, list(kind, name), healing || name %in% harmless)
  }
  healing
}

visit_elements <- function(search, at, x, healing) {
  names <- attr(x, "names", exact = TRUE)
  if (typeof(x) == "list") {
    x <- unclass(x) # so that no method of the person's class answers in place of the list
  } else {
    attributes(x) <- NULL
    x <- as.list(x)
  }
  for (i in seq_along(x)) {
    if (is.symbol(.subset2(x, i))) {
      next # it may be the one that stands for a missing argument, which no variable can hold
    }
    element <- .subset2(x, i)
    if (is.atomic(element) && is.null(attributes(element))) {
      next
    }
    named <- !is.null(names) && !is.na(names[[i]]) && nzchar(names[[i]])
    add_to_search(search, element, at, if (named) list("element", i, names[[i]]) else list("element", i), healing)
  }
}

# What a hash table holds: its own pointer is renewed, what it holds is the person's.
visit_table <- function(search, at, x) {
  utils::maphash(x, function(key, value) {
    add_to_search(search, key, at, list("entry"), FALSE)
    add_to_search(search, value, at, list("entry"), FALSE)
  })
}

# An environment, or what a function closes over, up to one that the new process has as well.
visit_environment <- function(search, at, x, type, healing) {
  visit_attributes(search, at, x, healing)
  if (type == "closure") {
    add_to_search(search, body(x), at, list("body"), healing)
    return(add_to_search(search, environment(x), at, list("enclosure"), healing))
  }
  if (is_everywhere(x) || !is.null(utils::gethash(search$met, x))) {
    return(invisible())
  }
  utils::sethash(search$met, x, TRUE)
  values <- mget(computed_bindings(x), envir = x)
  names <- names(values)
  for (i in seq_along(values)) {
    if (!is.symbol(.subset2(values, i))) {
      add_to_search(search, .subset2(values, i), at, list("binding", names[[i]]), healing)
    }
  }
  add_to_search(search, parent.env(x), at, list("parent"), healing)
}

steps_to <- function(search, at) {
  steps <- list()
  while (at > 0L) {
    visit <- search$visits$at(at)
    steps[[length(steps) + 1L]] <- visit$step
    at <- visit$from
  }
  rev(steps)
}

# Return R's expression for a place; of a long way its end.
place_of <- function(steps) {
  place <- steps[[1]][[2]]
  if (length(steps) > 50) {
    place <- "..."
    steps <- c(steps[1], utils::tail(steps, 10))
  }
  for (step in steps[-1]) {
    place <- switch(step[[1]],
      element = paste0(place, if (length(step) == 3) paste0("$", step[[3]]) else paste0("[[", step[[2]], "]]")),
      attribute = paste0("attr(", place, ", \"", step[[2]], "\")"),
      slot = if (step[[2]] == ".xData") place else paste0(place, "@", step[[2]]),
      binding = paste0(place, "$", step[[2]]),
      enclosure = paste0("environment(", place, ")"),
      body = paste0("body(", place, ")"),
      entry = paste0("an entry of ", place),
      parent = paste0("parent.env(", place, ")")
    )
  }
  place
}

# Return `x` with `new` in the place where the steps lead. Environments on the way are changed, all else is copied. `new` is a
# function of what is there.
replace_at <- function(x, steps, new) {
  if (!length(steps)) {
    return(new(x))
  }
  step <- steps[[1]]
  rest <- steps[-1]
  switch(step[[1]],
    element = replace_element(x, step[[2]], rest, new),
    slot = ,
    attribute = {
      attr(x, step[[2]]) <- replace_at(attr(x, step[[2]], exact = TRUE), rest, new)
      x
    },
    binding = replace_binding(x, step[[2]], rest, new),
    enclosure = {
      replace_at(environment(x), rest, new)
      x
    },
    parent = {
      replace_at(parent.env(x), rest, new)
      x
    },
    x # pointers in code were replaced when they were read
  )
}

replace_element <- function(x, i, rest, new) {
  if (typeof(x) != "list") {
    return(x)
  }
  own <- attributes(x)
  element <- replace_at(.subset2(x, i), rest, new)
  attributes(x) <- NULL
  x[i] <- list(element)
  attributes(x) <- own
  x
}

replace_binding <- function(x, name, rest, new) {
  value <- get(name, envir = x, inherits = FALSE)
  replaced <- replace_at(value, rest, new)
  if (typeof(value) != "environment" && !is.function(value) || !length(rest)) {
    locked <- bindingIsLocked(name, x)
    if (locked) baseenv()$unlockBinding(name, x)
    assign(name, replaced, envir = x)
    if (locked) lockBinding(name, x)
  }
  x
}

# Environments that `serialize()` writes by their name.
is_everywhere <- function(x) {
  identical(x, globalenv()) || identical(x, baseenv()) || identical(x, emptyenv()) || isNamespace(x) ||
    startsWith(environmentName(x), "package:")
}

# Return the names whose values are there: looking at them runs nothing.
computed_bindings <- function(x) {
  names <- setdiff(ls(x, all.names = TRUE, sorted = FALSE), "...")
  if (length(names)) {
    names <- names[!rlang::env_binding_are_active(x, names)]
  }
  if (length(names)) {
    names <- names[!rlang::env_binding_are_lazy(x, names)]
  }
  names
}
