# Restores a workspace from a folder: what can't be read takes nothing else along, and stays where it is.

workspace_restore <- function(dir) {
  quietly(dir, function() {
    if (!file.exists(file.path(dir, "manifest.json"))) {
      problem("There is no whole workspace in ", dir, ": manifest.json is missing")
    }
    restore <- new_restore(dir)
    if (file.exists(file.path(dir, "index"))) restore_frames(restore) else restore_former(restore)
    workspace$folder <- dir
    workspace$unread <- c(workspace$unread, restore$unread)
    write_manifest(dir, "restored.json", restore$objects, restore$lost, kept = length(restore$unread) > 0)
  })
}

new_restore <- function(dir) {
  restore <- new.env(parent = emptyenv())
  restore$dir <- dir
  restore$objects <- 0L
  restore$lost <- jsonlite::read_json(file.path(dir, "manifest.json"))$lost
  restore$unread <- list()
  restore$last <- list() # parts of the state that are restored after all objects
  restore$options <- list()
  restore
}

restore_frames <- function(restore) {
  global <- globalenv()
  index <- read_serialized(file.path(restore$dir, "index"))
  reader <- new_reader(index)
  remove_others(index, global)
  unread <- read_frames(restore$dir, index, reader, function(key, value) use_value(restore, reader, key, value, global))
  for (place in index$places) fill_place(restore, place, global)
  renew_classes(index, global)
  for (name in intersect(names(parts()), names(restore$last))) {
    add_lost(restore, restore_part(name, restore$last[[name]][[1]], reader))
  }
  add_lost(restore, restore_options(restore$options))
  report_unread(restore, unread)
  for (key in unique(names(reader$notes))) {
    notes <- unlist(reader$notes[names(reader$notes) == key])
    notes <- grep("^namespace .* is not available", notes, value = TRUE, invert = TRUE) # the package is named
    if (length(notes) && !startsWith(key, "part:")) add_lost(restore, list(lost_entry(shown_name(key), "", paste(unique(notes), collapse = " "))))
  }
}

add_lost <- function(restore, entries) restore$lost <- c(restore$lost, entries)

report_unread <- function(restore, unread) {
  for (frame in unpack_batches(unread)) {
    way <- if (is_object(frame$key)) paste0(" It is still kept: rspark::restore_kept(\"", shown_name(frame$key), "\") tries again.") else ""
    entry <- lost_entry(shown_name(frame$key), frame$class, paste0("It can't be read: ", frame$why, ".", way), failed = TRUE)
    add_lost(restore, list(entry))
    if (is_object(frame$key)) restore$unread[[length(restore$unread) + 1L]] <- c(frame, folder = restore$dir)
  }
}

# Return an entry for each object of a batch.
unpack_batches <- function(frames) {
  each <- lapply(frames, function(frame) {
    if (is.null(frame$names)) return(list(frame))
    lapply(frame$names, function(name) c(list(key = paste0("object:", name)), frame[c("class", "bytes", "why", "folder")]))
  })
  unlist(each, recursive = FALSE)
}

is_object <- function(key) grepl("^(object|active|lazy):", key)

# Remove what R read at its start and the person had removed: a workspace image in the folder, what a profile makes.
remove_others <- function(index, global) {
  keys <- c(vapply(index$frames, function(frame) frame$key, ""), index$whole)
  saved <- c(sub("^[a-z]+:", "", grep("^(object|active):", keys, value = TRUE)), unlist(lapply(index$frames, function(frame) frame$names)))
  if (any(keys == "lazy:")) saved <- c(saved, index$lazy)
  rm(list = setdiff(ls(global, all.names = TRUE), c(saved, ".Random.seed", ".pbd_env", ".Last.value")), envir = global)
}

