# What Spark's RFormula can do with a formula of R, and what it can't, said before Spark is asked.

# Return a formula's outcome (NULL without one), terms and columns. `all` are the columns of the table, for which `.` stands.
parse_formula <- function(formula, all, outcome = TRUE) {
  if (!inherits(formula, "formula")) {
    problem("`formula` takes a formula, such as ", if (outcome) "mpg ~ wt + cyl." else "~ wt + cyl.")
  }
  if (outcome && length(formula) != 3) problem("The formula has no outcome. Write one before the ~, such as mpg ~ wt + cyl.")
  if (!outcome && length(formula) == 3) problem("Nothing stands before the ~ here: this has no outcome. Write ~ wt + cyl.")
  left <- if (outcome) formula[[2]]
  right <- formula[[length(formula)]]
  if (!is.null(left) && !is.name(left)) {
    problem("The outcome is one column. Make ", deparse1(left), " a column first, by dplyr::mutate().")
  }
  check_terms(right)
  name <- if (!is.null(left)) as.character(left)
  used <- setdiff(all.vars(right), ".")
  if ("." %in% all.vars(right)) used <- union(setdiff(all, name), used)
  unknown <- setdiff(c(name, used), all)
  if (length(unknown)) problem("The table has no column ", unknown[[1]], ". It has ", paste(utils::head(all, 20), collapse = ", "), ".")
  terms <- if ("." %in% all.vars(right)) expand_dot(right, setdiff(all, name)) else right
  columns <- c(name, used)
  list(outcome = name, terms = deparse1(plain_names(terms, columns)), columns = columns, text = deparse1(formula),
    intercept = attr(stats::terms(eval(call("~", terms))), "intercept") == 1)
}

# Spark's formulas take a name with a dot for something else: each column has a plain name of ours there, `v` and its number.
plain_names <- function(term, columns) {
  if (is.name(term)) {
    return(as.name(paste0("v", match(as.character(term), columns))))
  }
  if (is.call(term)) term[-1] <- lapply(as.list(term[-1]), plain_names, columns = columns)
  term
}

# Return names of terms as R has them: `v2_six` is the class six of the second column, `v1:v2_six` a product.
term_names <- function(terms, columns) {
  one <- function(part) {
    number <- as.integer(sub("^v([0-9]+).*", "\\1", part))
    paste0(columns[[number]], sub("^v[0-9]+_?", "", part))
  }
  vapply(strsplit(unlist(terms), ":(?=v[0-9])", perl = TRUE), function(parts) paste(vapply(parts, one, ""), collapse = ":"), "")
}

expand_dot <- function(term, columns) {
  if (identical(term, quote(.))) {
    return(Reduce(function(one, other) call("+", one, other), lapply(columns, as.name)))
  }
  if (is.call(term)) term[-1] <- lapply(as.list(term[-1]), expand_dot, columns = columns)
  term
}

check_terms <- function(term) {
  if (is.name(term) || is.numeric(term)) {
    return(invisible())
  }
  if (is.call(term) && as.character(term[[1]])[[1]] %in% c("+", "-", ":", "*", "^", "(")) {
    for (each in as.list(term[-1])) check_terms(each)
    return(invisible())
  }
  problem("Spark's formulas know +, -, :, *, ^ and `.`; make ", deparse1(term), " a column first, by dplyr::mutate().")
}

deparse1 <- function(expression) paste(trimws(deparse(expression, width.cutoff = 500L)), collapse = " ")
