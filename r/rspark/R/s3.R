#' Files in object storage
#'
#' `s3_put()` puts a file or a data frame into a bucket, `s3_get()` gets it,
#' `s3_ls()` lists what is there, `s3_delete()` deletes, and `s3_buckets()`
#' names the buckets that you can use. Without an argument the bucket is your
#' own; `samples` is to read, and `group-NAME` is that of a group.
#'
#' The address and your key of this session come from the files that
#' `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, so that Python's
#' boto3 and every other client find the same. Spark reads and writes
#' `s3a://BUCKET/KEY`.
#'
#' @param file A file on this machine; `s3_put()` also takes a data frame,
#'   which becomes CSV, and `s3_get()` without it returns the content: a data
#'   frame of a key that ends with `.csv`, raw bytes of any other.
#' @param key The name of the object in its bucket, such as `data/air.csv`.
#' @param prefix List only objects whose names begin with this.
#' @param bucket The bucket.
#' @return `s3_ls()` a data frame of `key`, `size` in bytes and `modified`;
#'   `s3_get()` the file's name or the content; `s3_buckets()` the names; the
#'   others nothing that is printed.
#' @examples
#' \dontrun{
#' s3_put(airquality, "data/air.csv")
#' s3_ls("data/")
#' air <- s3_get("data/air.csv")
#' s3_get("airlines.csv", bucket = "samples")
#' s3_delete("data/air.csv")
#' }
#' @export
s3_put <- function(file, key, bucket = s3_bucket()) {
  if (is.data.frame(file)) {
    table <- tempfile(fileext = ".csv")
    on.exit(unlink(table))
    utils::write.csv(file, table, row.names = FALSE)
    file <- table
  }
  if (!file.exists(file)) {
    problem("There is no file ", file, ". Look at list.files().")
  }
  s3_request("PUT", bucket, key, file = file)
  invisible(NULL)
}

#' @rdname s3_put
#' @export
s3_get <- function(key, file = NULL, bucket = s3_bucket()) {
  answer <- s3_request("GET", bucket, key)
  if (is.null(file)) {
    return(if (endsWith(key, ".csv")) utils::read.csv(text = rawToChar(answer), encoding = "UTF-8") else answer)
  }
  writeBin(answer, file)
  invisible(file)
}

#' @rdname s3_put
#' @export
s3_ls <- function(prefix = "", bucket = s3_bucket()) {
  found <- list()
  more <- NULL
  repeat {
    query <- c(if (!is.null(more)) c("continuation-token" = more), "list-type" = "2", prefix = prefix)
    page <- xml2::xml_ns_strip(xml2::read_xml(s3_request("GET", bucket, query = query)))
    objects <- xml2::xml_find_all(page, "./Contents")
    text <- function(name) xml2::xml_text(xml2::xml_find_first(objects, paste0("./", name)))
    found[[length(found) + 1]] <- data.frame(
      key = text("Key"),
      size = as.numeric(text("Size")),
      modified = as.POSIXct(text("LastModified"), format = "%Y-%m-%dT%H:%M:%S", tz = "UTC")
    )
    more <- xml2::xml_text(xml2::xml_find_first(page, "./NextContinuationToken"))
    if (is.na(more)) {
      return(do.call(rbind, found))
    }
  }
}

#' @rdname s3_put
#' @export
s3_delete <- function(key, bucket = s3_bucket()) {
  s3_request("DELETE", bucket, key)
  invisible(NULL)
}

#' @rdname s3_put
#' @export
s3_buckets <- function() {
  page <- xml2::xml_ns_strip(xml2::read_xml(s3_request("GET", "")))
  own <- xml2::xml_text(xml2::xml_find_all(page, "./Buckets/Bucket/Name"))
  c(own, strsplit(Sys.getenv("RSPARK_S3_GROUP_BUCKETS"), " ", fixed = TRUE)[[1]], "samples")
}

s3_bucket <- function() {
  bucket <- setting("RSPARK_S3_BUCKET")
  if (is.null(bucket)) {
    problem("This session has no object storage. Start an environment that has it.")
  }
  bucket
}

# Ask the server, signed with the key of this session; return the bytes of its answer.
s3_request <- function(method, bucket, key = "", query = character(), file = NULL) {
  s3_bucket() # says where there is none
  credentials <- s3_credentials()
  parts <- strsplit(key, "/", fixed = TRUE)[[1]]
  path <- paste(curl::curl_escape(c(bucket, parts, if (endsWith(key, "/")) "")), collapse = "/")
  # Sorted and escaped as they are signed.
  words <- vapply(sort(names(query)), function(name) paste0(name, "=", curl::curl_escape(query[[name]])), "")
  url <- paste0(Sys.getenv("AWS_ENDPOINT_URL"), "/", path, if (length(query)) paste0("?", paste(words, collapse = "&")))
  handle <- curl::new_handle(
    customrequest = method,
    aws_sigv4 = paste0("aws:amz:", Sys.getenv("AWS_REGION"), ":s3"),
    userpwd = paste0(credentials[["aws_access_key_id"]], ":", credentials[["aws_secret_access_key"]]),
    connecttimeout = 10
  )
  curl::handle_setheaders(handle, "x-amz-content-sha256" = "UNSIGNED-PAYLOAD")
  if (!is.null(file)) {
    content <- file(file, "rb")
    on.exit(close(content))
    curl::handle_setopt(
      handle,
      upload = TRUE, infilesize_large = file.size(file), readfunction = function(size) readBin(content, raw(), size)
    )
  }
  answer <- tryCatch(
    curl::curl_fetch_memory(url, handle),
    error = function(error) problem("The object storage does not answer: ", conditionMessage(error), ". Try again in a moment.")
  )
  if (answer$status_code >= 300) {
    problem(s3_refusal(answer, bucket, key))
  }
  answer$content
}

s3_refusal <- function(answer, bucket, key) {
  code <- tryCatch(
    xml2::xml_text(xml2::xml_find_first(xml2::xml_ns_strip(xml2::read_xml(answer$content)), "./Code")),
    error = function(error) ""
  )
  switch(
    code,
    AccessDenied = paste0("You have no right to do that in the bucket ", bucket, ". Yours is ", s3_bucket(), "."),
    NoSuchKey = paste0("There is no ", key, " in the bucket ", bucket, ". Look at s3_ls(bucket = \"", bucket, "\")."),
    NoSuchBucket = paste0("There is no bucket ", bucket, ". Yours is ", s3_bucket(), "."),
    InvalidAccessKeyId = "The key of this session is no longer valid. Stop the session and start it again.",
    paste0("The object storage refused that (", answer$status_code, " ", code, ").")
  )
}

s3_credentials <- function() {
  lines <- readLines(Sys.getenv("AWS_SHARED_CREDENTIALS_FILE"))
  pairs <- regmatches(lines, regexec("^([a-z_]+) *= *(.*)$", lines))
  pairs <- pairs[lengths(pairs) == 3]
  stats::setNames(vapply(pairs, `[[`, "", 3), vapply(pairs, `[[`, "", 2))
}
