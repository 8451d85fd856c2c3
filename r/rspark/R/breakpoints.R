# Breakpoints in functions of a person's files: before the statement of a line stands a call that lets R's own browser stop at the
# statement. It is put there when code of a file is parsed, and into the functions that are there already.

# What is set: by file the `lines`, each with its text. A line is known again by its text when the file has been edited since the
# code was run. `pieces` are those of files that were run, the last at the end: of each its `number`, its file, the line it begins at,
# and its `texts`. `spots` are by file where its breakpoints belong, as spots_of() returns it, until that may be another place. `placed`
# are the spots at which one stands in code.
breakpoints <- new.env(parent = emptyenv())
breakpoints$set <- list()
breakpoints$pieces <- list()
breakpoints$spots <- list()
breakpoints$placed <- character()

breakpoint_mark <- "rspark_breakpoint"

# As a person's code names it: rspark:::stop_at_next.
stop_at_next_by_name <- call(":::", quote(rspark), quote(stop_at_next))

# Characters by which a line is known again, as clients and the server count them.
most_of_line <- 200L

most_pieces <- 500L

# Take what is set now: a list of path, line and text. Return whether something is other than before.
set_breakpoints <- function(asked) {
  paths <- vapply(asked, function(each) each$path, "")
  set <- split(asked, paths)
  if (identical(set, breakpoints$set)) {
    return(FALSE)
  }
  gone <- setdiff(names(breakpoints$set), names(set))
  breakpoints$set <- set
  breakpoints$spots <- list()
  breakpoints$placed <- intersect(breakpoints$placed, unlist(lapply(names(set), spots_in)))
  place_in_functions(c(names(set), gone))
  TRUE
}

# Return those that stand in code, each with path and line.
placed_breakpoints <- function() {
  unlist(unname(lapply(names(breakpoints$set), function(path) {
    stands <- vapply(spots_in(path), function(spots) any(names(spots) %in% breakpoints$placed), NA)
    breakpoints$set[[path]][stands]
  })), recursive = FALSE)
}

