# What needs no hub; `tests/install/test_hub_from_r.py` asks one that runs.
with_hub <- function(url, token, code) {
  names <- c("RSPARKHUB_URL", "RSPARKHUB_TOKEN", "RSPARK_HUB_URL", "RSPARK_TOKEN_FILE")
  without(names, {
    Sys.setenv(RSPARKHUB_URL = url, RSPARKHUB_TOKEN = token)
    on.exit(Sys.unsetenv(names))
    code
  })
}

test_that("the hub's address is where its pages begin, however it was copied", {
  for (url in c("https://hub.example", "https://hub.example/", "https://hub.example/hub/", "https://hub.example/hub")) {
    with_hub(url, "", expect_equal(rspark:::hub_url(NULL), "https://hub.example"))
  }
  expect_equal(rspark:::hub_url("http://localhost:8000/rspark/hub/"), "http://localhost:8000/rspark")
  for (url in c("hub.example", "ftp://hub.example", "https://me:secret@hub.example", "https://")) {
    expect_error(rspark:::hub_url(url), "is no address of a hub")
  }
  with_hub("", "", expect_error(hub_me(), "set RSPARKHUB_URL"))
})

test_that("without a token it is said where to make one", {
  with_hub("http://127.0.0.1:9", "", expect_error(hub_me(), "Make one on the hub's page Account"))
  with_hub("http://127.0.0.1:9", "two words", expect_error(hub_me(), "one word"))
  with_hub("http://127.0.0.1:9", "rst_x", expect_error(hub_me(), "can't be reached"))
})

test_that("a session's own token goes to that session's hub alone", {
  own <- tempfile()
  writeLines("rss_own", own)
  with_hub("", "", {
    Sys.setenv(RSPARK_HUB_URL = "http://127.0.0.1:9/hub/", RSPARK_TOKEN_FILE = own)
    expect_error(hub_me(), "can't be reached")
    expect_error(hub_me(url = "http://127.0.0.1:9"), "can't be reached")
    for (url in c("http://127.0.0.1:10", "https://127.0.0.1:9", "http://127.0.0.1:9/other", "http://127.0.0.1:9.example.org")) {
      expect_error(hub_me(url = url), "Make one on the hub's page Account")
    }
    Sys.setenv(RSPARKHUB_URL = "http://127.0.0.1:10")
    expect_error(hub_me(), "Make one on the hub's page Account")
  })
})

test_that("arguments of another form are refused before anything is asked", {
  expect_error(hub_stop(""), "Name a session by its id")
  expect_error(hub_stop(c("a", "b")), "`session` takes one name")
  expect_error(hub_stop(data.frame(id = character())), "there are 0 rows")
  expect_error(hub_start("rspark", options = "large"), "named list")
  expect_error(hub_start("rspark", options = list("large")), "named list")
  expect_error(hub_wait("abc", timeout = -1), "number of seconds")
  expect_error(hub_logs("abc", lines = "all"), "takes a number")
  expect_error(hub_extend("abc", hours = "2"), "takes a number")
  expect_error(hub_token_create("x", scopes = NULL), "`scopes` takes")
})

test_that("nothing found is a data frame too, with the same columns", {
  none <- rspark:::hub_sessions_frame("https://hub.example", list())
  one <- rspark:::hub_sessions_frame("https://hub.example", list(list(
    id = "abc", name = "R", url = "/s/abc/", busy = FALSE, created = "2026-11-29T10:00:00.25Z", sleeps = list(at = "2026-11-29T12:00:00Z")
  )))
  expect_equal(c(nrow(none), nrow(one)), c(0, 1))
  expect_equal(lapply(none, class), lapply(one, class))
  expect_equal(one$url, "https://hub.example/s/abc/")
  expect_equal(format(one$created, "%H:%M:%OS2", tz = "UTC"), "10:00:00.25")
  expect_equal(format(one$sleeps, "%H:%M", tz = "UTC"), "12:00")
  expect_true(is.na(one$memory))
})

test_that("what is handed in is told with its assignment and until when it is due", {
  done <- list(id = "a", file = "lab1.Rmd", size = 6, at = "2026-12-05T10:00:00Z", late = FALSE, returned = list())
  said <- function(...) rspark:::for_what(rspark:::hand_ins_frame(list(c(done, list(...)))))
  expect_identical(said(), "")
  zone <- Sys.getenv("TZ", NA)
  Sys.setenv(TZ = "UTC")
  on.exit(if (is.na(zone)) Sys.unsetenv("TZ") else Sys.setenv(TZ = zone))
  due <- "2026-12-05T23:59:59Z"
  expect_identical(said(due = due), ", due 2026-12-05 23:59 UTC")
  expect_identical(said(due = due, assignment = "lab1"), " for lab1, due 2026-12-05 23:59 UTC")
  done$late <- TRUE
  expect_identical(said(due = due, assignment = "lab1"), " for lab1, late: it was due 2026-12-05 23:59 UTC")
})

test_that("what can't be handed in is said before anything is sent", {
  expect_error(hand_in(c("a", "b")), "file")
  expect_error(hand_in(file.path(tempdir(), "no-such.Rmd"), "stat101"), "There is no file .* to be handed in")
  expect_error(hand_ins(course = 1), "course")
})

test_that("a file is handed in by the name that it has where it lies", {
  folder <- file.path(normalizePath(tempdir()), "my lab")
  dir.create(folder, showWarnings = FALSE)
  writeLines("1 + 1", file.path(folder, "third try.R"))
  file.symlink(file.path(folder, "third try.R"), file.path(folder, "lab1.R"))
  expect_identical(rspark:::name_of(file.path(folder, "lab1.R")), "lab1.R")
  expect_identical(rspark:::name_of(paste0(folder, "/")), "my lab")
  expect_identical(rspark:::name_of(file.path(folder, ".")), "my lab")
  expect_identical(rspark:::name_of(file.path(folder, "..")), basename(dirname(folder)))
})

test_that("a folder is packed by its own name", {
  folder <- file.path(tempfile(), "lab")
  dir.create(folder, recursive = TRUE)
  writeLines("1 + 1", file.path(folder, "lab1.R"))
  before <- getwd()
  packed <- tempfile(fileext = ".tar.gz")
  pack_folder(folder, packed)
  expect_identical(getwd(), before)
  expect_true("lab/lab1.R" %in% utils::untar(packed, list = TRUE))
})
