# R's kernel as a console of its own: IRkernel receives what a person executes and shows rich values, and R itself does the rest. A
# person's code runs as at R's prompt (src/console.c): R prints, warns, fails and asks through its console, which is Jupyter here.

# Let IRkernel run code in R's own console. It stays as it is where R or IRkernel is another than the one known here.
stream_output <- function() {
  imports <- parent.env(asNamespace("IRkernel"))
  evaluate <- asNamespace("evaluate")
  needed <- c("parse_all", "plot_snapshot", ".env")
  known <- exists("evaluate", envir = imports, inherits = FALSE) && all(vapply(needed, exists, NA, envir = evaluate, inherits = FALSE)) &&
    .Call(console_find)
  if (known) {
    rebind(imports, "evaluate", evaluate_in_console(imports$evaluate, base::readline))
    workspace$console <- TRUE
    hold_interrupts()
    assign("flush_console", function() invisible(.Call(console_flush)), envir = evaluate$.env)
    options(showErrorCalls = FALSE, keep.source = TRUE) # as where R is interactive
    for (prepare in list(rc2_name_plots, print_tables, remove_drawn_files)) try(prepare(), silent = TRUE)
  }
  invisible(known)
}

# Return what takes the place of evaluate::evaluate() for IRkernel. Code that runs unseen is left to that: it asks nobody, and an
# error of its own is nothing for options(error = ).
#
# Nothing here may use on.exit() while a person's code runs: only R's contexts refer to it, and R doesn't see these meanwhile.
evaluate_in_console <- function(evaluate, readline) {
  force(evaluate)
  force(readline)
  function(input, envir = globalenv(), output_handler, ...) {
    executor <- environment(output_handler$error)$.self
    if (!methods::is(executor, "Executor")) {
      if (is.character(input) && startsWith(input[[1]], own_code)) envir <- new.env(parent = topenv())
      work <- function() evaluate(input, envir = envir, output_handler = output_handler, new_device = FALSE, ...)
      unseen <- identical(output_handler$error, identity) # else it is no one's code: IRkernel looks how deep its own calls are
      value <- with_device(function() if (unseen) interruptible(work()) else work())
      keep_compiler() # a workspace was restored
      return(value)
    }
    console <- new_console(executor, output_handler)
    told <- told_by_rc2(executor$current_request)
    beside_code(console, follow_debugger(told))
    input <- parsed(input, told$source, console)
    if (inherits(input, "error")) {
      console$report_parsing(input)
      return(invisible())
    }
    own_questions(console, readline)
    screen <- open_screen(console)
    begin_profile(executor$current_request$metadata[["rspark_profile"]])
    tryCatch(
      interruptible({
        for (sentence in take_notices()) console$tell(paste0(sentence, "\n"), errors = TRUE)
        for (place in seq_along(input)) {
          console$state$source <- attr(input, "srcref")[[place]]
          if (!run_shown(console, screen, input[[place]], envir)) break
          beside_code(console, place_in_functions())
          bound_profile()
        }
        screen$finish()
      }),
      error = console$keep_failure,
      interrupt = function(condition) console$interrupt()
    )
    tell_rc2_of_profile(executor)
    screen$close()
    beside_code(console, tell_rc2_of_breakpoints(executor))
    while (sink.number() > most_sinks) sink() # the kernel diverts output, too, and R has room for 20
    console$report_failure()
    if (console$state$interrupted) executor$interrupted <- TRUE
    invisible()
  }
}

# Begins code of the session's own: it runs where no name is the person's.
own_code <- "# rspark"

# R compiles a function that is called again by a call of `:::` in the global environment. While that is a person's, nothing is compiled:
# the kernel's own functions could not be called.
keep_compiler <- function() {
  theirs <- exists(":::", envir = globalenv(), inherits = FALSE) && !bindingIsActive(":::", globalenv()) && !environmentIsLocked(globalenv())
  if (theirs && is.null(workspace$compiling)) {
    suspendInterrupts({
      value <- get(":::", envir = globalenv())
      rm(":::", envir = globalenv()) # it is called to end this, too
      workspace$compiling <- compiler::enableJIT(0L)
      assign(":::", value, envir = globalenv())
    })
  } else if (!theirs && !is.null(workspace$compiling)) {
    compiler::enableJIT(workspace$compiling)
    workspace$compiling <- NULL
  }
}

