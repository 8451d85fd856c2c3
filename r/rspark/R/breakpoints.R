# Breakpoints in functions of a person's files: before the statement of a line stands a call that lets R's own browser stop at the
# statement. It is put there when code of a file is parsed, and into the functions that are there already.

# What is set: by file the `lines`, each with its text. A line is known again by its text when the file has been edited since the
# code was run. `placed` are those that stand in code.
breakpoints <- new.env(parent = emptyenv())
breakpoints$set <- list()
breakpoints$placed <- list()

breakpoint_mark <- "rspark_breakpoint"

# As a person's code names it: rspark:::stop_at_next.
stop_at_next_by_name <- call(":::", quote(rspark), quote(stop_at_next))

# Characters by which a line is known again, as clients and the server count them.
most_of_line <- 200L

# Take what is set now: a list of path, line and text. Return whether something is other than before.
set_breakpoints <- function(asked) {
  paths <- vapply(asked, function(each) each$path, "")
  set <- split(asked, paths)
  if (identical(set, breakpoints$set)) {
    return(FALSE)
  }
  gone <- setdiff(names(breakpoints$set), names(set))
  breakpoints$set <- set
  breakpoints$placed <- breakpoints$placed[names(breakpoints$placed) %in% vapply(asked, breakpoint_key, "")]
  place_in_functions(c(names(set), gone))
  TRUE
}

breakpoint_key <- function(breakpoint) paste0(breakpoint$path, "\n", breakpoint$text)

# Return those that stand in code, each with path and line.
placed_breakpoints <- function() {
  asked <- unlist(unname(breakpoints$set), recursive = FALSE)
  Filter(function(each) !is.null(breakpoints$placed[[breakpoint_key(each)]]), asked)
}

# Put breakpoints into the functions of the global environment that come from these files.
place_in_functions <- function(paths = names(breakpoints$set)) {
  if (!length(paths)) {
    return(invisible())
  }
  env <- globalenv()
  names <- ls(env, all.names = TRUE, sorted = FALSE)
  names <- names[!nzchar(rc2_unevaluated(env, names))]
  for (name in names) {
    if (rc2_is_missing(env, name)) next
    f <- get(name, envir = env, inherits = FALSE)
    if (typeof(f) != "closure" || is.null(source <- attr(f, "srcref", exact = TRUE)) || bindingIsLocked(name, env)) next
    path <- source_path(source)
    if (is.null(path) || !path %in% paths) next
    bare <- without_breakpoints(body(f))
    lines <- lines_in(path, attr(source, "srcfile"))
    found <- in_function(bare, source, lines)
    note_placed(path, lines, found$taken)
    if (!identical(found$code, body(f), ignore.srcref = FALSE)) {
      changed <- f
      body(changed) <- found$code
      attributes(changed) <- attributes(f)
      if (isdebugged(f)) debug(changed)
      assign(name, changed, envir = env)
    }
  }
  invisible()
}

# Return the code of a file with its breakpoints.
place_in_code <- function(expressions, path) {
  if (is.null(breakpoints$set[[path]])) {
    return(expressions)
  }
  sources <- attr(expressions, "srcref")
  if (is.null(sources)) {
    return(expressions)
  }
  lines <- lines_in(path, attr(sources[[1]], "srcfile"))
  for (place in seq_along(expressions)) {
    within <- lines[lines >= first_line(sources[[place]]) & lines <= last_line(sources[[place]])]
    if (!length(within)) next
    found <- in_expression(expressions[[place]], within)
    left <- without(within, found$taken)
    if (length(left)) found$code <- wrapped(found$code, sources[[place]], path, left)
    if (is.call(found$code)) expressions[[place]] <- found$code
    note_placed(path, lines, within)
  }
  expressions
}

note_placed <- function(path, lines, taken) {
  for (text in names(lines)[lines %in% taken]) breakpoints$placed[[paste0(path, "\n", text)]] <- TRUE
}

first_line <- function(source) source[[1]]
last_line <- function(source) source[[3]]

# Return the path below the home of the file that code comes from; NULL where it is no file.
source_path <- function(source) {
  file <- attr(source, "srcfile")
  if (!is.environment(file) || !is.character(name <- file$filename) || length(name) != 1L || !nzchar(name)) {
    return(NULL)
  }
  if (!isTRUE(file$isFile)) {
    return(name)
  }
  whole <- normalizePath(if (startsWith(name, "/") || startsWith(name, "~")) name else file.path(file$wd, name), mustWork = FALSE)
  home <- paste0(normalizePath("~"), "/")
  if (startsWith(whole, home)) substring(whole, nchar(home) + 1L) else whole
}

# Return at which lines of a file, as it was when its code was run, breakpoints are, by their texts.
lines_in <- function(path, file) {
  texts <- enc2utf8(file$lines %||% character())
  if (length(texts) == 1L) texts <- strsplit(texts, "\n", fixed = TRUE)[[1]]
  texts <- substr(trimws(texts, whitespace = "[\\h\\v]"), 1L, most_of_line)
  found <- integer()
  for (each in breakpoints$set[[path]]) {
    same <- if (nzchar(each$text)) which(texts == each$text)
    if (!length(same)) next
    found <- c(found, stats::setNames(same[[which.min(abs(same - each$line))]], each$text))
  }
  found
}

