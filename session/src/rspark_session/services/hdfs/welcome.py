"""What a welcome document shows of HDFS."""

from rspark_session.notebook_cell import Cell

CELLS = (
    Cell(
        "markdown",
        "## Files for all programs\n\nIn HDFS you have a home that R, Spark and `hdfs dfs` in a terminal share; nobody else can "
        "read it.",
    ),
    Cell(
        "code",
        'library(rspark)\nwrite.csv(mtcars, "mtcars.csv", row.names = FALSE)\nhdfs_put("mtcars.csv")\nhdfs_ls()\nhdfs_df()',
    ),
)