# Do what is no part of a person's code, and that must not end: an error is told, once in a request.
beside_code <- function(console, work, otherwise = NULL) {
  tryCatch(work, error = function(condition) {
    if (console$state$troubled) {
      return(otherwise)
    }
    console$state$troubled <- TRUE
    console$executor$stream(paste0("Breakpoints could not be set: ", conditionMessage(condition), "\n"), "stderr")
    otherwise
  })
}

# Evaluate: what programs write that are started meanwhile is nothing for a person, however long they run.
into_log <- function(work) {
  .Call(console_lead_to_log, TRUE)
  on.exit(.Call(console_lead_to_log, FALSE))
  work
}

kernel_notices <- new.env(parent = emptyenv())

# Say a sentence in the first cell that a person runs: a kernel shows nothing before.
notice <- function(sentence) kernel_notices$waiting <- c(kernel_notices$waiting, sentence)

take_notices <- function() {
  waiting <- kernel_notices$waiting
  kernel_notices$waiting <- NULL
  waiting
}

# Return the expressions, or the error. `source` is the path of the file that they are from, and the line of the first.
parsed <- function(input, source, console) {
  parts <- asNamespace("evaluate")$parse_all(input, filename = "", allow_error = TRUE)
  problem <- attr(parts, "PARSE_ERROR")
  if (!is.null(problem)) {
    return(problem)
  }
  if (is.null(source)) {
    return(unlist(lapply(parts$expr, as.list), recursive = FALSE))
  }
  lines <- c(character(source$line - 1L), strsplit(input, "\n", fixed = TRUE)[[1]])
  expressions <- parse(text = lines, srcfile = srcfilecopy(source$path, lines), keep.source = TRUE)
  beside_code(console, place_in_code(expressions, source$path), otherwise = expressions)
}

# What one request may do: show, fail, ask. `state` is what has happened.
new_console <- function(executor, handler) {
  state <- new.env(parent = emptyenv())
  state$interrupted <- FALSE
  state$left <- FALSE
  state$troubled <- FALSE
  state$raised <- FALSE
  state$failing <- NULL
  state$kernel_failed <- NULL
  console <- list(handler = handler, executor = executor, state = state)
  console$interactive <- isTRUE(executor$current_request$content$allow_stdin)
  console$interrupt <- function() state$interrupted <- TRUE
  console$raise <- function() {
    lift_limits()
    keep_compiler()
    if (getOption("expressions") < least_expressions) {
      options(expressions = least_expressions)
      state$raised <- TRUE
    }
  }
  console$report <- function(text) {
    report_error(console, state$failing, text)
    state$failing <- NULL
  }
  console$report_parsing <- function(condition) {
    condition$call <- NULL
    report_error(console, list(condition = condition, calls = list()), paste0("Error: ", conditionMessage(condition), "\n"))
  }
  # What fails of the kernel's own, as the drawing of a plot, is nothing for the person's code: it is told once the expression is done.
  console$keep_failure <- function(condition) state$kernel_failed <- state$kernel_failed %||% condition
  console$own <- function(part) tryCatch(part(), error = console$keep_failure)
  console$report_failure <- function() {
    condition <- state$kernel_failed
    if (is.null(condition)) {
      return(FALSE)
    }
    state$kernel_failed <- NULL
    condition$call <- NULL
    report_error(console, list(condition = condition, calls = list()), paste0("Error: ", conditionMessage(condition), "\n"))
    TRUE
  }
  console$tell <- function(text, errors) {
    off <- watch_nothing()
    on.exit(watch_again(off))
    if (!validUTF8(text)) text <- iconv(text, "UTF-8", "UTF-8", sub = "byte")
    if (errors && !is.null(state$failing)) {
      if (says(text, state$failing$condition)) {
        return(console$report(text))
      }
      state$failing <- NULL # it was signalled, and nothing came of it
    }
    executor$stream(without_break_lines(text), if (errors) "stderr" else "stdout")
  }
  console
}