# Put a breakpoint before each statement that lines lead to. Return the `code`, and which lines are `taken`.
in_expression <- function(code, lines) {
  taken <- integer()
  if (is.call(code) && length(lines)) {
    if (identical(code[[1]], quote(`function`)) && length(code) >= 4L && inherits(code[[4]], "srcref")) {
      source <- code[[4]]
      found <- in_function(code[[3]], source, lines)
      if (length(found$taken)) code[[3]] <- found$code
      return(list(code = code, taken = found$taken))
    }
    sources <- attr(code, "srcref")
    if (identical(code[[1]], quote(`{`)) && length(sources) == length(code)) {
      return(in_block(code, sources, lines[lines > last_line(sources[[1]])]))
    }
    for (place in seq_along(code)) {
      if (!is.call(code[[place]])) next
      found <- in_expression(code[[place]], without(lines, taken))
      if (length(found$taken)) code[[place]] <- found$code
      taken <- c(taken, found$taken)
    }
  }
  list(code = code, taken = taken)
}

without <- function(lines, taken) lines[!lines %in% taken]

# A line of a function at which nothing begins leads to its first statement.
in_function <- function(code, source, lines) {
  lines <- lines[lines >= first_line(source) & lines <= last_line(source)]
  if (!length(lines)) {
    return(list(code = code, taken = integer()))
  }
  sources <- attr(code, "srcref")
  if (is.call(code) && identical(code[[1]], quote(`{`)) && length(sources) == length(code) && length(code) > 1L) {
    return(in_block(code, sources, lines))
  }
  found <- in_expression(code, lines)
  left <- without(lines, found$taken)
  if (length(left)) {
    found$code <- wrapped(found$code, source, source_path(source), left)
    found$taken <- lines
  }
  found
}

in_block <- function(code, sources, lines) {
  parts <- list(code[[1]])
  where <- list(sources[[1]])
  taken <- integer()
  for (place in seq_along(code)[-1L]) {
    source <- sources[[place]]
    statement <- code[[place]]
    here <- without(lines[lines <= last_line(source)], taken)
    if (length(here)) {
      found <- in_expression(statement, here)
      if (length(found$taken)) statement <- found$code
      left <- without(here, found$taken)
      if (length(left)) {
        parts <- c(parts, list(break_call(source_path(source), left)))
        where <- c(where, list(marked(source)))
      }
      taken <- c(taken, here)
    }
    parts <- c(parts, list(statement))
    where <- c(where, list(source))
  }
  if (length(taken)) {
    kept <- attributes(code)
    code <- as.call(parts)
    kept$srcref <- where
    attributes(code) <- kept
  }
  list(code = code, taken = taken)
}

# Return code that is one statement, after a breakpoint.
wrapped <- function(code, source, path, lines) {
  block <- as.call(list(quote(`{`), break_call(path, lines), code))
  attr(block, "srcref") <- list(source, marked(source), source)
  attr(block, breakpoint_mark) <- TRUE
  block
}

marked <- function(source) {
  attr(source, breakpoint_mark) <- TRUE
  source
}

# The call by its name `browser` keeps R from compiling the function, after which it could not be stepped through. It is short, so that
# it is one line wherever R shows the code, which without_break_lines() then leaves out.
break_call <- function(path, lines) {
  as.call(list(quote(browser), expr = as.call(list(stop_at_next_by_name, place_number(path, names(lines))))))
}

# Return the number of a place where code stops. None of an R before, whose functions may have been saved, is used again.
place_number <- function(path, texts) {
  key <- paste(c(path, texts), collapse = "\n")
  number <- breakpoints$numbers[[key]]
  if (is.null(number)) {
    if (is.null(breakpoints$last)) breakpoints$last <- 1000 * (floor(as.numeric(Sys.time())) %% 1e6)
    breakpoints$last <- number <- breakpoints$last + 1
    breakpoints$numbers[[key]] <- number
    breakpoints$places[[as.character(number)]] <- list(path = path, texts = texts)
  }
  number
}

# Let R's browser stop at the next statement of whoever calls, if a breakpoint is still set there.
stop_at_next <- function(number) {
  place <- breakpoints$places[[as.character(number)]]
  set <- if (!is.null(place)) vapply(breakpoints$set[[place$path]], function(each) each$text, "")
  if (any(place$texts %in% set)) .Call(console_stop_at_next, parent.frame())
  FALSE
}

without_break_lines <- function(text) {
  if (!grepl("rspark:::stop_at_next", text, fixed = TRUE)) {
    return(text)
  }
  gsub("(?m)^ *browser\\(expr = rspark:::stop_at_next\\([0-9e.+]+\\)\\)\\n", "", text, perl = TRUE)
}

# Return a function as its person has written it.
without_any_breakpoint <- function(f) {
  if (is.null(breakpoints$last) || typeof(f) != "closure") {
    return(f)
  }
  bare <- without_breakpoints(body(f))
  if (identical(bare, body(f), ignore.srcref = FALSE)) {
    return(f)
  }
  kept <- attributes(f)
  body(f) <- bare
  attributes(f) <- kept
  f
}

is_break_call <- function(code) {
  is.call(code) && identical(code[[1]], quote(browser)) && length(code) == 2L && is.call(code[[2]]) &&
    identical(code[[2]][[1]], stop_at_next_by_name)
}

without_breakpoints <- function(code) {
  if (!is.call(code)) {
    return(code)
  }
  if (isTRUE(attr(code, breakpoint_mark))) {
    return(without_breakpoints(code[[3]]))
  }
  if (identical(code[[1]], quote(`{`))) {
    ours <- vapply(as.list(code), is_break_call, NA)
    if (any(ours)) {
      kept <- attributes(code)
      code <- code[!ours]
      kept$srcref <- kept$srcref[!ours]
      attributes(code) <- kept
    }
  }
  for (place in seq_along(code)) {
    if (is.call(code[[place]])) {
      part <- without_breakpoints(code[[place]])
      if (!identical(part, code[[place]])) code[[place]] <- part
    }
  }
  code
}
