# What R's kernel prints, sent while the code runs and in linear time.
#
# evaluate collects what is printed in a text connection that it copies with each line and reads at the end of each expression; a
# kernel would send a message for each of message()'s. Here the text connection's variable is an active binding, which R calls with
# each line: a line waits for others a tenth of a second at most, and the connection is exchanged before copying it costs.

send_interval <- 0.1 # seconds
most_lines <- 200L # of one connection

# Let IRkernel run code with the output streamed. It stays as it is where evaluate is another than the one known here.
stream_output <- function() {
  evaluate <- asNamespace("evaluate")
  imports <- parent.env(asNamespace("IRkernel"))
  known <- identical(names(formals(evaluate$watchout)), "debug") && exists("evaluate_call", envir = evaluate, inherits = FALSE) &&
    exists("evaluate", envir = imports, inherits = FALSE)
  if (known) {
    streaming <- evaluate_streaming
    base <- baseenv()
    base$unlockBinding("evaluate", imports)
    assign("evaluate", streaming, envir = imports)
    lockBinding("evaluate", imports)
    for (prepare in list(rc2_name_plots, print_tables, remember_for_base, ask_questions)) try(prepare(), silent = TRUE)
  }
  invisible(known)
}

# evaluate::evaluate() with another place for the output.
evaluate_streaming <- function(input, envir = parent.frame(), output_handler = asNamespace("evaluate")$new_output_handler(), ...) {
  original <- asNamespace("evaluate")
  stream <- new_stream(output_handler$text, output_handler$message)
  ours <- new.env(parent = original)
  ours$watchout <- function(debug = FALSE) stream$watch(original$plot_snapshot)
  for (name in c("evaluate_call", "evaluate")) {
    f <- original[[name]]
    environment(f) <- ours
    assign(name, f, envir = ours)
  }
  output_handler$calling_handlers <- c(output_handler$calling_handlers, list(message = function(m) {
    stream$message(m)
    invokeRestart("muffleMessage")
  }))
  console <- as_console(output_handler)
  output_handler <- console$handler
  graphics <- output_handler$graphics
  if (is.function(graphics)) output_handler$graphics <- function(plot) graphics(rc2_remember(plot))
  on.exit({
    stream$flush()
    console$flush()
  })
  ours$evaluate(input, envir = envir, output_handler = output_handler, ...)
}

# Output of both kinds in its order: text goes before the next message and the other way round.
new_stream <- function(send_text, send_message) {
  lines <- NULL # what the connection has: R's own vector, which has to be held here
  sent <- 0L
  pending <- character()
  messages <- character()
  last <- now()
  completing <- FALSE
  con <- NULL
  take <- function() {
    if (length(lines) > sent) pending <<- c(pending, lines[seq.int(sent + 1L, length(lines))])
    sent <<- length(lines)
  }
  flush_text <- function(end = "\n") {
    take()
    if (length(pending)) {
      text <- paste0(paste(pending, collapse = "\n"), end)
      pending <<- character()
      last <<- now()
      send_text(text)
    }
  }
  # Send a line that has no end yet without one.
  flush_all_text <- function() {
    incomplete <- !is.null(con) && isIncomplete(con)
    if (incomplete) {
      completing <<- TRUE
      cat("\n", file = con)
      completing <<- FALSE
    }
    flush_text(if (incomplete) "" else "\n")
  }
  flush_messages <- function() {
    if (length(messages)) {
      text <- paste(messages, collapse = "")
      messages <<- character()
      last <<- now()
      send_message(simpleMessage(sub("\n$", "", text)))
    }
  }
  caught <- function(value) {
    if (missing(value)) {
      return(lines)
    }
    suspendInterrupts({
      lines <<- value
      if (length(value) > sent && !completing) {
        flush_messages()
        if (now() - last > send_interval) flush_text()
        if (length(value) >= most_lines) exchange()
      }
    })
  }
  open <- function() {
    lines <<- NULL
    sent <<- 0L
    catcher <- new.env(parent = emptyenv())
    makeActiveBinding("output", caught, catcher)
    con <<- with_catcher(catcher)
    sink(con)
  }
  # R is still writing to the connection: the next one takes its place at the top, and this one is closed later.
  retired <- list()
  exchange <- function() {
    take()
    old <- con
    sink()
    open()
    retired[[length(retired) + 1L]] <<- old
    if (length(retired) > 1L) {
      close(retired[[1]])
      retired <<- retired[-1]
    }
  }
  watch <- function(plot_snapshot) {
    open()
    get_new <- function(plot = FALSE, incomplete_plots = FALSE, text_callback = identity, graphics_callback = identity) {
      flush_messages()
      flush_all_text()
      graphics <- if (plot) plot_snapshot(incomplete_plots)
      if (!is.null(graphics)) graphics_callback(graphics)
      if (is.null(graphics)) list() else list(graphics)
    }
    list(
      get_new = get_new, pause = function() sink(), unpause = function() sink(con),
      close = function() {
        sink()
        for (each in c(retired, list(con))) close(each)
        retired <<- list()
        character()
      },
      get_con = function() con
    )
  }
  list(
    watch = watch,
    flush = function() {
      con <<- NULL
      flush_text()
      flush_messages()
    },
    message = function(m) {
      flush_all_text()
      messages <<- c(messages, conditionMessage(m))
      if (now() - last > send_interval) flush_messages()
    }
  )
}

# Return a text connection whose variable is `output` in an environment.
with_catcher <- function(catcher) {
  eval(call("textConnection", "output", "w", local = TRUE), list2env(list(textConnection = textConnection), envir = catcher))
}
