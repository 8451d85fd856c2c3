# The format of R Markdown that sets PDF by Typst where no LaTeX is: pandoc 3 writes for it what knitr has made.
# It heeds what documents declare for PDF: R Markdown's `output: pdf_document:` and Quarto's `format: pdf:`.
function(document, python, filter, style) {
  front <- tryCatch(rmarkdown::yaml_front_matter(document, encoding = "UTF-8"), error = function(problem) list())
  declared <- function(formats) {
    fitting <- if (is.list(formats)) formats[grepl("pdf|typst|tufte_handout", names(formats))]
    if (length(fitting) && is.list(fitting[[1L]])) fitting[[1L]]
  }
  declarations <- c(declared(front$output), declared(front$format), front)
  value <- function(default, ...) {
    for (name in c(...)) if (!is.null(declarations[[name]])) return(declarations[[name]])
    default
  }
  pictures <- tempfile("pictures")
  dir.create(pictures)
  Sys.setenv(RSPARK_REMOTE_PICTURES = pictures)
  rmarkdown::output_format(
    knitr = rmarkdown::knitr_options(opts_chunk = list(
      dev = if (capabilities("cairo")) "svg" else "png",
      dpi = 200,
      fig.width = value(6.3, "fig_width", "fig-width"),
      fig.height = value(4.2, "fig_height", "fig-height")
    )),
    pandoc = rmarkdown::pandoc_options(
      to = "typst-citations",
      from = rmarkdown::from_rmarkdown(),
      ext = ".knit.typ",
      args = c(
        "--standalone", "--lua-filter", filter, "--include-in-header", style,
        if (isTRUE(value(FALSE, "toc"))) c("--table-of-contents", "--toc-depth", value(3L, "toc_depth", "toc-depth")),
        if (isTRUE(value(FALSE, "number_sections", "number-sections"))) c("--metadata", "numbersections:true")
      )
    ),
    df_print = if (value("", "df_print", "df-print") %in% c("kable", "tibble")) value("", "df_print", "df-print") else "default",
    post_processor = function(metadata, input, output_file, clean, verbose) {
      on.exit(unlink(output_file))
      pdf <- sub("\\.knit\\.typ$", ".pdf", output_file)
      status <- system2(python, c("-I", "-m", "rspark_session.rc2.rendering.typst_pdf", shQuote(c(output_file, pdf, document))))
      if (status != 0L) stop(basename(document), " was not rendered.", call. = FALSE)
      pdf
    }
  )
}
