# Help, completion and what hovers over code, for Rc².

rc2_help <- function(asked) {
  package <- if (nzchar(asked$package)) asked$package
  if (nzchar(asked$vignette)) {
    return(rc2_vignette(asked$vignette, package))
  }
  topic <- asked$topic
  if (!nzchar(topic) && !is.null(package)) {
    return(rc2_help_index(package))
  }
  if (is.null(package) && grepl("^[A-Za-z][A-Za-z0-9.]*:::?.", topic)) {
    package <- sub(":.*", "", topic)
    topic <- sub("^[^:]*:::?", "", topic)
  }
  files <- as.character(rc2_help_files(topic, package))
  # A link names the package in which it stands, wherever its topic is.
  if (!length(files) && !is.null(package)) files <- as.character(rc2_help_files(topic))
  if (!length(files)) {
    return(list(missing = TRUE))
  }
  packages <- basename(dirname(dirname(files)))
  if (length(files) > 1L) {
    return(list(topic = topic, matches = rc2_matches(NULL, rep(topic, length(files)), packages, vapply(files, rc2_help_title, ""))))
  }
  rd <- rc2_rd(files)
  html <- character()
  con <- textConnection("html", "w", local = TRUE)
  tools::Rd2HTML(rd, out = con, package = packages, dynamic = TRUE, stylesheet = "")
  close(con)
  list(topic = topic, package = packages, title = rc2_rd_title(rd), html = rc2_whole(paste(html, collapse = "\n"), 2097152L))
}

# The files of a topic's help, in one package or in all that are installed.
rc2_help_files <- function(topic, package = NULL) {
  found <- eval(call("help", topic, package = package), asNamespace("utils"))
  if (!length(found) && is.null(package)) found <- eval(call("help", topic, try.all.packages = TRUE), asNamespace("utils"))
  found
}

# R's own reading of its help database, by the name of a file in it.
rc2_rd <- function(file) {
  database <- file.path(dirname(file), basename(dirname(dirname(file))))
  tools_fetch <- get("fetchRdDB", envir = asNamespace("tools"), inherits = FALSE)
  tools_fetch(database, basename(file))
}

rc2_rd_title <- function(rd) {
  tags <- vapply(rd, function(part) attr(part, "Rd_tag") %||% "", "")
  title <- rd[tags == "\\title"]
  if (length(title)) rc2_cut(trimws(paste(unlist(title[[1]]), collapse = ""))) else ""
}

rc2_help_title <- function(file) tryCatch(rc2_rd_title(rc2_rd(file)), error = function(error) "")

rc2_most_matches <- 200L

# Where packages are found here, the first of which is taken.
rc2_libraries <- function() list(libraries = rc2_list(.libPaths()))

# All of a package: its vignettes, and its topics but those for itself alone.
rc2_help_index <- function(package) {
  file <- system.file("Meta", "Rd.rds", package = package)
  if (!nzchar(file)) problem("There is no package ", package, " here.")
  topics <- readRDS(file)
  topics <- topics[!vapply(topics$Keywords, function(words) "internal" %in% words, NA), , drop = FALSE]
  topics <- topics[order(tolower(topics$Name)), , drop = FALSE]
  matches <- rc2_matches(rc2_vignettes(package), topics$Name, rep(package, nrow(topics)), topics$Title, most = 2000L)
  list(topic = package, package = package, title = paste("Package", package), matches = matches)
}

rc2_matches <- function(vignettes, topics, packages, titles, most = rc2_most_matches) {
  match <- function(topic, package, title, vignette) {
    list(topic = topic, package = package, title = rc2_cut(trimws(gsub("[[:space:]]+", " ", title))), vignette = vignette)
  }
  guides <- Map(match, vignettes$Topic, vignettes$Package, vignettes$Title, TRUE)
  rc2_list(utils::head(c(guides, if (length(topics)) Map(match, topics, packages, titles, FALSE)), most))
}

# The vignettes of a package, or of all, that can be read here; the first library's where several have a package.
rc2_vignettes <- function(package = NULL) {
  found <- as.data.frame(tools::getVignetteInfo(package), stringsAsFactors = FALSE)
  found <- found[grepl("[.](html|pdf)$", found$PDF) & !duplicated(found[c("Package", "Topic")]), , drop = FALSE]
  found[file.exists(file.path(found$Dir, "doc", found$PDF)), , drop = FALSE]
}

rc2_vignette <- function(topic, package) {
  found <- rc2_vignettes(package)
  found <- found[found$Topic == topic, , drop = FALSE]
  if (!nrow(found)) problem("There is no vignette ", topic, " in what is installed here.")
  found <- found[1, ]
  list(topic = topic, package = found$Package, title = rc2_cut(found$Title), file = file.path(found$Dir, "doc", found$PDF))
}

