# What Rc²'s server asks R about what it has in memory. Nothing of a person's is called that may run code of theirs, and no
# promise and no active binding is evaluated.

# Write the answer to a question into a file, both as JSON.
rc2_answer <- function(file, question) {
  asked <- jsonlite::fromJSON(question, simplifyVector = FALSE)
  answer <- tryCatch(
    rc2_answers(asked),
    error = function(error) list(problem = conditionMessage(error))
  )
  whole <- paste0(file, ".new")
  writeLines(enc2utf8(as.character(rc2_json(answer))), whole, useBytes = TRUE)
  file.rename(whole, file)
  invisible()
}

rc2_answers <- function(asked) {
  switch(asked$ask,
    variables = rc2_variables(asked), children = rc2_children(asked), page = rc2_page(asked), help = rc2_help(asked),
    libraries = rc2_libraries(), complete = rc2_complete(asked), inspect = rc2_inspect(asked), plot = rc2_plot(asked),
    spark = rc2_spark(asked), breakpoints = rc2_breakpoints(asked), frame = rc2_frame_children(asked), run_on = rc2_run_on(),
    problem("This R knows no question ", asked$ask, ".")
  )
}

rc2_json <- function(value) jsonlite::toJSON(value, auto_unbox = TRUE, null = "null", na = "null", digits = NA)

# A vector that is a list in JSON, also when it has one element or none.
rc2_list <- function(values) I(as.list(unname(values)))

rc2_short <- 200L
rc2_text <- 2000L

rc2_cut <- function(text, most = rc2_short) {
  text <- paste(enc2utf8(text), collapse = " ")
  text <- iconv(text, "UTF-8", "UTF-8", sub = "?")
  if (nchar(text) > most) paste0(substr(text, 1L, most - 1L), "\u2026") else text
}

# Variables -------------------------------------------------------------------

# What the last look found: a value by which a change is seen, by the variable's name, and which were changed then.
rc2_seen <- new.env(parent = emptyenv())
rc2_small <- 65536 # bytes: a value up to here is remembered itself, so that any change of it makes R copy it

rc2_variables <- function(asked) {
  env <- globalenv()
  names <- sort(ls(env, sorted = FALSE))
  more <- max(0L, length(names) - asked$most)
  names <- utils::head(names, asked$most)
  fresh <- isTRUE(asked$fresh) || is.null(rc2_seen$marks)
  if (fresh) rc2_seen$marks <- new.env(parent = emptyenv())
  marks <- rc2_seen$marks
  before <- ls(marks, all.names = TRUE, sorted = FALSE)
  was_changed <- rc2_seen$changed
  unevaluated <- rc2_unevaluated(env, names)
  set <- list()
  changed <- character()
  for (place in seq_along(names)) {
    name <- names[[place]]
    kind <- unevaluated[[place]]
    mark <- if (nzchar(kind)) kind else rc2_mark(get(name, envir = env, inherits = FALSE))
    known <- exists(name, envir = marks, inherits = FALSE)
    if (known && identical(get(name, envir = marks, inherits = FALSE), mark)) {
      if (!fresh && !(name %in% was_changed)) next
    } else {
      assign(name, mark, envir = marks)
      if (!fresh) changed <- c(changed, name)
    }
    set[[length(set) + 1L]] <- rc2_variable(name, kind, env, name %in% changed)
  }
  removed <- setdiff(before, names)
  rm(list = removed, envir = marks)
  rc2_seen$changed <- changed
  list(all = fresh, set = rc2_list(set), removed = rc2_list(removed), more = more)
}

# Return "active" or "promise" for what has to be left alone, else "".
rc2_unevaluated <- function(env, names) {
  if (!length(names)) {
    return(character())
  }
  active <- rlang::env_binding_are_active(env, names)
  lazy <- active
  lazy[!active] <- rlang::env_binding_are_lazy(env, names[!active])
  unname(ifelse(active, "active", ifelse(lazy, "promise", "")))
}

# Whether it is an argument that was not given.
rc2_is_missing <- function(env, name) {
  tryCatch({
    get(name, envir = env, inherits = FALSE)
    FALSE
  }, error = function(error) TRUE)
}