# Bind one value.
use_value <- function(restore, reader, key, value, global) {
  name <- sub("^[a-z]+:", "", key)
  switch(sub(":.*", "", key),
    object = assign(name, renewed(value), envir = global),
    batch = {
      for (name in names(value)) assign(name, renewed(.subset2(value, name)), envir = global)
      restore$objects <- restore$objects + length(value)
    },
    active = {
      if (exists(name, envir = global, inherits = FALSE)) rm(list = name, envir = global)
      makeActiveBinding(name, value, global)
    },
    lazy = {
      names <- ls(value, all.names = TRUE)
      rm(list = intersect(names, ls(global, all.names = TRUE)), envir = global)
      rlang::env_coalesce(global, value)
      restore$objects <- restore$objects + length(names) - 1L
    },
    option = restore$options[name] <- list(value),
    part = if (identical(parts()[[name]]$when, "first")) {
      add_lost(restore, restore_part(name, value, reader))
    } else {
      restore$last[[name]] <- list(value)
    }
  )
  if (is_object(key)) restore$objects <- restore$objects + 1L
}

# A data.table has room for columns to come, which it has to be given again.
renewed <- function(value) {
  if (inherits(value, "data.table") && isNamespaceLoaded("data.table")) {
    tryCatch(asNamespace("data.table")$setalloccol(value), error = function(error) value)
  } else {
    value
  }
}

# Put what stands for something lost into its place.
fill_place <- function(restore, place, global) {
  name <- sub("^[a-z]+:", "", place$key)
  new <- function(there) {
    if (isTRUE(place$rehash)) return(rehashed(there))
    if (is.null(place$was)) place$value else placeholder(place$was, place$why)
  }
  tryCatch(
    switch(sub(":.*", "", place$key),
      object = if (exists(name, envir = global, inherits = FALSE)) {
        assign(name, replace_at(get(name, envir = global, inherits = FALSE), place$steps, new), envir = global)
      },
      lazy = replace_at(global, place$steps, new),
      attached = replace_at(as.environment(name), place$steps, new),
      option = restore$options[name] <- list(replace_at(restore$options[[name]], place$steps, new))
    ),
    error = function(error) NULL # it was named when it was saved
  )
}

# A hash table finds what it holds by addresses, which are others in this process.
rehashed <- function(table) {
  if (inherits(table, "hashtab")) {
    entries <- list()
    utils::maphash(table, function(key, value) entries[[length(entries) + 1L]] <<- list(key, value))
    utils::clrhash(table)
    for (entry in entries) utils::sethash(table, entry[[1]], entry[[2]])
  }
  table
}

# Classes and methods that the person defined count from here on.
renew_classes <- function(index, global) {
  names <- unlist(lapply(index$frames, function(frame) c(sub("^object:", "", frame$key), frame$names)))
  if (any(grepl("^[.]__[CT]__", names))) {
    methods::cacheMetaData(global, TRUE, searchWhere = global)
  }
}

#' What a sleep saved and could not restore
#'
#' What can't be read when a session wakes stays where it was saved, and goes
#' along with each sleep that follows. `kept()` lists it, `restore_kept()`
#' tries to read it again: once a package is installed that it needs, for
#' instance, or there is more memory.
#'
#' @param names The names of what is to be restored; by default all of it.
#' @param into The environment to restore it to. What has a name that is there
#'   already is not restored.
#' @return `kept()` returns a data frame with a row for each object: `name`,
#'   `class`, `bytes`, `why` it could not be read, and the `folder` that it is
#'   in. `restore_kept()` returns the names of what is there now, invisibly; of
#'   what is not, a warning says why.
#' @examples
#' kept()
#' @export
kept <- function() {
  frames <- kept_frames()
  column <- function(of, type) vapply(frames, of, type)
  data.frame(
    name = column(function(frame) shown_name(frame$key), ""), class = column(function(frame) frame$class, ""),
    bytes = column(function(frame) as.numeric(frame$bytes), 0), why = column(function(frame) frame$why, ""),
    folder = column(function(frame) frame$folder, "")
  )
}