# Send an error as Jupyter has it.
report_error <- function(console, failing, text) {
  condition <- failing$condition
  steps <- vapply(failing$calls, function(call) deparse(call, nlines = 1L)[[1]], "")
  lines <- c(paste0(text, "Traceback:\n"), if (length(steps)) paste0(seq_along(steps), ". ", steps))
  executor <- console$executor
  executor$err <- list(ename = class(condition)[[1]], evalue = text, traceback = as.list(lines))
  executor$send_response("error", executor$current_request, "iopub", executor$err)
}

# Whether R has written this text of an error.
says <- function(text, condition) {
  message <- enc2utf8(conditionMessage(condition))
  grepl(substr(message, 1L, 100L), text, fixed = TRUE) || !nzchar(message)
}

# Run an expression, show its value and then its warnings; return whether the next one is to be run.
run_shown <- function(console, screen, expression, envir) {
  state <- console$state
  value <- run_outermost(console, screen, with_line(expression, state$source), envir, steps = console$interactive, limited = TRUE)
  lift_limits()
  screen$show()
  if (state$raised) tell_raised(console)
  if (!is.null(value)) {
    shown <- function() console$handler$value(value$value, value$visible)
    value_shown <- run_outermost(console, screen, as.call(list(shown)), baseenv(), finish = TRUE)
    screen$show()
    if (!is.null(value_shown)) {
      if (length(getTaskCallbackNames())) {
        tell <- function() .Call(console_call_back, expression, value$value, value$visible)
        run_outermost(console, screen, as.call(list(tell)), baseenv())
        screen$show()
      }
      return(!console$report_failure())
    }
  }
  overflow <- .Call(console_overflow)
  if (!is.null(overflow)) {
    if (is.null(state$failing)) state$failing <- list(condition = stack_overflow(overflow), calls = list())
    console$report(overflow)
  } else if (!is.null(state$failing)) {
    text <- paste0("Error: ", conditionMessage(state$failing$condition), "\n")
    console$report(text) # R was told not to write it
  } else if (is.null(console$executor$err$ename) && !state$left) {
    state$interrupted <- TRUE # by Q in the browser, or invokeRestart("abort"): nothing after it is to be run, either
  }
  FALSE
}

# The error of R's own of which no handler was told.
stack_overflow <- function(text) {
  structure(class = c("stackOverflowError", "error", "condition"), list(message = trimws(text), call = NULL))
}

# Return the value of an expression and whether it is visible, or NULL where it jumped to the top level.
run_outermost <- function(console, screen, expression, envir, finish = FALSE, steps = FALSE, limited = FALSE) {
  env <- new.env(parent = baseenv())
  do.call(delayedAssign, list("x", expression, envir, env))
  held <- lapply(seq_len(sys.nframe()), function(n) list(sys.frame(n), sys.function(n), sys.call(n)))
  run <- quote(.Internal(withVisible(x)))
  if (limited && length(workspace$limits)) run <- as.call(list(as.name("{"), as.call(list(begin_limits)), run))
  ask <- function(prompt) ask_whoever_executes(console, screen, prompt, sys.nframe() - 1L)
  .Call(console_run, run, env, handlers_call(console), console$tell, ask, console$interactive, finish, steps, held, as.call(list(console$raise)))[[1]]
}

# Nested expressions that the kernel's own code needs. What R handles an error of too many with has 500 more: there they are allowed.
least_expressions <- 500L
most_sinks <- 15L

tell_raised <- function(console) {
  console$state$raised <- FALSE
  console$tell(sprintf("A kernel of R needs options(expressions = %d) or more, which is what it has now.\n", least_expressions), errors = TRUE)
}

