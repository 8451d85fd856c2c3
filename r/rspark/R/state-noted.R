# What R tells nobody: limits of time, functions for the end of an object, debugonce() and tracemem(). The functions of base that set it
# are put into the place of ones that note it first. `debug()` and `trace()` are noted as well, so that packages and
# methods are searched only where they were called.

noting <- list(
  reg.finalizer = function(e, f, onexit = FALSE) {
    note_finalizer(e, f, onexit)
    workspace$originals$reg.finalizer(e, f, onexit)
  },
  setTimeLimit = function(cpu = Inf, elapsed = Inf, transient = FALSE) {
    if (!isTRUE(transient)) note_limit("setTimeLimit", cpu, elapsed)
    invisible(workspace$originals$setTimeLimit(cpu, elapsed, transient))
  },
  setSessionTimeLimit = function(cpu = Inf, elapsed = Inf) {
    note_limit("setSessionTimeLimit", cpu, elapsed)
    invisible(workspace$originals$setSessionTimeLimit(cpu, elapsed))
  },
  debug = function(fun, text = "", condition = NULL, signature = NULL) {
    workspace$noted["debug"] <- TRUE
    invisible(workspace$originals$debug(fun, text, condition, signature))
  },
  debugonce = function(fun, text = "", condition = NULL, signature = NULL) {
    workspace$noted["debugonce"] <- TRUE
    invisible(workspace$originals$debugonce(fun, text, condition, signature))
  },
  tracemem = function(x) {
    workspace$noted["tracemem"] <- TRUE
    workspace$originals$tracemem(x)
  },
  trace = function(what, tracer, exit, at, print, signature, where = topenv(parent.frame()), edit = FALSE) {
    workspace$noted["trace"] <- TRUE
    call <- sys.call() # it is evaluated where it stands: what is traced is named there
    call[[1L]] <- workspace$originals$trace
    eval.parent(call)
  }
)

# Begin to note, once for a process.
watch_calls <- function() {
  if (is.null(workspace$originals)) {
    base <- baseenv()
    workspace$originals <- mget(names(noting), envir = base)
    for (name in names(noting)) {
      locked <- bindingIsLocked(name, base)
      if (locked) base$unlockBinding(name, base)
      assign(name, noting[[name]], envir = base)
      if (locked) lockBinding(name, base)
    }
  }
}

# Whether something was called, as far as is known: who was not there at the start of R can't exclude it.
was_called <- function(name) is.null(workspace$originals) || name %in% names(workspace$noted)

# ---- functions for the end of an object ----

# Note one of an environment that is a person's, or whose function is. It is held as long as the environment is there.
note_finalizer <- function(e, f, onexit) {
  tryCatch(
    if (is.environment(e) && is.function(f) && (is_persons(f) || is_persons_object(e))) {
      if (is.null(workspace$finalizers)) workspace$finalizers <- new_growing()
      workspace$finalizers$add(rlang::new_weakref(e, list(f = f, onexit = onexit)))
      if (workspace$finalizers$size() >= max(1024L, 2L * workspace$live)) live_finalizers()
    },
    error = function(error) NULL # reg.finalizer() says what is wrong
  )
}

# Whether an environment is the person's. An object of R6 leads to nothing, and the environment of its methods to where its class is.
is_persons_object <- function(e) leads_to_global(e) || leads_to_global(get0(".__enclos_env__", envir = e, inherits = FALSE))

# Return the weak references to environments that are still there, and forget all others.
live_finalizers <- function() {
  all <- if (is.null(workspace$finalizers)) list() else workspace$finalizers$all()
  live <- Filter(function(reference) !is.null(rlang::wref_key(reference)), all)
  workspace$finalizers <- new_growing()
  for (reference in live) workspace$finalizers$add(reference)
  workspace$live <- length(live)
  live
}

# Those of environments that are saved with the objects.
capture_finalizers <- function(save) {
  saved <- Filter(function(reference) isTRUE(utils::gethash(save$writer$known, rlang::wref_key(reference)) > 0), live_finalizers())
  if (length(saved)) lapply(saved, function(reference) c(list(e = rlang::wref_key(reference)), rlang::wref_value(reference)))
}

restore_finalizers <- function(value, reader) {
  for (each in value) reg.finalizer(each$e, each$f, each$onexit)
  list()
}

# ---- limits of time ----

note_limit <- function(name, cpu, elapsed) {
  tryCatch(
    workspace$limits[[name]] <- if (isTRUE(cpu < Inf) || isTRUE(elapsed < Inf)) list(cpu = cpu, elapsed = elapsed, since = proc.time()),
    error = function(error) NULL
  )
}

# Return those that are not over: one of the session ends what runs once, the other is for each expression.
time_limits <- function() {
  Filter(function(limit) {
    if (identical(limit, workspace$limits$setTimeLimit)) return(TRUE)
    spent <- proc.time() - limit$since
    spent[["elapsed"]] < limit$elapsed && sum(spent[c("user.self", "sys.self")]) < limit$cpu
  }, workspace$limits)
}

# Lift them, since they would end a save in the middle.
lift_limits <- function() {
  for (name in names(workspace$limits)) workspace$originals[[name]](Inf, Inf)
}

# Set again what of them was left.
renew_limits <- function() {
  for (name in names(left <- time_limits())) {
    limit <- left[[name]]
    spent <- proc.time() - limit$since
    workspace$originals[[name]](limit$cpu - sum(spent[c("user.self", "sys.self")]), limit$elapsed - spent[["elapsed"]])
  }
}

# Set them for an expression of the person's: setTimeLimit() is for each of them, as at R's prompt. The kernel's own code has none.
begin_limits <- function() {
  if (!is.null(workspace$limits$setTimeLimit)) workspace$limits$setTimeLimit$since <- proc.time()
  renew_limits()
}

# ---- marks of an object ----

# Whether R marked an object, "STP" by debugonce() and "TR" by tracemem(): it says so to its own developers alone.
is_marked <- function(x, mark) {
  shown <- utils::capture.output(eval(as.call(list(as.name(".Internal"), quote(inspect(x, 0L, 0L))))))
  grepl(paste0("\\[[^]]*\\b", mark, "\\b"), shown[[1]])
}