# Return something that differs when the value has changed.
rc2_mark <- function(x) {
  if (is.environment(x)) {
    return(list(x, length(x)))
  }
  if (is.function(x) || is.language(x) || (is.atomic(x) && length(x) * 8 <= rc2_small)) {
    return(list(x))
  }
  if (is.list(x) && length(x) <= 1000L && all(vapply(x, is.atomic, NA)) && sum(lengths(x, use.names = FALSE)) * 8 <= rc2_small) {
    return(list(x))
  }
  list(rlang::obj_address(x), length(x), rc2_sample(x))
}

rc2_sample <- function(x) {
  bare <- unclass(x)
  if (is.atomic(bare)) {
    return(bare[unique(round(seq(1, length(bare), length.out = 1000L)))])
  }
  if (is.list(bare)) lapply(utils::head(bare, 100L), function(each) list(rlang::obj_address(each), length(unclass(each))))
}

rc2_variable <- function(name, unevaluated = "", env = NULL, changed = FALSE, value = NULL) {
  found <- list(name = rc2_cut(name, rc2_text), children = FALSE, changed = changed)
  if (nzchar(unevaluated)) {
    summary <- if (unevaluated == "active") "an active binding" else "not evaluated yet"
    return(c(found, list(kind = unevaluated, type = unevaluated, summary = summary)))
  }
  if (!is.null(env) && rc2_is_missing(env, name)) {
    return(c(found, list(kind = "other", type = "missing", summary = "missing")))
  }
  x <- if (is.null(env)) value else get(name, envir = env, inherits = FALSE)
  dimensions <- attr(x, "dim", exact = TRUE)
  found$type <- typeof(x)
  found$classes <- rc2_list(utils::head(class(x), 10L))
  described <- rc2_described(x)
  found$kind <- described$kind
  found$summary <- rc2_cut(described$summary)
  found$children <- isTRUE(described$children)
  if (is.data.frame(x)) dimensions <- c(rc2_rows(x), length(unclass(x)))
  if (!is.null(dimensions)) found$dimensions <- rc2_list(as.integer(dimensions))
  if (is.vector(x) || is.factor(x) || is.list(x)) found$length <- length(unclass(x))
  found$size <- rc2_size(x)
  found
}

rc2_rows <- function(x) .row_names_info(x, 2L)

rc2_size <- function(x) {
  if (is.environment(x) || is.function(x)) {
    return(NULL)
  }
  bare <- unclass(x)
  if (is.list(bare) && (length(bare) > 10000L || !all(vapply(bare, is.atomic, NA)))) {
    return(NULL)
  }
  as.numeric(utils::object.size(x))
}

rc2_described <- function(x) {
  bare <- if (is.object(x) && !isS4(x) && !is.environment(x)) unclass(x) else x
  if (is.null(x)) {
    list(kind = "vector", summary = "NULL")
  } else if (is.data.frame(x)) {
    list(kind = "table", summary = paste0(rc2_rows(x), " rows, ", length(bare), " columns"), children = TRUE)
  } else if (is.factor(x)) {
    levels <- attr(x, "levels")
    list(kind = "factor", summary = paste0(length(levels), " levels: ", paste(utils::head(levels, 6L), collapse = ", ")))
  } else if (inherits(x, c("Date", "POSIXct")) && is.numeric(bare)) {
    first <- utils::head(bare, 4L)
    attributes(first) <- list(class = oldClass(x), tzone = attr(x, "tzone"))
    list(kind = "date", summary = if (inherits(x, "Date")) format.Date(first) else format.POSIXct(first))
  } else if (is.function(x)) {
    list(kind = "function", summary = rc2_arguments(x))
  } else if (inherits(x, "R6")) {
    list(kind = "object", summary = paste("R6:", class(x)[[1]]), children = TRUE)
  } else if (is.environment(x)) {
    list(kind = "environment", summary = paste(length(x), "objects"), children = length(x) > 0L)
  } else if (isS4(x)) {
    list(kind = "object", summary = paste("S4:", class(x)[[1]]), children = length(methods::slotNames(x)) > 0L)
  } else if (is.language(x)) {
    list(kind = "object", summary = rc2_deparsed(x))
  } else if (is.list(bare)) {
    named <- names(bare)
    parts <- if (is.null(named)) vapply(utils::head(bare, 6L), function(each) class(each)[[1]], "") else utils::head(named, 6L)
    list(kind = "list", summary = paste0("list of ", length(bare), if (length(bare)) ": ", paste(parts, collapse = ", ")),
      children = length(bare) > 0L)
  } else if (is.atomic(bare)) {
    kind <- if (length(attr(x, "dim", exact = TRUE)) == 2L) "table" else "vector"
    list(kind = kind, summary = rc2_values(bare))
  } else {
    list(kind = "other", summary = typeof(x))
  }
}

