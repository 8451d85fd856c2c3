# R's kernel as R's own console: warnings after the value and in R's words, errors without the kernel's own calls, `traceback()`
# and `warnings()` that know of them, tables as print() has them, and questions that are asked.

most_warnings <- 50L # of one expression: R has no more, either

# Return the handlers of one execution with R's own ways. Those of code that runs unseen are left as they are.
as_console <- function(handler) {
  executor <- if (is.function(handler$error)) environment(handler$error)$.self
  if (!methods::is(executor, "Executor") || length(formals(handler$value)) < 2L) {
    return(list(handler = handler, flush = function() NULL))
  }
  ask_in_order()
  pending <- list()
  failed <- FALSE
  flush <- function() {
    if (length(pending)) {
      text <- warnings_text(pending)
      remember_warnings(pending)
      pending <<- list()
      executor$stream(paste0(if (failed) "In addition: ", text), "stderr")
    }
    failed <<- FALSE
  }
  handler$warning <- function(w) {
    w$call <- own_call(w$call)
    if (getOption("warn") > 0L) {
      executor$stream(immediate_text(w), "stderr")
    } else if (length(pending) < most_warnings) {
      pending[[length(pending) + 1L]] <<- w
    }
  }
  value <- handler$value
  handler$value <- function(obj, visible) {
    value(obj, visible)
    flush()
  }
  handler$error <- function(e) {
    failed <<- TRUE
    calls <- user_calls(sys.calls())
    console_state$traceback <- rev(lapply(calls, deparse))
    text <- if (inherits(e, "error")) error_text(e) else paste0(toString(e), "\n")
    steps <- vapply(calls, function(call) deparse(call, nlines = 1L)[[1]], "")
    lines <- c(paste0(text, "Traceback:\n"), if (length(steps)) paste0(seq_along(steps), ". ", steps))
    executor$err <- list(ename = class(e)[[1]], evalue = text, traceback = as.list(lines))
    executor$send_response("error", executor$current_request, "iopub", executor$err)
  }
  list(handler = handler, flush = flush)
}

# The calls by which evaluate reads and runs what a person typed are none of theirs.
own_call <- function(call) {
  kernels <- list(quote(eval(expr, envir, enclos)), quote(parse(text = x, srcfile = src)))
  if (!any(vapply(kernels, identical, NA, call))) call
}

# The calls of a person's code, outermost first: what is inside evaluate's own, without what reports the error.
user_calls <- function(calls) {
  own <- which(vapply(calls, identical, NA, quote(eval(expr, envir, enclos))))
  if (length(own)) calls <- calls[-seq_len(max(own))]
  reporting <- which(vapply(calls, function(call) is.name(call[[1]]) && call[[1]] == ".handleSimpleError", NA))
  if (length(reporting)) calls <- calls[seq_len(reporting[[1]] - 1L)]
  handlers <- which(vapply(calls, function(call) is.function(call[[1]]), NA))
  if (length(handlers)) calls <- calls[seq_len(handlers[[1]] - 1L)]
  calls
}

# As verrorcall_dflt() in R's src/main/errors.c writes it.
error_text <- function(e) {
  call <- own_call(conditionCall(e))
  message <- conditionMessage(e)
  if (is.null(call)) {
    return(paste0("Error: ", message, "\n"))
  }
  shown <- deparse(call, nlines = 1L)[[1]]
  first <- strsplit(message, "\n", fixed = TRUE)[[1]][1L]
  long <- nchar(shown, "width") + nchar(first, "width") + 11L > 77L
  if (is.na(long)) long <- FALSE
  paste0("Error in ", shown, " : ", if (long) "\n  ", message, "\n")
}

# As PrintWarnings() there writes them.
warnings_text <- function(pending) {
  one <- function(w, indent) {
    message <- conditionMessage(w)
    call <- conditionCall(w)
    if (is.null(call)) {
      return(paste0(message, " \n"))
    }
    shown <- deparse(call, nlines = 1L)[[1]]
    first <- strsplit(message, "\n", fixed = TRUE)[[1]][1L]
    long <- isTRUE(indent + nchar(shown, "width") + nchar(first, "width") > 77L)
    paste0("In ", shown, " :", if (long) "\n  " else " ", message, "\n")
  }
  count <- length(pending)
  if (count == 1L) {
    paste0("Warning message:\n", one(pending[[1]], 6L))
  } else if (count <= 10L) {
    paste0("Warning messages:\n", paste0(seq_len(count), ": ", vapply(pending, one, "", 10L), collapse = ""))
  } else if (count < most_warnings) {
    paste0("There were ", count, " warnings (use warnings() to see them)\n")
  } else {
    "There were 50 or more warnings (use warnings() to see the first 50)\n"
  }
}

immediate_text <- function(w) {
  call <- conditionCall(w)
  message <- conditionMessage(w)
  if (is.null(call)) {
    return(paste0("Warning: ", message, "\n"))
  }
  shown <- deparse(call, nlines = 1L)[[1]]
  long <- isTRUE(18L + nchar(shown, "width") + nchar(message, "width") > 77L)
  paste0("Warning in ", shown, " :", if (long) "\n  " else " ", message, "\n")
}

