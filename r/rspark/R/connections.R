#' List what this session can reach
#'
#' @return A data frame with a row for each data system: `service`, `address`,
#'   `account`, and `use`, the call that connects to it.
#' @examples
#' connections()
#' @export
connections <- function() {
  found <- list()
  if (!is.null(setting("PGHOST"))) {
    found$postgres <- c(
      service = "PostgreSQL",
      address = paste0(setting("PGHOST"), ":", Sys.getenv("PGPORT", "5432")),
      account = sub("~.*", "", Sys.getenv("PGUSER")), # the rest tells this session's login from others
      use = "postgres()"
    )
  }
  if (!is.null(setting("RSPARK_S3_BUCKET"))) {
    found$s3 <- c(
      service = "Object storage",
      address = Sys.getenv("AWS_ENDPOINT_URL"),
      account = Sys.getenv("RSPARK_S3_BUCKET"),
      use = "s3_ls()"
    )
  }
  if (!is.null(setting("SPARK_HOME"))) {
    found$spark <- c(service = "Spark", address = spark_master(), account = Sys.getenv("RSPARK_USER"), use = "spark()")
  }
  if (!is.null(setting("RSPARK_HDFS"))) {
    found$hdfs <- c(service = "HDFS", address = hdfs_access()$url, account = basename(hdfs_access()$home), use = "hdfs_ls()")
  }
  if (!is.null(setting("RSPARK_MAPREDUCE"))) {
    found$mapreduce <- c(service = "MapReduce", address = "this session", account = Sys.getenv("RSPARK_USER"), use = "mapreduce()")
  }
  if (!is.null(setting("RSPARK_HIVE"))) {
    found$hive <- c(service = "Hive", address = hive_address(), account = hive_database(), use = "hive()")
  }
  if (!length(found)) {
    return(data.frame(service = character(), address = character(), account = character(), use = character()))
  }
  as.data.frame(do.call(rbind, unname(found)))
}