rc2_values <- function(bare) {
  first <- utils::head(as.vector(bare), 8L)
  shown <- if (is.character(first)) encodeString(substr(first, 1L, rc2_short), quote = "\"") else format(first, trim = TRUE, digits = 5L)
  paste(c(shown, if (length(bare) > 8L) "\u2026"), collapse = " ")
}

rc2_arguments <- function(f) {
  named <- names(formals(args(f)))
  paste0("function(", paste(named, collapse = ", "), ")")
}

rc2_deparsed <- function(x) paste(deparse(x, nlines = 3L), collapse = " ")

# What is inside --------------------------------------------------------------

rc2_value <- function(asked, env = globalenv()) {
  if (!exists(asked$name, envir = env, inherits = FALSE)) problem("There is no ", asked$name, " any more.")
  if (nzchar(rc2_unevaluated(env, asked$name))) problem(asked$name, " is not evaluated by looking at it.")
  value <- get(asked$name, envir = env, inherits = FALSE)
  for (step in asked$path) {
    gone <- function() problem("There is no ", step, " in it any more.")
    if (is.environment(value)) {
      if (!exists(step, envir = value, inherits = FALSE)) gone()
      if (nzchar(rc2_unevaluated(value, step))) problem(step, " is not evaluated by looking at it.")
      value <- get(step, envir = value, inherits = FALSE)
    } else if (isS4(value)) {
      if (!step %in% methods::slotNames(value)) gone()
      value <- methods::slot(value, step)
    } else {
      bare <- if (is.function(value)) list() else unclass(value)
      place <- if (!is.character(step)) step + 1L else match(step, names(bare))
      if (is.na(place) && grepl("^\\[\\[[0-9]+\\]\\]$", step)) place <- as.integer(gsub("[^0-9]", "", step))
      if (!is.list(bare) || is.na(place) || place > length(bare)) gone()
      value <- bare[[place]]
    }
  }
  value
}

rc2_children <- function(asked, x = rc2_value(asked)) {
  if (is.function(x)) {
    source <- paste(deparse(x, control = "useSource"), collapse = "\n")
    return(list(total = 0L, children = list(), source = rc2_whole(source, 131072L)))
  }
  names <- if (is.environment(x)) sort(ls(x, all.names = inherits(x, "R6"), sorted = FALSE)) else if (isS4(x)) methods::slotNames(x)
  bare <- if (is.null(names)) unclass(x)
  total <- if (is.null(names)) length(bare) else length(names)
  places <- seq_len(total)
  places <- places[places > asked$first & places <= asked$first + asked$count]
  children <- if (is.environment(x)) {
    unevaluated <- rc2_unevaluated(x, names[places])
    Map(function(name, kind) rc2_variable(name, kind, x), names[places], unevaluated)
  } else if (isS4(x)) {
    lapply(names[places], function(name) rc2_variable(name, value = methods::slot(x, name)))
  } else if (is.list(bare)) {
    named <- names(bare)
    lapply(places, function(place) {
      name <- if (is.null(named) || !nzchar(named[[place]])) paste0("[[", place, "]]") else named[[place]]
      rc2_variable(name, value = bare[[place]])
    })
  } else {
    total <- 0L
    list()
  }
  list(total = total, children = rc2_list(children))
}

rc2_whole <- function(text, most) if (nchar(text) > most) substr(text, 1L, most) else text

# Spark -----------------------------------------------------------------------

# Return what the driver holds that this R has; nothing here starts one.
rc2_spark <- function(asked) {
  if (inherits(state$session, "spark_connection")) {
    problem("Spark was started by sparklyr here: its tables are listed by DBI::dbListTables().")
  }
  if (!is_live()) {
    return(list(started = FALSE))
  }
  question <- as.character(jsonlite::toJSON(asked, auto_unbox = TRUE, null = "null", digits = NA))
  found <- tryCatch(
    finish(reticulate::import("rspark_session.services.spark.catalog")$Look(question)),
    interrupt = function(interrupt) problem("This look at Spark was interrupted. Try again.")
  )
  jsonlite::fromJSON(found, simplifyVector = FALSE)
}
