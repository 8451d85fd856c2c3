#' Tables to try things on
#'
#' @return A data frame with a row for each sample table: `table`, `rows`,
#'   `dbname` (what [postgres()] takes) and `description`. The number of rows is
#'   the server's own estimate.
#' @examples
#' if (nzchar(Sys.getenv("PGHOST"))) {
#'   samples()
#' }
#' @export
samples <- function() {
  con <- postgres("flights")
  on.exit(DBI::dbDisconnect(con))
  found <- DBI::dbGetQuery(con, "
    SELECT c.relname::text AS \"table\", c.reltuples::float8 AS rows, current_database()::text AS dbname,
           coalesce(obj_description(c.oid, 'pg_class'), '')::text AS description
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = 'public'
    ORDER BY c.reltuples DESC, c.relname")
  found$rows <- as.integer(found$rows)
  found
}
