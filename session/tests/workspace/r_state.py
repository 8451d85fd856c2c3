"""What R has beside its objects, and what becomes of it over a sleep: cases of a test, rows of a table in the docs."""

from typing import NamedTuple


class StateCase(NamedTuple):
    """`made` sets it up. It is kept where `asked` is `answer` afterwards; or else named, and `named` is in the name."""

    what: str
    made: str
    asked: str = ""
    answer: str = "TRUE"
    named: str = ""


_PRINTED = "local(function(x, ...) cat('LOUD'), globalenv())"
_METHOD = f"registerS3method('print', 'loud', {_PRINTED}, baseenv()); loud <- structure(1, class = 'loud')"
_ATTACHED = "e <- attach(NULL, name = 'tools of mine'); local({ own <- 40; double <- function() { own <<- own + 1; own } }, e)"

CASES = (
    StateCase(  # first, since it draws random numbers
        "servers of `httpuv`, also of Shiny",
        "served <- httpuv::startServer('127.0.0.1', httpuv::randomPort(), list())",
        named="server at",
    ),
    StateCase(
        "order of the search path",
        "library(splines); library(tools)",
        "search()[2] != search()[3] && 'package:splines' %in% search()",
    ),
    StateCase("`attach()`ed data", "attach(women, name = 'of women')", "'of women' %in% search() && height[1] == 58"),
    StateCase("functions of attached environments, in their place", _ATTACHED, "double(); own == 41"),
    StateCase("`library(include.only =)`", "library(grid, include.only = 'unit')", "exists('unit') && !exists('viewport')"),
    StateCase("detached packages", "detach('package:datasets')", "'package:datasets' %in% search()", "FALSE"),
    StateCase("loaded packages", "loadNamespace('stats4')", "isNamespaceLoaded('stats4')"),
    StateCase(
        "environment variables that you set or removed, but for those that the new session sets itself",
        "Sys.setenv(MINE = 'ü', EDITOR = 'mine'); Sys.unsetenv('R_UNZIPCMD')",
        "Sys.getenv('MINE') == 'ü' && Sys.getenv('EDITOR') == 'mine' && is.na(Sys.getenv('R_UNZIPCMD', NA))",
    ),
    StateCase("time zone", "Sys.setenv(TZ = 'Asia/Tokyo')", "format(as.POSIXct(0, origin = '1970-01-01'), '%H')", '"09"'),
    StateCase("locale", "invisible(Sys.setlocale('LC_TIME', 'C.UTF-8'))", "Sys.getlocale('LC_TIME')", '"C.UTF-8"'),
    StateCase("library paths", "dir.create('own'); .libPaths('own')", "basename(.libPaths()[1])", '"own"'),
    StateCase(
        "options", "options(digits = 4, encoding = 'latin1')", "c(getOption('digits'), getOption('encoding'))", 'c("4", "latin1")'
    ),
    StateCase(
        "states of random numbers", "RNGkind('Wichmann-Hill'); set.seed(3); seed <- .Random.seed", "identical(.Random.seed, seed)"
    ),
    StateCase("files in `tempdir()` up to 64 MiB", "path <- tempfile(); writeLines('ü', path)", "readLines(path) == 'ü'"),
    StateCase(
        "`debug()`, also of a package's function",
        "traced <- function() 1; debug(traced); debug(tools::file_ext)",
        "isdebugged(traced) && isdebugged(tools::file_ext)",
    ),
    StateCase(
        "`debug()` of methods of S4",
        "setClass('Square', representation(side = 'numeric')); setGeneric('area', function(shape) standardGeneric('area'))\n"
        "setMethod('area', 'Square', function(shape) shape@side^2); debug(area, signature = 'Square')",
        "isdebugged(area, signature = 'Square')",
    ),
    StateCase(
        "last error of rlang, which `last_trace()` shows",
        "state <- asNamespace('rlang')$the; state$last_error <- rlang::catch_cnd(rlang::abort('deep')); rm(state)",
        "conditionMessage(rlang::last_error())",
        '"deep"',
    ),
    StateCase(
        "`debugonce()` and `tracemem()`",
        "once <- function() 1; debugonce(once); debugonce(tools::toTitleCase); copied <- c(1, 2); label <- tracemem(copied)",
        "c(rspark:::is_marked(once, 'STP'), rspark:::is_marked(tools::toTitleCase, 'STP'), rspark:::is_marked(copied, 'TR'))",
        "c(TRUE, TRUE, TRUE)",
    ),
    StateCase(
        "functions for the end of an object (`reg.finalizer()`, `finalize` of R6)",
        "ENDS <- new.env(); ENDS$ed <- NULL; ending <- new.env()\n"
        "none <- reg.finalizer(ending, function(e) ENDS$ed <- c(ENDS$ed, 1))\n"
        "Ends <- R6::R6Class('Ends', public = list(finalize = function() ENDS$ed <- c(ENDS$ed, 2)))\n"
        "ends <- Ends$new()",
        "rm(ending, ends); invisible(gc()); sort(ENDS$ed)",
        "c(1, 2)",
    ),
    StateCase("limits of time (`setTimeLimit()`)", "setTimeLimit(elapsed = 1e5)", named="setTimeLimit()"),
    StateCase(
        "limits of time of R (`setSessionTimeLimit()`)", "setSessionTimeLimit(elapsed = 1e6)", named="setSessionTimeLimit()"
    ),
    StateCase(
        "functions that wait for their time (`later::later()`)", "stopped <- later::later(function() 1, 1e6)", named="later()"
    ),
    StateCase(
        "last plot of ggplot2, which `ggsave()` takes",
        "drawn <- ggplot2::set_last_plot(ggplot2::ggplot(data.frame(height = 58)))",
        "ggplot2::last_plot()$data$height[1]",
        "58",
    ),
    StateCase(
        "options of shiny, glmnet and completion, `gcinfo()`",
        "shiny::shinyOptions(mine = 5); glmnet::glmnet.control(fdev = 0.5); rc.options(ipck = FALSE); told <- gcinfo(TRUE)",
        "list(shiny::getShinyOption('mine'), glmnet::glmnet.control()$fdev, rc.options('ipck')[[1]], gcinfo(FALSE))",
        "list(5, 0.5, FALSE, TRUE)",
    ),
    StateCase(
        "locked variables",
        "unset <- quote(expr = ); fixed <- 1; lockBinding('fixed', globalenv())",
        "bindingIsLocked('fixed', globalenv())",
    ),
    StateCase(
        "delayed values and active bindings",
        "delayedAssign('late', 6 * 7); makeActiveBinding('live', function() late, globalenv())",
        "live",
        "42",
    ),
    StateCase("registered S3 methods", _METHOD, "capture.output(print(loud))", '"LOUD"'),
    StateCase(
        "S4 classes and methods",
        "setClass('P', slots = c(x = 'numeric')); setMethod('show', 'P', function(object) cat('P!')); p <- new('P', x = 1)",
        "capture.output(print(p))",
        '"P!"',
    ),
    StateCase("hooks", "setHook('mine', function(...) 1)", "length(getHook('mine'))", "1L"),
    StateCase("settings of knitr", "knitr::opts_chunk$set(fig.width = 3)", "knitr::opts_chunk$get('fig.width')", "3"),
    StateCase(
        "theme of ggplot2",
        "old <- ggplot2::theme_set(ggplot2::theme_bw())",
        "identical(ggplot2::theme_get(), ggplot2::theme_bw())",
    ),
    StateCase(
        "defaults of ggplot2's geoms",
        "ggplot2::update_geom_defaults('point', list(size = 9))",
        "c(ggplot2::GeomPoint$default_aes$size, ggplot2::GeomLine$default_aes$alpha)",
        "c(9, NA)",
    ),
    StateCase(
        "engines of knitr", "knitr::knit_engines$set(mine = function(options) 'x')", "knitr::knit_engines$get('mine')(1)", '"x"'
    ),
    StateCase("settings of lattice", "lattice::lattice.options(mine = 20)", "lattice::lattice.options()$mine", "20"),
    StateCase(
        "`palette()`, and options of `pdf()`, `postscript()` and `X11()`",
        "palette(c('red', 'blue')); pdf.options(width = 3); X11.options(type = 'nbcairo')",
        "list(palette(), pdf.options()$width, X11.options()$type)",
        'list(c("red", "blue"), 3, "nbcairo")',
    ),
    StateCase(
        "size of plots in a notebook (`repr.plot.width`)", "options(repr.plot.width = 3)", "getOption('repr.plot.width')", "3"
    ),
    StateCase(
        "how notebooks show results (`jupyter.rich_display`, `jupyter.plot_mimetypes`)",
        "options(jupyter.rich_display = FALSE)",
        "getOption('jupyter.rich_display')",
        "FALSE",
    ),
    StateCase("fonts of `pdf()`", "pdfFonts(mine = pdfFonts()$Helvetica)", "'mine' %in% names(pdfFonts())"),
    StateCase(
        "threads and rounding of data.table",
        "data.table::setDTthreads(2); data.table::setNumericRounding(2)",
        "c(data.table::getDTthreads(), data.table::getNumericRounding())",
        "c(2L, 2L)",
    ),
    StateCase(
        "limits of memory (`mem.maxVSize()`), how nice R is, how it compiles functions",
        "invisible(mem.maxVSize(2e5)); tools::psnice(value = 3); invisible(compiler::enableJIT(1))",
        "c(mem.maxVSize(), tools::psnice(), compiler::enableJIT(-1))",
        "c(2e+05, 3, 1)",
    ),
    StateCase(
        "functions called after each cell (`addTaskCallback()`)",
        "a <- addTaskCallback(function(...) TRUE, name = 'mine')",
        named="task callback mine",
    ),
    StateCase("backend of foreach", "foreach::registerDoSEQ()", "foreach::getDoParName()", '"doSEQ"'),
    StateCase("`umask`", "Sys.umask('027')", "format(Sys.umask(NA))", '"27"'),
    StateCase("working directory", "dir.create('w'); setwd('w')", "basename(getwd())", '"w"'),
    StateCase("open connections", "held <- file('/dev/null', 'r')", named="held"),
    StateCase("open graphics devices", "pdf('unfinished.pdf')", named="graphics device "),
    StateCase(
        "`trace()` of methods of S4",
        "setClass('Ring', representation(r = 'numeric')); setGeneric('edge', function(shape) standardGeneric('edge'))\n"
        "setMethod('edge', 'Ring', function(shape) 2 * pi * shape@r)\n"
        "trace('edge', quote(cat('traced')), signature = 'Ring', print = FALSE)",
        named="edge(Ring)",
    ),
    StateCase("`trace()` of a package's function", "trace(stats::sd, quote(cat('traced')), print = FALSE)", named="stats::sd"),
    StateCase(
        "functions of packages that were replaced",
        "assignInNamespace('glue', local(function(...) 1, globalenv()), 'glue')",
        named="glue::glue",
    ),
    StateCase("files that R itself writes to, as `Rprof()` does", "Rprof('profile.out')", named="profile.out"),
    StateCase("running programs", "system('sleep 600', wait = FALSE)", named="sleep 600"),
)
