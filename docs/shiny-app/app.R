# An app of Shiny, to change and to share: samples of a distribution, and how close their mean comes to its own.
# Save this file, and every page that shows the app loads itself again.

library(shiny)
library(ggplot2)

distributions <- list(
  Normal = function(n) rnorm(n, mean = 1),
  Uniform = function(n) runif(n, max = 2),
  Exponential = rexp
)

ui <- fluidPage(
  titlePanel("The mean of a sample"),
  sidebarLayout(
    sidebarPanel(
      selectInput("distribution", "Distribution, of the mean 1", names(distributions)),
      sliderInput("size", "Observations in a sample", min = 1, max = 200, value = 20),
      actionButton("again", "Another thousand samples")
    ),
    mainPanel(plotOutput("means"), textOutput("spread"))
  )
)

server <- function(input, output, session) {
  means <- reactive({
    input$again
    draw <- distributions[[input$distribution]]
    replicate(1000, mean(draw(input$size)))
  })
  output$means <- renderPlot({
    ggplot(data.frame(mean = means()), aes(mean)) + geom_histogram(bins = 40) + coord_cartesian(xlim = c(0, 2))
  })
  output$spread <- renderText(sprintf("Standard deviation of the means: %.3f", sd(means())))
}

shinyApp(ui, server)
