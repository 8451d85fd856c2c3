# Renders a document: in the form that it declares itself where that is of the kind that is asked for.
(function() {
  document <- Sys.getenv("RSPARK_JOB_SCRIPT")
  kind <- Sys.getenv("RSPARK_JOB_FORMAT")
  Sys.unsetenv(c("RSPARK_JOB_SCRIPT", "RSPARK_JOB_FORMAT"))
  options(showErrorCalls = FALSE)
  kinds <- list(
    html = c("html|ioslides|slidy|revealjs", "html_document"),
    docx = c("word|docx", "word_document"),
    pdf = c("pdf|beamer|tufte_handout", "pdf_document")
  )[[kind]]
  declared <- tryCatch(rmarkdown::all_output_formats(document), error = function(problem) character())
  fitting <- grep(kinds[[1L]], declared, value = TRUE)
  rmarkdown::render(
    document,
    output_format = if (length(fitting)) fitting[[1L]] else kinds[[2L]],
    envir = new.env(parent = globalenv()),
    encoding = "UTF-8"
  )
})()
