# R's kernel and interrupts. IRkernel is ready for one while it waits for a message; at any other moment it would end R, with all that a
# person has in memory. So interrupts are held back (src/interrupts.c), but while something runs that a person has written.

# Make IRkernel's kernel one that no interrupt ends.
hold_interrupts <- function() {
  namespace <- asNamespace("IRkernel")
  for (name in names(whole_messages)) rebind(parent.env(namespace), name, whole_messages[[name]])
  rebind(namespace, "main", run_kernel)
  .Call(interrupts_hold)
}

# Do what an interrupt may end, also one that came since the kernel has taken its message.
interruptible <- function(work) .Call(interrupts_allow, quote(work), environment())

# Do what no signal may cut short.
undisturbed <- function(work) .Call(interrupts_shut_out, quote(work), environment())

# Messages ---------------------------------------------------------------------

cut_short <- c(-1L, 4L) # what ZeroMQ returns where a signal has ended its waiting, and EINTR

# What takes the place of ZeroMQ's functions for IRkernel, which doesn't know that a signal ends them.
whole_messages <- list(
  # An interrupt that came before there was a message is for what ran before.
  zmq.poll = function(...) {
    poll <- asNamespace("pbdZMQ")$zmq.poll
    repeat {
      heard <- poll(...)
      if (!identical(heard, cut_short)) break
    }
    .Call(interrupts_forget)
    invisible(heard)
  },
  zmq.msg.recv = function(...) undisturbed(asNamespace("pbdZMQ")$zmq.msg.recv(...)),
  zmq.msg.send = function(...) undisturbed(asNamespace("pbdZMQ")$zmq.msg.send(...)),
  zmq.recv.multipart = function(...) undisturbed(asNamespace("pbdZMQ")$zmq.recv.multipart(...)),
  zmq.send.multipart = function(...) undisturbed(asNamespace("pbdZMQ")$zmq.send.multipart(...))
)

# What a kernel is asked beside code ----------------------------------------------

# IRkernel::main(), but for what an interrupt ends.
run_kernel <- function(connection_file = commandArgs(TRUE)[[1]]) {
  kernel <- asNamespace("IRkernel")$Kernel$new(connection_file = connection_file)
  answer_in_any_case(kernel)
  kernel$run()
}

# Completion looks into values, and a comm calls what it was given: active bindings, methods and callbacks of a person's, which may go on
# without end, or fail.
answer_in_any_case <- function(kernel) {
  kernel$handle_shell # which puts what it calls into the kernel
  none <- structure(list(), names = character())
  replied <- list(
    complete = function(asked) list(matches = list(), metadata = none, cursor_start = asked$cursor_pos, cursor_end = asked$cursor_pos),
    inspect = function(asked) list(found = FALSE, data = none, metadata = none)
  )
  for (name in names(replied)) assign(name, reply_in_any_case(kernel, name, replied[[name]]), envir = kernel)
  comms <- kernel$comm_manager
  for (name in c("on_comm_open", "on_comm_msg", "on_comm_close")) {
    method <- do.call("$", list(comms, name)) # which puts it into the object
    assign(name, ending_by_interrupt(method), envir = comms)
  }
}

# Return what replies as a method of the kernel does, or otherwise where that was interrupted or has failed.
reply_in_any_case <- function(kernel, name, otherwise) {
  force(otherwise)
  method <- get(name, envir = kernel)
  reply <- NULL
  environment(method) <- new.env(parent = environment(method))
  assign("send_response", function(msg_type, parent_msg, socket_name, content) reply <<- content, envir = environment(method))
  function(request) {
    reply <<- NULL
    given_up <- function(condition) NULL
    tryCatch(interruptible(method(request)), error = given_up, interrupt = given_up)
    kernel$send_response(paste0(name, "_reply"), request, "shell", reply %||% otherwise(request$content))
  }
}

ending_by_interrupt <- function(method) {
  force(method)
  function(request) tryCatch(interruptible(method(request)), interrupt = function(condition) NULL)
}