# Completion ------------------------------------------------------------------

rc2_most_completions <- 500L

rc2_complete <- function(asked) {
  completions <- get("completions", envir = asNamespace("IRkernel"), inherits = FALSE)
  found <- completions(asked$code, asked$position)
  texts <- unlist(found$comps)
  before <- substr(asked$code, 1L, asked$position)
  word <- regmatches(before, regexpr("[A-Za-z.][A-Za-z0-9._]*$", before))
  head <- substr(before, 1L, nchar(before) - sum(nchar(word)))
  columns <- if (grepl("[$@:\"']$", head)) character() else rc2_columns_near(head, if (length(word)) word else "")
  start <- if (length(columns)) nchar(head) else found$start
  types <- vapply(texts, rc2_completion_type, "", USE.NAMES = FALSE)
  if (length(texts) && grepl("\\$[A-Za-z0-9._]*$", before)) types[] <- "column"
  all <- c(rep("column", length(columns)), types)
  texts <- c(columns, texts)
  kept <- utils::head(which(!duplicated(texts)), rc2_most_completions)
  list(
    start = start, end = found$end,
    completions = rc2_list(lapply(kept, function(place) list(text = texts[[place]], type = if (nzchar(all[[place]])) all[[place]])))
  )
}

rc2_completion_type <- function(text) {
  if (grepl("[=]$", text)) {
    "argument"
  } else if (grepl("::$", text)) {
    "package"
  } else if (grepl("/", text, fixed = TRUE)) {
    "file"
  } else if (make.names(text) == text && exists(text, mode = "function")) {
    "function"
  } else {
    ""
  }
}

# The columns of the data frames that are named in the call or the pipe before the cursor.
rc2_columns_near <- function(head, word) {
  if (!grepl("[(|]", head)) {
    return(character())
  }
  last <- utils::tail(strsplit(head, "\n[ \t]*\n|;")[[1]], 1L)
  names <- unique(regmatches(last, gregexpr("[A-Za-z.][A-Za-z0-9._]*", last))[[1]])
  names <- names[vapply(names, exists, NA, envir = globalenv())]
  own <- names[vapply(names, exists, NA, envir = globalenv(), inherits = FALSE)]
  if (length(own)) names <- setdiff(names, own[nzchar(rc2_unevaluated(globalenv(), own))])
  columns <- unlist(lapply(names, function(name) {
    value <- get(name, envir = globalenv())
    if (is.data.frame(value)) names(unclass(value))
  }))
  unique(columns[startsWith(columns, word)])
}

# What hovers -----------------------------------------------------------------

rc2_inspect <- function(asked) {
  code <- asked$code
  before <- regmatches(substr(code, 1L, asked$position), regexpr("[A-Za-z0-9._:]*$", substr(code, 1L, asked$position)))
  after <- regmatches(substring(code, asked$position + 1L), regexpr("^[A-Za-z0-9._:]*", substring(code, asked$position + 1L)))
  token <- paste0(before, after)
  if (!nzchar(token) && grepl("[(,]\\s*$", substr(code, 1L, asked$position))) {
    called <- regmatches(code, regexpr("[A-Za-z.][A-Za-z0-9._:]*(?=\\([^()]*$)", substr(code, 1L, asked$position), perl = TRUE))
    if (length(called)) token <- called
  }
  nothing <- list(found = FALSE)
  if (!grepl("^[A-Za-z.]", token)) {
    return(nothing)
  }
  name <- sub("^.*:", "", token)
  env <- if (grepl(":", token, fixed = TRUE)) tryCatch(asNamespace(sub(":.*", "", token)), error = function(error) NULL) else globalenv()
  if (is.null(env) || !exists(name, envir = env)) {
    return(nothing)
  }
  if (exists(name, envir = globalenv(), inherits = FALSE) && nzchar(rc2_unevaluated(globalenv(), name))) {
    return(list(found = TRUE, data = list("text/plain" = "not evaluated yet")))
  }
  x <- get(name, envir = env)
  if (!is.function(x)) {
    described <- rc2_described(x)
    return(list(found = TRUE, data = list("text/plain" = paste0(name, ": ", class(x)[[1]], "\n", rc2_cut(described$summary)))))
  }
  package <- sub("^.*:", "", sub(":::?.*", "", if (grepl(":", token)) token else environmentName(environment(x) %||% baseenv())))
  file <- as.character(tryCatch(rc2_help_files(name, if (package %in% rownames(utils::installed.packages())) package), error = function(error) NULL))
  title <- if (length(file)) rc2_help_title(file[[1]]) else ""
  usage <- sub("^function", name, rc2_deparsed(args(x)))
  usage <- sub("\\s*NULL$", "", usage)
  list(found = TRUE, data = list("text/plain" = paste(c(usage, if (nzchar(title)) title), collapse = "\n")))
}
