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

# Whether a function was made by the person.
is_persons <- function(f) typeof(f) == "closure" && leads_to_global(environment(f))

# Whether an environment leads to the global one before any package.
leads_to_global <- function(x) {
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
    for (name in c("opts_chunk", "opts_knit", "opts_template", "knit_hooks", "opts_hooks", "knit_engines")) {
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
  for (package in names(kept_settings)) {
    if (isNamespaceLoaded(package)) settings[[package]] <- kept_settings[[package]]$read()
  }
  if (isNamespaceLoaded("foreach") && asNamespace("foreach")$getDoParRegistered()) {
    backend <- asNamespace("foreach")$getDoParName()
    if (identical(backend, "doSEQ")) {
      settings[["foreach::registerDoSEQ"]] <- list()
    } else {
      lose(save, paste0("foreach's backend ", backend), "workers", "Its workers end with R. Register it again.")
    }
  }
  if (length(settings)) settings
}

# Settings of packages, as of how things are drawn: what a package has no list of defaults for is saved whole, since it is small.
kept_settings <- list(
  grDevices = list(
    read = function() {
      list(
        palette = grDevices::palette(), pdf = grDevices::pdf.options(), ps = grDevices::ps.options(),
        fonts = grDevices::pdfFonts(), ps_fonts = grDevices::postscriptFonts(), x11 = grDevices::X11.options()
      )
    },
    restore = function(saved) {
      if (!same(saved$palette, grDevices::palette())) grDevices::palette(saved$palette)
      do.call(grDevices::pdf.options, saved$pdf)
      # ps.options() warns of those that it may not set.
      suppressWarnings(do.call(grDevices::ps.options, saved$ps))
      if (!same(saved$x11, grDevices::X11.options())) do.call(grDevices::X11.options, Filter(Negate(is.null), saved$x11))
      for (fonts in list(list(grDevices::pdfFonts, saved$fonts), list(grDevices::postscriptFonts, saved$ps_fonts))) {
        changed <- Filter(function(name) !same(fonts[[1]]()[[name]], fonts[[2]][[name]]), names(fonts[[2]]))
        if (length(changed)) do.call(fonts[[1]], fonts[[2]][changed])
      }
    }
  ),
  ggplot2 = list(
    read = function() lapply(of_ggplot2(), function(each) each$default_aes),
    restore = function(saved) {
      of <- of_ggplot2()
      for (name in intersect(names(saved), names(of))) {
        if (!same(of[[name]]$default_aes, saved[[name]])) assign("default_aes", saved[[name]], envir = of[[name]])
      }
    }
  ),
  data.table = list(
    read = function() {
      threads <- asNamespace("data.table")$getDTthreads()
      list(threads = if (!same(threads, workspace$threads)) threads, rounding = asNamespace("data.table")$getNumericRounding())
    },
    restore = function(saved) {
      if (!is.list(saved)) saved <- list(threads = saved) # as versions before saved it
      if (!is.null(saved$threads)) asNamespace("data.table")$setDTthreads(saved$threads)
      if (!is.null(saved$rounding)) asNamespace("data.table")$setNumericRounding(saved$rounding)
    }
  ),
  glmnet = list(
    read = function() asNamespace("glmnet")$glmnet.control(),
    restore = function(saved) do.call(asNamespace("glmnet")$glmnet.control, saved)
  ),
  shiny = list(
    read = function() list(options = as.list(asNamespace("shiny")$.globals$options), folders = asNamespace("shiny")$resourcePaths()),
    restore = function(saved) {
      shiny <- asNamespace("shiny")
      do.call(shiny$shinyOptions, saved$options)
      for (prefix in setdiff(names(saved$folders), names(shiny$resourcePaths()))) shiny$addResourcePath(prefix, saved$folders[[prefix]])
    }
  ),
  utils = list(
    read = function() as.list(asNamespace("utils")$.CompletionEnv$options),
    restore = function(saved) do.call(utils::rc.options, saved)
  ),
  lattice = list(
    read = function() mget(c("lattice.theme", "lattice.options"), envir = asNamespace("lattice")$.LatticeEnv),
    restore = function(saved) list2env(saved, asNamespace("lattice")$.LatticeEnv)
  )
)

# Note how many threads data.table takes by itself when it is loaded: they depend on the machine, which may be another one after a
# sleep, so that only a number that somebody set is kept.
watch_threads <- function() {
  loaded <- packageEvent("data.table", "onLoad")
  noted <- vapply(getHook(loaded), identical, logical(1), note_threads)
  if (isNamespaceLoaded("data.table")) {
    note_threads()
  } else if (!any(noted)) {
    setHook(loaded, note_threads)
  }
}

# Called by R with the package's name and folder.
note_threads <- function(...) workspace$threads <- tryCatch(asNamespace("data.table")$getDTthreads(), error = function(error) NULL)

# Return what ggplot2 draws and computes with: objects that update_geom_defaults() and update_stat_defaults() change.
of_ggplot2 <- function() {
  ggplot2 <- asNamespace("ggplot2")
  Filter(function(each) inherits(each, c("Geom", "Stat")), mget(grep("^(Geom|Stat)", names(ggplot2), value = TRUE), envir = ggplot2))
}

restore_packages <- function(value, reader) {
  each_guarded(names(value), "package settings", function(name) {
    if (name %in% names(kept_settings)) {
      return(kept_settings[[name]]$restore(value[[name]]))
    }
    package <- asNamespace(sub("::.*", "", name))
    setting <- package[[sub(".*::", "", name)]]
    if (name == "ggplot2::theme_set") {
      setting(value[[name]])
    } else {
      do.call(if (is.function(setting)) setting else setting$set, value[[name]])
    }
  })
}