# The call that puts handlers below all those of the person.
handlers_call <- function(console) {
  state <- console$state
  error <- function(condition) {
    console$raise()
    if (.Call(console_is_raising)) invokeRestart("abort") # it is no error of the person's code
    state$failing <- list(condition = condition, calls = user_calls(sys.calls()))
    .Call(console_await_error)
  }
  interrupt <- function(condition) state$interrupted <- TRUE
  handlers <- list(error = error, interrupt = interrupt)
  as.call(list(as.name(".Internal"), as.call(list(as.name(".addCondHands"), names(handlers), handlers, globalenv(), NULL, TRUE))))
}

# The calls of a person's code, outermost first, without what reports the error.
user_calls <- function(calls) {
  reporting <- which(vapply(calls, function(call) is.name(call[[1]]) && call[[1]] == ".handleSimpleError", NA))
  if (length(reporting)) calls <- calls[seq_len(reporting[[1]] - 1L)]
  handlers <- which(vapply(calls, function(call) is.function(call[[1]]), NA))
  if (length(handlers)) calls <- calls[seq_len(handlers[[1]] - 1L)]
  as.list(calls)
}

# What the kernel does inside a person's code isn't theirs to debug.
watch_nothing <- function() c(debuggingState(FALSE), tracingState(FALSE))

watch_again <- function(before) {
  debuggingState(before[[1]])
  tracingState(before[[2]])
}

# Plots ----------------------------------------------------------------------

# A device that records plots, and sends them. What fails here is kept by the console, also inside a person's code.
open_screen <- function(console) {
  snapshot <- asNamespace("evaluate")$plot_snapshot
  executor <- console$executor
  opened <- new_device()
  device <- opened$number
  open <- opened$is_open
  show <- function(incomplete = FALSE) {
    .Call(console_flush)
    console$own(function() {
      if (!open() || device != grDevices::dev.cur()) {
        return()
      }
      plot <- snapshot(incomplete)
      if (is.null(plot)) {
        return()
      }
      check_plot_options()
      console$handler$graphics(rc2_remember(plot))
    })
  }
  # Send the last plot now: the kernel keeps it back, as it may be drawn into.
  send <- function() {
    plot <- executor$last_recorded_plot
    executor$last_recorded_plot <- NULL
    if (is.null(plot)) {
      return()
    }
    open <- grDevices::dev.list()
    console$own(function() executor$send_plot(plot))
    for (left in setdiff(grDevices::dev.list(), open)) grDevices::dev.off(left) # by a drawing that failed
  }
  hook <- function() show()
  hooks <- c("persp", "before.plot.new", "before.grid.newpage")
  for (name in hooks) setHook(name, hook)
  list(
    show = show,
    send = function() {
      show()
      send()
    },
    finish = function() {
      show(incomplete = TRUE)
      send()
    },
    close = function() {
      executor$last_recorded_plot <- NULL
      for (name in hooks) setHook(name, Filter(function(each) !identical(each, hook), getHook(name)), "replace")
      console$own(opened$close)
      assign("last_plot", NULL, envir = environment(snapshot))
    }
  )
}

# Open the device of options(device = ), or R's own where that opens none; return its number.
open_device <- function() {
  open <- length(grDevices::dev.list())
  new <- function() if (identical(grDevices::pdf, getOption("device"))) grDevices::dev.new(file = NULL) else grDevices::dev.new()
  tryCatch(new(), error = function(condition) NULL)
  if (length(grDevices::dev.list()) == open) grDevices::pdf(NULL)
  grDevices::dev.control(displaylist = "enable")
  grDevices::dev.cur()
}

# Open a device that can be asked whether it is still there: it may be closed meanwhile, and another have its number.
new_device <- function() {
  number <- tryCatch(open_device(), error = function(condition) 0L) # there are 62 devices already
  opened <- if (number) .Devices[[number]]
  is_open <- function() number %in% grDevices::dev.list() && identical(.Devices[[number]], opened)
  list(number = number, is_open = is_open, close = function() if (is_open()) grDevices::dev.off(number))
}

# Run a function, once, while a device is open for what it may draw. evaluate() would fail where a person's device does not open.
with_device <- function(run) {
  device <- new_device()
  on.exit(device$close())
  run()
}

most_pixels <- 150e6 # of four bytes each

