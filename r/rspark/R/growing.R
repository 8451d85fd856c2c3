# A list that grows at its end in constant time. `environment$list[[n]] <- x` copies the list each time; this one is changed where
# it is.

new_growing <- function() {
  items <- list()
  n <- 0L
  list(
    add = function(x) {
      n <<- n + 1L
      items[n] <<- list(x)
      n
    },
    drop = function() {
      items[n] <<- list(NULL)
      n <<- n - 1L
    },
    at = function(i) items[[i]],
    set = function(i, x) {
      items[i] <<- list(x)
      n <<- max(n, as.integer(i))
    },
    size = function() n,
    all = function() items[seq_len(n)]
  )
}