# What warnings() and traceback() show: base is closed to new variables, where R itself has them.
console_state <- new.env(parent = emptyenv())

remember_warnings <- function(pending) {
  calls <- lapply(pending, conditionCall)
  names(calls) <- vapply(pending, conditionMessage, "")
  console_state$warnings <- calls
}

remember_for_base <- function() {
  original_warnings <- base::warnings
  replace_in("base", "warnings", function(...) {
    last <- console_state$warnings
    if (length(last)) structure(last, dots = list(...), class = "warnings") else original_warnings(...)
  })
  original_traceback <- base::.traceback
  replace_in("base", ".traceback", function(x = NULL, max.lines = getOption("traceback.max.lines", getOption("deparse.max.lines", -1L))) {
    if (is.null(x) && length(console_state$traceback)) console_state$traceback else original_traceback(x, max.lines)
  })
}

# Show tables as text by print(), whole as R has them; repr leaves out rows and quotes for notebooks.
print_tables <- function() {
  for (class in c("matrix", "data.frame")) {
    registerS3method("repr_text", class, function(obj, ...) {
      paste(utils::capture.output(print(obj)), collapse = "\n")
    }, envir = asNamespace("repr"))
  }
}

# Questions -------------------------------------------------------------------

# Let readline(), which the kernel has just put in place, send what was printed before the question.
ask_in_order <- function() {
  ask <- base::readline
  replace_in("base", "readline", function(prompt = "") {
    asNamespace("evaluate")$flush_console()
    ask(prompt)
  })
}

# Let menu(), scan() and readLines() ask whoever uses the kernel, as readline() does: R itself has no input here.
ask_questions <- function() {
  replace_in("utils", "menu", ask_menu)
  original_scan <- base::scan
  scan <- function(file = "", what = double(), nmax = -1L, n = -1L, sep = "", quote = if (identical(sep, "\n")) "" else "'\"",
                   dec = ".", skip = 0L, nlines = 0L, na.strings = "NA", flush = FALSE, fill = FALSE, strip.white = FALSE,
                   quiet = FALSE, blank.lines.skip = TRUE, multi.line = TRUE, comment.char = "", allowEscapes = FALSE,
                   fileEncoding = "", encoding = "unknown", text, skipNul = FALSE) {
    told <- as.list(match.call())[-1L]
    told <- lapply(told, eval, envir = parent.frame())
    if (missing(text) && (identical(file, "") || is_stdin(file))) {
      told$file <- NULL
      read <- function(lines) do.call(original_scan, utils::modifyList(told, list(text = lines, quiet = TRUE)))
      told$text <- ask_items(read, told)
      items <- if (length(told$text)) read(told$text) else read("")
      count <- if (is.list(items)) length(items[[1]]) else length(items)
      if (!quiet) message("Read ", count, if (is.list(items)) " record" else " item", if (count != 1L) "s")
      return(items)
    }
    do.call(original_scan, told)
  }
  replace_in("base", "scan", scan)
  original_lines <- base::readLines
  read_lines <- function(con = stdin(), n = -1L, ok = TRUE, warn = TRUE, encoding = "unknown", skipNul = FALSE) {
    if (is_stdin(con)) ask_lines(n) else original_lines(con, n, ok, warn, encoding, skipNul)
  }
  replace_in("base", "readLines", read_lines)
}

replace_in <- function(package, name, value) {
  base <- baseenv()
  for (env in list(asNamespace(package), as.environment(paste0("package:", package)))) {
    if (bindingIsLocked(name, env)) base$unlockBinding(name, env)
    assign(name, value, envir = env)
    lockBinding(name, env)
  }
}

is_stdin <- function(con) inherits(con, "terminal") && identical(as.integer(con), 0L)

ask_menu <- function(choices, graphics = FALSE, title = NULL) {
  if (length(title) && any(nzchar(title))) cat(title, "\n")
  choices <- as.character(choices)
  cat("", paste0(format(seq_along(choices)), ": ", choices), "", sep = "\n")
  repeat {
    answer <- readline("Selection: ")
    if (grepl("^[0-9]+$", answer) && as.numeric(answer) <= length(choices)) {
      return(as.integer(answer))
    }
    place <- match(answer, choices)
    if (!is.na(place)) {
      return(place)
    }
    cat("Enter an item from the menu, or 0 to exit\n")
  }
}

# Ask for lines until an empty one, or until there are as many items as were asked for.
ask_items <- function(read, told) {
  lines <- character()
  count <- 0L
  most <- max(-1, unlist(told[c("n", "nmax")]))
  repeat {
    line <- readline(paste0(count + 1L, ": "))
    if (!nzchar(line)) {
      return(lines)
    }
    lines <- c(lines, line)
    items <- read(lines)
    count <- if (is.list(items)) length(items[[1]]) else length(items)
    if ((most > 0 && count >= most) || identical(length(lines), as.integer(told$nlines))) {
      return(lines)
    }
  }
}

ask_lines <- function(n) {
  lines <- character()
  while (n < 0L || length(lines) < n) {
    line <- readline()
    if (n < 0L && !nzchar(line)) break
    lines <- c(lines, line)
  }
  lines
}
