# What Rc²'s server is told of where R waits in its browser, and what it tells: breakpoints, and whether an error leads there. It
# comes with what is executed and what is answered, as JSON in the metadata of these messages.

rc2_stopped <- new.env(parent = emptyenv())
rc2_most_frames <- 50L

told_by_rc2 <- function(message) {
  told <- message$metadata[["rspark"]]
  if (is.character(told) && length(told) == 1L) jsonlite::fromJSON(told, simplifyVector = FALSE)
}

# Take over what is set. Who is no client of Rc² says nothing of it.
follow_debugger <- function(told) {
  if (is.null(told$breakpoints)) {
    return(invisible())
  }
  set_breakpoints(told$breakpoints)
  break_at_errors(isTRUE(told$break_on_error))
}

placed_now <- function() {
  rc2_list(lapply(placed_breakpoints(), function(each) list(path = each$path, line = each$line)))
}

# Say at the end of what was executed which breakpoints are in force now.
tell_rc2_of_breakpoints <- function(executor) {
  if (length(breakpoints$set)) {
    executor$payload <- c(executor$payload, list(list(source = "rspark_breakpoints", placed = placed_now())))
  }
}

rc2_breakpoints <- function(asked) {
  follow_debugger(asked)
  list(placed = placed_now())
}

# Where R waits ----------------------------------------------------------------

is_browser_prompt <- function(prompt) grepl("^Browse\\[[0-9]+\\]> $", prompt)

# Return what is sent of it: the innermost of so many calls first, each with where it is. `depth` calls are a person's; the one that
# asks is beyond them, and knows where R is.
stopped_at <- function(depth, state) {
  calls <- sys.calls()
  functions <- lapply(seq_len(depth), sys.function)
  where <- lapply(calls[seq_len(depth + 1L)], attr, "srcref", exact = TRUE)
  failed <- which(vapply(functions, identical, NA, break_on_error))
  message <- NULL
  if (length(failed)) {
    depth <- failing_call(functions[seq_len(failed[[1]] - 1L)])
    message <- geterrmessage()
  }
  shown <- rev(seq_len(depth))
  shown <- utils::head(shown, rc2_most_frames)
  frames <- lapply(shown, function(n) frame_at(n, rc2_cut(deparse(calls[[n]][[1]], nlines = 1L)[[1]]), where[[n + 1L]]))
  top <- frame_at(0L, "", where[[1]] %||% state$source)
  rc2_stopped$frames <- c(list(globalenv()), sys.frames()[seq_len(depth)])
  stopped <- list(frames = rc2_list(c(frames, list(top))), more = depth - length(shown))
  if (!is.null(message)) stopped$error <- rc2_cut(message, rc2_text)
  list(debugger = list(stopped = stopped, placed = placed_now()))
}

forget_stopped <- function() rc2_stopped$frames <- NULL

frame_at <- function(number, name, source) {
  frame <- list(frame = number, name = name)
  path <- if (inherits(source, "srcref")) source_path(source)
  if (!is.null(path)) frame <- c(frame, list(path = rc2_cut(path, 4096L), line = first_line(source), last_line = last_line(source)))
  frame
}

# Answer what the server asks while R waits.
answer_at_prompt <- function(question) {
  answer <- tryCatch(rc2_answers(question), error = function(error) list(problem = conditionMessage(error)))
  list(number = question$number, answer = as.character(rc2_json(answer)))
}

# Return the environment of a call that R waits in.
rc2_frame <- function(number) {
  frames <- rc2_stopped$frames
  if (is.null(frames) || number >= length(frames)) problem("R does not wait there any more.")
  frames[[number + 1L]]
}

# Stop in none of the calls that have been stepped through: R's own `c` ends the innermost of them alone.
rc2_run_on <- function() {
  .Call(console_run_on, rc2_stopped$frames)
  list(done = TRUE)
}

# The variables of a call, or what is inside of one.
rc2_frame_children <- function(asked) {
  env <- rc2_frame(asked$frame)
  if (!is.null(asked$name)) {
    return(rc2_children(asked, rc2_value(asked, env)))
  }
  rc2_children(asked, env)
}

# Errors -----------------------------------------------------------------------

# What a person sees in options(error = ): rspark:::break_on_error().
break_on_error_call <- as.call(list(call(":::", quote(rspark), quote(break_on_error))))

break_at_errors <- function(on) {
  now <- getOption("error")
  if (on && !is_error_break(now)) {
    breakpoints$error_before <- now
    options(error = break_on_error_call)
  } else if (!on && is_error_break(now)) {
    options(error = breakpoints$error_before)
  }
}

is_error_break <- function(option) identical(option, break_on_error_call)

# What R does at an error: it stops in the person's call in which it happened. Return nothing where that is none.
break_on_error <- function() {
  depth <- sys.nframe() - 1L
  inner <- failing_call(lapply(seq_len(depth), sys.function))
  if (inner == 0L || !interactive()) {
    return(invisible())
  }
  skip <- depth - inner + 3L # the calls from the error to the browser
  eval(substitute(browser(skipCalls = skip), list(skip = skip)), sys.frame(inner))
}

# Return the number of the innermost call that is no part of how an error is signalled.
failing_call <- function(functions) {
  own <- vapply(functions, function(f) {
    is.primitive(f) || environmentName(topenv(environment(f))) %in% c("base", "rlang", "cli", "methods", "rspark")
  }, NA)
  max(0L, which(!own))
}