#' @rdname kept
#' @export
restore_kept <- function(names = kept()$name, into = globalenv()) {
  frames <- kept_frames()
  restored <- character()
  for (folder in unique(vapply(frames, function(frame) frame$folder, ""))) {
    index <- read_serialized(file.path(folder, "index"))
    wanted <- setdiff(intersect(names, vapply(frames, function(frame) if (frame$folder == folder) shown_name(frame$key) else "", "")), restored)
    # All of them are read, since one may hold what another shares.
    unread <- read_frames(folder, index, new_reader(index), function(key, value) {
      values <- if (key == "batch:") value else if (is_object(key)) stats::setNames(list(value), shown_name(key))
      for (name in intersect(names(values), wanted)) {
        if (exists(name, envir = into, inherits = FALSE)) {
          warning("There is already a `", name, "`; it was left as it is.", call. = FALSE)
        } else {
          assign(name, renewed(.subset2(values, name)), envir = into)
          restored <<- c(restored, name)
        }
      }
    })
    for (frame in unpack_batches(unread)) {
      if (shown_name(frame$key) %in% wanted) warning("`", shown_name(frame$key), "` can't be read: ", frame$why, call. = FALSE)
    }
  }
  gone <- vapply(workspace$unread, function(frame) shown_name(frame$key) %in% restored, logical(1))
  workspace$unread <- workspace$unread[!gone]
  invisible(restored)
}

# The frames that can't be read: of this kernel, and of those before it that lie beside.
kept_frames <- function() {
  frames <- workspace$unread
  beside <- if (!is.null(workspace$folder)) list.dirs(file.path(dirname(workspace$folder), "unrestored"), recursive = FALSE)
  for (folder in beside) {
    if (!file.exists(file.path(folder, "index"))) next
    index <- tryCatch(read_serialized(file.path(folder, "index")), error = function(error) NULL)
    for (frame in Filter(function(frame) is_object(frame$key), unpack_batches(index$frames))) {
      frames[[length(frames) + 1L]] <- c(frame, why = "It could not be restored when the session woke.", folder = folder)
    }
  }
  frames
}

# ---- a workspace that the version before saved ----

restore_former <- function(restore) {
  global <- globalenv()
  state <- read_serialized(file.path(restore$dir, "state.gz"))
  found <- list()
  files <- list.files(c(restore$dir, file.path(restore$dir, "apart")), "^(objects|[0-9]+)([.]gz)?$", full.names = TRUE)
  for (file in files) {
    objects <- tryCatch(read_serialized(file), error = identity)
    if (inherits(objects, "error")) {
      add_lost(restore, list(lost_entry("workspace", "file", paste0("It can't be read: ", conditionMessage(objects)), failed = TRUE)))
    } else {
      found <- c(found, objects)
    }
  }
  add_lost(restore, restore_libraries(state$libraries, NULL))
  for (entry in rev(setdiff(state$search, search()))) attach_former(restore, entry, found[[paste0("attached:", entry)]])
  reader <- new_reader(list(references = 0))
  for (key in grep("^(object|locked|active):", names(found), value = TRUE)) {
    name <- sub("^[a-z]+:", "", key)
    use_value(restore, reader, sub("^locked:", "object:", key), found[[key]], global)
    if (startsWith(key, "locked:")) lockBinding(name, global)
  }
  renew_classes(list(frames = lapply(names(found), function(key) list(key = key))), global)
  restore_spark_views(state$spark_views)
  if (!is.null(state$seed)) assign(".Random.seed", state$seed, envir = global)
  if (!is.null(state$folder)) add_lost(restore, restore_folder(list(umask = Sys.umask(NA), folder = state$folder), reader))
  add_lost(restore, restore_options(state$options))
}

attach_former <- function(restore, entry, data) {
  why <- tryCatch(
    {
      if (is.null(data)) {
        attachNamespace(loadNamespace(sub("^package:", "", entry)), pos = 2L)
      } else {
        do.call("attach", list(data, pos = 2L, name = entry, warn.conflicts = FALSE))
      }
      NULL
    },
    error = conditionMessage
  )
  if (!is.null(why)) add_lost(restore, list(lost_entry(sub("^package:", "", entry), "package", paste0("It can't be attached: ", why))))
}
