# What is set in places of R's and of packages: methods, hooks, settings.

# Return the methods that were registered by hand: those of packages have their namespace's environment.
capture_methods <- function(save) {
  found <- list()
  for (package in loadedNamespaces()) {
    table <- get0(".__S3MethodsTable__.", envir = asNamespace(package), inherits = FALSE)
    if (is.null(table)) next
    for (name in computed_bindings(table)) {
      method <- get(name, envir = table, inherits = FALSE)
      if (is_persons(method)) found[[length(found) + 1L]] <- list(package = package, name = name, method = method)
    }
  }
  if (length(found)) found
}

# Whether a function was made by the person: what it closes over leads to the global environment before any package.
is_persons <- function(f) {
  if (typeof(f) != "closure") {
    return(FALSE)
  }
  x <- environment(f)
  while (!identical(x, globalenv())) {
    if (is.null(x) || is_everywhere(x)) {
      return(FALSE)
    }
    x <- parent.env(x)
  }
  TRUE
}

restore_methods <- function(value, reader) {
  lost <- list()
  for (method in value) {
    problem <- tryCatch(
      {
        assign(method$name, method$method, envir = get(".__S3MethodsTable__.", envir = asNamespace(method$package)))
        NULL
      },
      error = conditionMessage
    )
    if (!is.null(problem)) lost <- c(lost, list(lost_entry(method$name, "method", problem)))
  }
  lost
}

# Hooks that the person set with setHook(): of packages that load, of plots.
capture_hooks <- function(save) {
  all <- get(".userHooksEnv", envir = baseenv())
  hooks <- lapply(mget(computed_bindings(all), envir = all), function(hooks) Filter(is_persons, if (is.list(hooks)) hooks else list(hooks)))
  hooks <- Filter(length, hooks)
  if (length(hooks)) hooks
}

restore_hooks <- function(value, reader) each_guarded(names(value), "hook", function(name) setHook(name, value[[name]], "append"))

# Settings that packages hold inside of themselves.
capture_packages <- function(save) {
  settings <- list()
  if (isNamespaceLoaded("knitr")) {
    knitr <- asNamespace("knitr")
    for (name in c("opts_chunk", "opts_knit", "knit_hooks", "opts_hooks")) {
      of <- knitr[[name]]
      now <- of$get()
      default <- of$get(default = TRUE)
      changed <- names(now)[!vapply(names(now), function(option) same(now[[option]], default[[option]]), logical(1))]
      if (length(changed)) settings[[paste0("knitr::", name)]] <- now[changed]
    }
  }
  if (isNamespaceLoaded("ggplot2")) {
    ggplot2 <- asNamespace("ggplot2")
    theme <- ggplot2$theme_get()
    if (!same(theme, ggplot2$theme_grey())) settings[["ggplot2::theme_set"]] <- theme
  }
  if (length(settings)) settings
}

restore_packages <- function(value, reader) {
  each_guarded(names(value), "package settings", function(name) {
    package <- asNamespace(sub("::.*", "", name))
    setting <- package[[sub(".*::", "", name)]]
    if (is.function(setting)) setting(value[[name]]) else do.call(setting$set, value[[name]])
  })
}
