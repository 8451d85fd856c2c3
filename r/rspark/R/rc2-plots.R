# Plots are kept as R recorded them, so that Rc² can draw them again at the size of its pane.

rc2_plots <- new.env(parent = emptyenv())
rc2_most_plots <- 100L
rc2_most_plot_bytes <- 2^28 # a plot has all of its points

# Return a recorded plot that says its number where it is shown as text, after it was remembered. What another R has drawn in the
# same console, before a restart or a sleep, has other numbers: these begin with the time in milliseconds, and no plot takes less.
rc2_remember <- function(plot, most_bytes = rc2_most_plot_bytes) {
  rc2_plots$last <- (rc2_plots$last %||% floor(1000 * (as.numeric(Sys.time()) - 1.7e9))) + 1
  name <- rc2_plot_name(rc2_plots$last)
  assign(name, plot, envir = rc2_plots)
  sizes <- c(rc2_plots$sizes, stats::setNames(as.numeric(utils::object.size(plot)), name))
  while (length(sizes) > 1L && (length(sizes) > rc2_most_plots || sum(sizes) > most_bytes)) {
    rm(list = names(sizes)[[1]], envir = rc2_plots)
    sizes <- sizes[-1]
  }
  rc2_plots$sizes <- sizes
  attr(plot, "rspark_number") <- name
  plot
}

rc2_plot_name <- function(number) sprintf("%.0f", number)

# Let repr, by which R's kernel shows a plot as text, say its number.
rc2_name_plots <- function() {
  original <- utils::getS3method("repr_text", "recordedplot", envir = asNamespace("repr"))
  named <- function(obj, ...) {
    number <- attr(obj, "rspark_number")
    if (is.null(number)) original(obj, ...) else paste("Plot", number)
  }
  registerS3method("repr_text", "recordedplot", named, envir = asNamespace("repr"))
}

rc2_plot <- function(asked) {
  if (!exists(asked$plot, envir = rc2_plots, inherits = FALSE)) problem("This plot can't be drawn again. Run its code once more.")
  plot <- get(asked$plot, envir = rc2_plots, inherits = FALSE)
  switch(asked$format,
    svg = grDevices::svg(asked$target, width = asked$width, height = asked$height),
    png = grDevices::png(asked$target, width = asked$width, height = asked$height, units = "in", res = asked$density, type = "cairo"),
    pdf = grDevices::cairo_pdf(asked$target, width = asked$width, height = asked$height),
    problem("Plots are drawn as svg, png or pdf.")
  )
  device <- grDevices::dev.cur()
  tryCatch(grDevices::replayPlot(plot), finally = grDevices::dev.off(device))
  list(drawn = TRUE)
}