# Plots are drawn for these sizes.
check_plot_options <- function() {
  for (name in c("repr.plot.width", "repr.plot.height", "repr.plot.res", "jupyter.plot_scale")) {
    size <- getOption(name)
    if (is.null(size) || is.numeric(size) && length(size) == 1L && is.finite(size) && size > 0) next
    is <- substr(paste(deparse(size), collapse = " "), 1L, 60L)
    stop(sprintf("The plot is not shown: options(%s) is to be a number above 0, and is %s.", name, is), call. = FALSE)
  }
  kinds <- getOption("jupyter.plot_mimetypes")
  unknown <- if (is.character(kinds)) setdiff(kinds, names(asNamespace("repr")$mime2repr)) else if (!is.null(kinds)) deparse(kinds)
  if (length(unknown)) {
    stop(sprintf("The plot is not shown: options(jupyter.plot_mimetypes) has %s, which is no format of plots.", unknown[[1]]), call. = FALSE)
  }
  size <- function(name) getOption(name, asNamespace("repr")$repr_option_defaults[[name]])
  pixels <- size("repr.plot.width") * size("repr.plot.height") * size("repr.plot.res")^2
  if (pixels > most_pixels && any(grepl("png|jpeg", kinds %||% "png"))) {
    stop(sprintf(
      "The plot is not shown: it would have %s million pixels, and %s million is the most there may be. Take a smaller %s.",
      format(ceiling(pixels / 1e6), big.mark = ","), most_pixels / 1e6, "options(repr.plot.width = ) or repr.plot.height (in inches)"
    ), call. = FALSE)
  }
}

# Show tables as text by print(), whole as R has them; repr leaves out rows and quotes for notebooks.
print_tables <- function() {
  for (class in c("matrix", "data.frame")) {
    registerS3method("repr_text", class, function(obj, ...) {
      paste(utils::capture.output(print(obj)), collapse = "\n")
    }, envir = asNamespace("repr"))
  }
}

# repr draws a plot into a temporary file, which it leaves there.
remove_drawn_files <- function() {
  repr <- asNamespace("repr")
  draw <- repr$repr_recordedplot_generic
  rebind(repr, "repr_recordedplot_generic", function(obj, ext, binary, dev.cb) {
    drawn <- character()
    on.exit(unlink(drawn))
    draw(obj, ext, binary, function(file) dev.cb(drawn <<- file))
  })
}

# Questions -------------------------------------------------------------------

# R's own readline() asks R's console; IRkernel has put another in its place just now. q() ends the kernel.
own_questions <- function(console, readline) {
  replace_in("base", "readline", readline)
  quit <- quit_kernel(console)
  for (name in c("q", "quit")) replace_in("base", name, quit)
  executor <- console$executor
  kernel <- environment(executor$handle_stdin)$.self
  if (methods::is(kernel, "Kernel")) executor$handle_stdin <- function() wait_for_answer(kernel, executor)
}

replace_in <- function(package, name, value) {
  for (env in list(asNamespace(package), as.environment(paste0("package:", package)))) rebind(env, name, value)
}

rebind <- function(env, name, value) {
  base <- baseenv()
  if (bindingIsLocked(name, env)) base$unlockBinding(name, env)
  assign(name, value, envir = env)
  lockBinding(name, env)
}

# Return the line that was typed, NULL at the end of input, and FALSE where the code is to be left: an interrupt, or the kernel is
# to end.
ask_whoever_executes <- function(console, screen, prompt, depth) {
  off <- watch_nothing()
  stopped <- if (is_browser_prompt(prompt)) stopped_at(depth, console$state)
  on.exit({
    forget_stopped()
    watch_again(off)
  })
  console$state$failing <- NULL
  console$state$interrupted <- FALSE # whatever was interrupted goes on
  executor <- console$executor
  tryCatch(
    {
      screen$send()
      kernel <- environment(executor$handle_stdin)$kernel
      if (!is.null(kernel)) drop_answers(kernel)
      executor$send_response("input_request", executor$current_request, "stdin", c(list(prompt = prompt, password = FALSE), stopped))
      answer <- executor$handle_stdin()
      if (identical(answer, "\004")) NULL else as.character(answer)
    },
    interrupt = function(condition) {
      console$interrupt()
      FALSE
    }
  )
}

