# Renders a document: in the form that it declares itself where that is of the kind that is asked for.
(function() {
  words <- c("SCRIPT", "FORMAT", "TYPST", "PYTHON", "FILTER", "STYLE")
  asked <- as.list(Sys.getenv(paste0("RSPARK_JOB_", words), names = FALSE))
  names(asked) <- tolower(words)
  Sys.unsetenv(paste0("RSPARK_JOB_", words))
  options(showErrorCalls = FALSE)
  kinds <- list(
    html = c("html|ioslides|slidy|revealjs", "html_document"),
    docx = c("word|docx", "word_document"),
    pdf = c("pdf|beamer|tufte_handout", "pdf_document")
  )[[asked$format]]
  format <- if (nzchar(asked$typst)) {
    source(asked$typst, local = TRUE, encoding = "UTF-8")$value(asked$script, asked$python, asked$filter, asked$style)
  } else {
    declared <- tryCatch(rmarkdown::all_output_formats(asked$script), error = function(problem) character())
    c(grep(kinds[[1L]], declared, value = TRUE), kinds[[2L]])[[1L]]
  }
  rmarkdown::render(asked$script, output_format = format, envir = new.env(parent = globalenv()), encoding = "UTF-8")
})()
