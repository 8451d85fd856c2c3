# Answers each line of JSON on standard input by one on standard output: {"ask": "lints", "path", "text"} by what lintr says of the text,
# {"ask": "names", "text"} by the names in it, each by {"problem"} where that can't be.

answers <- file("/dev/stdout", "w")
sink(stderr()) # what else R prints is no answer
questions <- file("stdin", "r", encoding = "UTF-8")
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "names.R"))

# Mistakes, and not matters of taste: whoever wants lintr's whole list writes a `.lintr`.
ours <- lintr::linters_with_tags(NULL)[c(
  "any_duplicated_linter", "any_is_na_linter", "class_equals_linter", "duplicate_argument_linter", "equals_na_linter",
  "missing_argument_linter", "missing_package_linter", "namespace_linter", "redundant_ifelse_linter", "seq_linter",
  "sprintf_linter", "T_and_F_symbol_linter", "unreachable_code_linter", "vector_logic_linter"
)]

has_settings <- function(path) {
  name <- getOption("lintr.linter_file", ".lintr")
  folder <- dirname(path)
  repeat {
    if (file.exists(file.path(folder, name))) return(TRUE)
    if (dirname(folder) == folder) break
    folder <- dirname(folder)
  }
  file.exists(file.path(path.expand("~"), name))
}

lints <- function(asked) {
  text <- strsplit(asked$text, "\n", fixed = TRUE)[[1]]
  found <- if (has_settings(asked$path)) {
    lintr::lint(asked$path, text = text)
  } else {
    lintr::lint(asked$path, linters = ours, parse_settings = FALSE, text = text)
  }
  lapply(found, function(lint) {
    last <- if (length(lint$ranges)) max(vapply(lint$ranges, function(range) range[[2]], numeric(1))) else lint$column_number
    # This one points behind the letter, where the rest of the word would be put.
    if (lint$linter == "T_and_F_symbol_linter") last <- lint$column_number <- lint$column_number - 1
    list(
      line = as.integer(max(1L, lint$line_number)), column = as.integer(lint$column_number), last = as.integer(last),
      kind = as.character(lint$type), message = as.character(lint$message), linter = as.character(lint$linter)
    )
  })
}

while (length(question <- readLines(questions, 1L, warn = FALSE))) {
  answer <- tryCatch(
    {
      asked <- jsonlite::parse_json(question)
      if (asked$ask == "names") names_of(asked$text) else lints(asked)
    },
    error = function(problem) list(problem = conditionMessage(problem))
  )
  writeLines(as.character(jsonlite::toJSON(answer, auto_unbox = TRUE)), answers)
  flush(answers)
}