# Put breakpoints into the functions of the global environment that come from these files.
place_in_functions <- function(paths = names(breakpoints$set)) {
  if (!length(paths)) {
    return(invisible())
  }
  env <- globalenv()
  names <- ls(env, all.names = TRUE, sorted = FALSE)
  names <- names[!nzchar(rc2_unevaluated(env, names))]
  known <- list()
  for (name in names) {
    if (rc2_is_missing(env, name)) next
    f <- get(name, envir = env, inherits = FALSE)
    if (typeof(f) != "closure" || is.null(source <- attr(f, "srcref", exact = TRUE)) || bindingIsLocked(name, env)) next
    path <- source_path(source)
    if (is.null(path) || !path %in% paths) next
    known[[name]] <- list(f = f, source = source, path = path, number = piece_number(path, attr(source, "srcfile")))
  }
  for (name in names(known)) {
    f <- known[[name]]$f
    source <- known[[name]]$source
    bare <- without_breakpoints(body(f))
    lines <- lines_in(known[[name]]$path, known[[name]]$number)
    found <- in_function(bare, source, lines)
    note_placed(lines, found$taken)
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
  sources <- attr(expressions, "srcref")
  if (!length(sources)) {
    return(expressions)
  }
  number <- piece_number(path, attr(sources[[1]], "srcfile"), anew = TRUE)
  lines <- lines_in(path, number)
  for (place in seq_along(expressions)) {
    within <- lines[lines >= first_line(sources[[place]]) & lines <= last_line(sources[[place]])]
    if (!length(within)) next
    found <- in_expression(expressions[[place]], within)
    left <- without(within, found$taken)
    if (length(left)) found$code <- wrapped(found$code, sources[[place]], path, left)
    if (is.call(found$code)) expressions[[place]] <- found$code
    note_placed(lines, within)
  }
  expressions
}

note_placed <- function(lines, taken) breakpoints$placed <- union(breakpoints$placed, names(lines)[lines %in% taken])

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

# Return the number of a piece of a file, which is remembered: as the last one where it is run `anew`.
piece_number <- function(path, file, anew = FALSE) {
  texts <- enc2utf8(file$lines %||% character())
  if (length(texts) == 1L) texts <- strsplit(texts, "\n", fixed = TRUE)[[1]]
  texts <- substr(trimws(texts, whitespace = "[\\h\\v]"), 1L, most_of_line)
  first <- c(which(nzchar(texts)), 1L)[[1]] # lines before the piece are empty
  texts <- texts[seq_along(texts) >= first]
  same <- which(vapply(breakpoints$pieces, function(piece) {
    piece$path == path && piece$first == first && identical(piece$texts, texts)
  }, NA))
  if (length(same) && !anew) {
    return(breakpoints$pieces[[same]]$number)
  }
  if (length(same)) {
    piece <- breakpoints$pieces[[same]]
    breakpoints$pieces[[same]] <- NULL
  } else {
    breakpoints$last_piece <- (breakpoints$last_piece %||% 0) + 1
    piece <- list(number = breakpoints$last_piece, path = path, first = first, texts = texts)
  }
  breakpoints$pieces <- utils::tail(c(breakpoints$pieces, list(piece)), most_pieces)
  breakpoints$spots[[path]] <- NULL
  piece$number
}

# Return where each breakpoint of a file belongs.
spots_in <- function(path) {
  if (is.null(breakpoints$spots[[path]])) {
    pieces <- Filter(function(piece) piece$path == path, breakpoints$pieces)
    breakpoints$spots[[path]] <- lapply(breakpoints$set[[path]], spots_of, pieces = pieces)
  }
  breakpoints$spots[[path]]
}

# Return the lines of pieces of a file, as it was when they were run, that a breakpoint belongs to, by the names of these spots. They are
# of those pieces that have its text at its own line; where none does, since the file was edited, of those that have it nearest. A line
# that was elsewhere when a later piece was run, which has it too, is where it was then.
spots_of <- function(breakpoint, pieces) {
  text <- breakpoint$text
  pieces <- if (nzchar(text)) Filter(function(piece) text %in% piece$texts, pieces)
  found <- integer()
  for (place in seq_along(pieces)) {
    piece <- pieces[[place]]
    lines <- which(piece$texts == text) + piece$first - 1L
    for (later in pieces[seq_along(pieces) > place]) {
      places <- lines - later$first + 1L
      now <- later$texts[replace(places, places < 1L, NA)]
      lines <- lines[is.na(now) | now == text]
    }
    if (!length(lines)) next
    line <- lines[[which.min(abs(lines - breakpoint$line))]]
    found <- c(found, stats::setNames(line, paste0(piece$number, ":", line)))
  }
  away <- abs(found - breakpoint$line)
  found[away == min(away, Inf)]
}

# Return at which lines of a piece breakpoints are, by the names of these spots.
lines_in <- function(path, number) {
  lines <- unlist(unname(spots_in(path)))
  lines[startsWith(names(lines) %||% character(), paste0(number, ":"))]
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
place_number <- function(path, spots) {
  key <- paste(spots, collapse = "\n")
  number <- breakpoints$numbers[[key]]
  if (is.null(number)) {
    if (is.null(breakpoints$last)) breakpoints$last <- 1000 * (floor(as.numeric(Sys.time())) %% 1e6)
    breakpoints$last <- number <- breakpoints$last + 1
    breakpoints$numbers[[key]] <- number
    breakpoints$places[[as.character(number)]] <- list(path = path, spots = spots)
  }
  number
}

# Let R's browser stop at the next statement of whoever calls, if a breakpoint still belongs there.
stop_at_next <- function(number) {
  place <- breakpoints$places[[as.character(number)]]
  spots <- if (!is.null(place)) names(unlist(unname(spots_in(place$path))))
  if (any(place$spots %in% spots)) .Call(console_stop_at_next, parent.frame())
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
