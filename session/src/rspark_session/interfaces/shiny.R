# Runs the Shiny app of a session: `Rscript shiny.R FOLDER PORT BEAT`.
#
# The app may change, or be wrong, while visitors look at it: so what listens is an app of this file, which passes everything on to
# the one in FOLDER as it is now. When a file of it changes it is loaded anew, and its pages load themselves again; what is wrong
# with it is shown in its place. The file BEAT is touched every second: one that grows old means that R computes or waits.
# When there is a file BEAT.end, R ends with the status 0, after what the app registered with onStop(); an interrupt makes that soon.

local({
  asked <- commandArgs(trailingOnly = TRUE)
  folder <- asked[[1]]
  port <- as.integer(asked[[2]])
  beat <- asked[[3]]
  ends <- function() file.exists(paste0(beat, ".end"))
  app <- NULL # the app as it is now
  visitors <- new.env(parent = emptyenv())

  sentence <- function(problem) {
    text <- conditionMessage(problem)
    gsub(paste0(normalizePath(folder, mustWork = FALSE), "/"), "", text, fixed = TRUE)
  }

  # Shown in the place of an app that can't be loaded. It is an app itself, so that its page loads itself again, too.
  page_of_problem <- function(title, text) {
    shiny::shinyApp(
      ui = shiny::fluidPage(
        title = title, shiny::h2(title), shiny::pre(text), shiny::p("This page loads itself again when the app changes.")
      ),
      server = function(input, output) NULL
    )
  }

  sources <- function() {
    top <- list.files(folder, pattern = "\\.[rR]$", full.names = TRUE)
    c(top, list.files(file.path(folder, "R"), pattern = "\\.[rR]$", full.names = TRUE, recursive = TRUE))
  }

  # When the files that make the app have changed last; data that the app reads or writes don't count.
  stamp <- function() {
    files <- c(sources(), list.files(file.path(folder, "www"), full.names = TRUE, recursive = TRUE))
    data.frame(file = files, changed = file.mtime(files))
  }

  load <- function() {
    if (!dir.exists(folder)) {
      return(page_of_problem("There is no app yet", sprintf("There is no folder %s. Make it, with a file app.R in it.", folder)))
    }
    if (!any(tolower(basename(sources())) %in% c("app.r", "server.r"))) {
      return(page_of_problem("There is no app yet", sprintf("There is no app.R in %s. Write it there.", folder)))
    }
    tryCatch(
      {
        for (file in sources()) parse(file, keep.source = FALSE, encoding = "UTF-8")
        setwd(folder)
        loaded <- shiny::shinyAppDir(folder)
        if (is.function(loaded$onStart)) loaded$onStart()
        loaded
      },
      error = function(problem) {
        message("The app can't be loaded: ", sentence(problem))
        page_of_problem("The app can't be loaded", sentence(problem))
      }
    )
  }

  look <- function() {
    if (ends()) {
      return(shiny::stopApp())
    }
    if (file.exists(beat)) Sys.setFileTime(beat, Sys.time()) else file.create(beat)
    now <- stamp()
    if (!identical(now, seen)) {
      seen <<- now
      app <<- load()
      for (visitor in mget(ls(visitors), visitors)) visitor$reload()
    }
    later::later(look, 1)
  }

  # What shiny itself shows in an output stays there. Any other error is told to the visitor, whose session shiny ends then.
  tell <- function(problem, session) {
    message("The app has an error: ", sentence(problem))
    if (!is.null(session)) {
      text <- paste("The app has an error:", sentence(problem))
      shiny::showNotification(text, duration = NULL, type = "error", session = session)
    }
  }

  page <- function(request) {
    tryCatch(app$httpHandler(request), error = function(problem) {
      tell(problem, NULL)
      shown <- page_of_problem("The app has an error", sentence(problem))
      shown$httpHandler(request)
    })
  }

  server <- function(input, output, session) {
    visitors[[session$token]] <- session
    session$onSessionEnded(function() rm(list = session$token, envir = visitors))
    tryCatch(
      {
        serve <- app$serverFuncSource()
        given <- list(input = input, output = output, session = session, clientData = session$clientData)
        do.call(serve, given[intersect(names(given), names(formals(serve)))])
      },
      error = function(problem) tell(problem, session)
    )
    invisible()
  }

  options(shiny.error = function() {
    problem <- get0("e", parent.frame())
    session <- shiny::getDefaultReactiveDomain()
    if (inherits(problem, "condition") && !is.null(session) && is.null(shiny::getCurrentOutputInfo())) tell(problem, session)
  })
  tryCatch(
    {
      seen <- stamp()
      start <- function() {
        app <<- load()
        look()
      }
      shiny::runApp(
        shiny::shinyApp(page, server, onStart = start, uiPattern = ".*"),
        port = port, host = "127.0.0.1", launch.browser = FALSE, quiet = TRUE
      )
    },
    interrupt = function(condition) NULL,
    # What runs callbacks makes an error of an interrupt, and what reads from visitors swallows it.
    error = function(problem) if (!ends()) stop(problem)
  )
  # httpuv still closes connections in a thread of its own: one that meets an R that is going away aborts it.
  httpuv::stopAllServers()
  quiet <- Sys.time() + 1
  while (Sys.time() < quiet) later::run_now(0.1)
  quit(save = "no", status = 0)
})
