"""What a welcome document shows of object storage."""

from rspark_session.notebook_cell import Cell

CELLS = (
    Cell(
        "markdown",
        "## Files for many\n\nObject storage has a bucket of your own, one for each of your groups, and `samples` to read. "
        "Python's boto3 and Spark (`s3a://`) know the way too.",
    ),
    Cell(
        "code",
        'library(rspark)\nwrite.csv(airquality, "air.csv", row.names = FALSE)\ns3_put("air.csv", "data/air.csv")\ns3_ls()\n'
        's3_ls(bucket = "samples")',
    ),
)