# Receive and drop what was answered late, to a question before.
drop_answers <- function(kernel) {
  zmq <- asNamespace("pbdZMQ")
  readable <- zmq$ZMQ.PO()$POLLIN
  repeat {
    heard <- zmq$zmq.poll(c(kernel$sockets$stdin), readable, 0L)
    if (heard[[1L]] < 1L || !bitwAnd(zmq$zmq.poll.get.revents(1L), readable)) break
    whole_messages$zmq.recv.multipart(kernel$sockets$stdin, unserialize = FALSE)
  }
}

# Wait for the answer to a question. An interrupt, or word that the kernel is to end, ends the cell; what else the kernel is told has no
# part in it. Jupyter's server asks who the kernel is whenever a browser connects, and does so on this channel too.
wait_for_answer <- function(kernel, executor) {
  if (!isTRUE(executor$current_request$content$allow_stdin)) {
    stop("This asks a question, and nobody can answer it here: the code was sent without input.", call. = FALSE)
  }
  zmq <- asNamespace("pbdZMQ")
  sockets <- kernel$sockets
  readable <- zmq$ZMQ.PO()$POLLIN
  receive <- function(socket) kernel$wire_to_msg(whole_messages$zmq.recv.multipart(socket, unserialize = FALSE))
  repeat {
    # An interrupt that comes just before it waits is seen only once it has waited.
    heard <- zmq$zmq.poll(c(sockets$stdin, sockets$control), rep(readable, 2L), 500L, MC = zmq$ZMQ.MC(check.eintr = TRUE))
    if (heard[[1L]] < 1L) next # nothing came, or a signal: then it doesn't say what is readable
    if (bitwAnd(zmq$zmq.poll.get.revents(1L), readable)) {
      message <- receive(sockets$stdin)
      question <- told_by_rc2(message)
      if (is.null(question)) {
        return(message$content$value)
      }
      executor$send_response("rspark_answer", executor$current_request, "stdin", answer_at_prompt(question))
    }
    if (bitwAnd(zmq$zmq.poll.get.revents(2L), readable)) {
      told <- receive(sockets$control)
      kind <- told$header$msg_type
      if (identical(kind, "shutdown_request")) end_after_the_cell(kernel, executor, told)
      if (kind %in% c("shutdown_request", "interrupt_request")) leave_question()
    }
  }
}

leave_question <- function() stop(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))

# End the kernel once the cell's reply is sent, however the cell ends: its code may catch the interrupt. Nobody answers it any more.
end_after_the_cell <- function(kernel, executor, request) {
  executor$handle_stdin <- function() leave_question()
  executor$send_response <- function(msg_type, ...) {
    kernel$send_response(msg_type, ...)
    if (msg_type == "execute_reply") {
      kernel$abort_queued_messages()
      kernel$shutdown(request)
    }
  }
}

# q() as R has it: it asks whether to save, and ends no browser.
quit_kernel <- function(console) {
  function(save = "default", status = 0, runLast = TRUE) {
    if (!save %in% c("default", "ask", "yes", "no")) stop("unrecognized value of 'save'")
    if (browsing()) {
      warning("cannot quit from browser")
      return(invisible())
    }
    console$state$left <- TRUE
    if (save %in% c("default", "ask")) save <- if (console$interactive) ask_to_save() else "no"
    if (runLast) {
      for (last in c(".Last", ".Last.sys")) {
        if (exists(last, globalenv())) get(last, globalenv())()
      }
    }
    if (save == "yes") save.image()
    executor <- console$executor
    executor$payload <- c(executor$payload, list(list(source = "ask_exit", keepkernel = FALSE)))
    invokeRestart("abort")
  }
}

browsing <- function() !is.null(tryCatch(browserText(), error = function(error) NULL))

ask_to_save <- function() {
  repeat {
    answer <- readline("Save workspace image? [y/n/c]: ")
    switch(tolower(substr(answer, 1L, 1L)), y = return("yes"), n = return("no"), c = invokeRestart("abort"))
  }
}
