# Reads the help of R's packages for Rc²'s index; `reading.py` says what is asked and answered.

answers <- file("/dev/stdout", "w")
sink(stderr()) # what else R prints is no answer
asked <- jsonlite::parse_json(readLines(file("stdin", encoding = "UTF-8"), 1L, warn = FALSE))
most_text <- 2^18 # characters of a topic or a vignette
fetch <- get("fetchRdDB", envir = asNamespace("tools"), inherits = FALSE)
without <- c(
  "\\name", "\\alias", "\\title", "\\keyword", "\\encoding", "\\docType", "\\Rdversion", "\\RdOpts", "\\Sexpr", "COMMENT"
)

answer <- function(value) {
  writeLines(enc2utf8(as.character(jsonlite::toJSON(value, auto_unbox = TRUE))), answers, useBytes = TRUE)
  flush(answers)
}

cleaned <- function(text) {
  text <- iconv(enc2utf8(paste(text, collapse = " ")), "UTF-8", "UTF-8", sub = "?")
  text <- trimws(gsub("[[:space:][:cntrl:]]+", " ", text))
  substr(gsub(" +([,;)]|[.:](?= |$))", "\\1", text, perl = TRUE), 1L, most_text)
}

# A package is another one when the database of its help, or its description, was written anew.
stamps <- function(library) {
  names <- list.files(library)
  names <- names[file.exists(file.path(library, names, "Meta", "package.rds"))]
  described <- file.info(file.path(library, names, "DESCRIPTION"), extra_cols = FALSE)
  helped <- file.info(file.path(library, names, "help", paste0(names, ".rdb")), extra_cols = FALSE)
  stamp <- paste(as.numeric(described$mtime), described$size, as.numeric(helped$mtime), helped$size)
  as.list(stats::setNames(stamp, names))
}

topics <- function(library, package) {
  database <- file.path(library, package, "help", package)
  if (!file.exists(paste0(database, ".rdx"))) {
    return(list())
  }
  aliases <- readRDS(file.path(library, package, "help", "aliases.rds"))
  pages <- fetch(database)
  unname(Map(function(rd, file) {
    tags <- vapply(rd, function(part) paste(attr(part, "Rd_tag"), collapse = ""), "")
    # R finds a page by its aliases: its own name may be none of them.
    names <- unname(names(aliases)[aliases == file])
    own <- trimws(unlist(rd[tags == "\\name"]))
    list(
      topic = if (length(names) && !any(own %in% names)) names[[1L]] else c(own, file)[[1L]], names = I(as.list(names)),
      title = cleaned(unlist(rd[tags == "\\title"])), body = cleaned(unlist(rd[!tags %in% without], use.names = FALSE)),
      vignette = FALSE
    )
  }, pages, names(pages)))
}

vignettes <- function(library, package) {
  file <- file.path(library, package, "Meta", "vignette.rds")
  found <- if (file.exists(file)) readRDS(file)
  shown <- vapply(seq_len(NROW(found)), function(at) {
    grepl("[.](html|pdf)$", found$PDF[[at]]) && file.exists(file.path(library, package, "doc", found$PDF[[at]]))
  }, NA)
  lapply(which(shown), function(at) {
    source <- file.path(library, package, "doc", found$File[[at]])
    text <- if (file.exists(source)) readLines(source, warn = FALSE, encoding = "UTF-8") else character()
    list(
      topic = tools::file_path_sans_ext(found$File[[at]]), names = I(list()), title = cleaned(found$Title[[at]]),
      body = cleaned(text), vignette = TRUE
    )
  })
}

present <- stats::setNames(lapply(asked$libraries, stamps), asked$libraries)
empty <- stats::setNames(list(), character())
answer(list(present = if (length(present)) lapply(present, function(each) if (length(each)) each else empty) else empty))
for (library in names(present)) {
  for (package in names(present[[library]])) {
    stamp <- present[[library]][[package]]
    if (identical(asked$known[[library]][[package]], stamp)) next
    found <- tryCatch(c(topics(library, package), vignettes(library, package)), error = function(error) {
      answer(list(problem = paste0(package, ": ", conditionMessage(error))))
      list()
    })
    answer(list(library = library, package = package, stamp = stamp, topics = I(found)))
  }
}
