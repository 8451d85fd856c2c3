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

test_that("what is shared, put into a group or given is looked at before anything is asked", {
  expect_error(hub_share("abc", NULL), "`name` takes one name")
  expect_error(hub_share("abc", "bob", kind = "team"), "`kind` takes one of \"person\", \"group\"")
  expect_error(hub_share("abc", "bob", role = "owner"), "`role` takes one of \"viewer\", \"editor\"")
  for (expires in list("tomorrow", 3600, Sys.Date(), Sys.time()[0], as.POSIXct(NA), as.POSIXct(Inf, origin = "1970-01-01"))) {
    expect_error(hub_share("abc", "bob", expires = expires), "`expires` takes a time")
  }
  expect_error(hub_unshare("abc", data.frame(id = c("a", "b"))), "`share` takes one share, and there are 2 rows")
  expect_error(hub_unshare("abc", ""), "Name a share by its id. hub_shares\\(\\) lists them")
  for (name in c("..", ".", "a/b")) {
    expect_error(hub_unshare("abc", name), "There is no share called")
    expect_error(hub_group(name), "There is no group called")
    expect_error(hub_shares(name), "There is no session called")
  }
  expect_error(hub_group_join("stat101", list("bob")), "`people` takes names in quotes")
  expect_error(hub_group_set_members("stat101", NULL), "`members` takes names in quotes")
  expect_error(hub_group_add("stat101", c("bob", NA)), "`members` takes names in quotes")
  expect_error(hub_give("stat101", file.path(tempdir(), "no-such.csv")), "There is no file .* to be given")
  expect_error(hub_give("stat101", tempdir()), "is a folder. Give its files one by one")
  expect_error(hub_take_away("stat101", data.frame(id = character())), "`file` takes one file, and there are 0 rows")
})

test_that("a time is told as the same moment in UTC", {
  moment <- as.POSIXct("2026-12-05 18:00:00", tz = "America/New_York")
  expect_identical(rspark:::hub_moment(moment, "expires"), "2026-12-05T23:00:00Z")
  expect_identical(rspark:::hub_moment(as.POSIXlt(moment), "expires"), "2026-12-05T23:00:00Z")
  expect_null(rspark:::hub_moment(NULL, "expires"))
})

test_that("nobody, one and several are a list in what is sent", {
  said <- function(names) as.character(jsonlite::toJSON(list(people = rspark:::hub_list(names, "people")), auto_unbox = TRUE))
  expect_identical(said(character()), "{\"people\":[]}")
  expect_identical(said(c(first = "ada")), "{\"people\":[\"ada\"]}")
  expect_identical(said(c("ada", "bob")), "{\"people\":[\"ada\",\"bob\"]}")
})

test_that("no share, group, person or file is a data frame with the columns of one", {
  share <- list(id = "h1", kind = "person", name = "bob", role = "viewer", created = "2026-11-29T10:00:00Z", expires = NULL)
  group <- list(name = "stat101", members = list("ada", "bob"), instructors = list(), instructors_view = FALSE)
  person <- list(name = "bob", full_name = NULL, instructor = FALSE, last_seen = NULL, hand_ins = 2L)
  file <- list(course = "stat101", id = "k1", path = "week1/flights.csv", size = 12L)
  frames <- list(
    list(rspark:::hub_shares_frame, share), list(rspark:::hub_groups_frame, group),
    list(rspark:::hub_people_frame, person), list(rspark:::hub_data_frame, file)
  )
  for (each in frames) {
    none <- each[[1]](list())
    one <- each[[1]](list(each[[2]]))
    expect_equal(c(nrow(none), nrow(one)), c(0, 1))
    expect_equal(lapply(none, class), lapply(one, class))
  }
  expect_identical(nrow(rspark:::hub_data_frame(NULL)), 0L)
  expect_true(is.na(rspark:::hub_shares_frame(list(share))$expires))
  expect_identical(rspark:::hub_groups_frame(list(group))$members, "ada, bob")
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
