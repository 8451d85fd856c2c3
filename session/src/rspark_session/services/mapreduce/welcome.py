"""What a welcome document shows of MapReduce."""

from rspark_session.notebook_cell import Cell

CELLS = (
    Cell(
        "markdown",
        "## MapReduce\n\nA map makes pairs of key and value of each part of the input, a reduce gets all values of a key. "
        "`mapred streaming` in a terminal does the same with programs in any language.",
    ),
    Cell(
        "code",
        "library(rspark)\n"
        'text <- to_dfs(c("to be or", "not to be"))\n'
        "counts <- mapreduce(text,\n"
        '  map = function(key, lines) keyval(unlist(strsplit(lines, " ")), 1),\n'
        "  reduce = function(word, ones) keyval(word, sum(ones))\n"
        ")\n"
        "as.data.frame(from_dfs(counts))",
    ),
)
