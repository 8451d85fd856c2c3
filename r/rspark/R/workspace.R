# Saves and restores a kernel's workspace. The Jupyter server runs both functions in the person's kernel, behind their back: they
# print nothing, raise nothing, and leave the kernel as it was.
#
#     objects.gz     all objects, one after the other (frames.R), or `objects` where they are too large to be compressed in little
#                    time; parts of the state (state.R) are among them
#     index          where in it each of them is
#     files/         the files of the temporary folder
#     manifest.json  {"objects", "bytes", "complete", "lost": [{"name", "class", "why", "size"}]}; last: what has it is whole
#     restored.json  the same, of what was restored; "kept" where something is still in the folder that could not be read
#     failed.json    {"why"} in place of either

# Seconds before the end of the time that are left for what comes after the last object.
time_to_finish <- 2

workspace <- new.env(parent = emptyenv())

# Record what a kernel that has just started is, so that only what the person changed is saved.
workspace_baseline <- function() {
  workspace$options <- options()
  workspace$environ <- Sys.getenv()
  workspace$locale <- current_locale()
  workspace$libraries <- loaded_libraries()
  workspace$callbacks <- getTaskCallbackNames()
  workspace$written <- written_files()
  watch_threads()
  watch_calls()
  invisible()
}

# Save everything into a folder within a time in seconds.
workspace_save <- function(dir, within = 3600) {
  quietly(dir, function() {
    unlink(file.path(dir, c("objects", "objects.gz", "index", "files", "manifest.json")), recursive = TRUE)
    deadline <- now() + max(within - time_to_finish, within / 2)
    save <- new_save(dir, deadline)
    save_parts(save)
    save_options(save)
    save_objects(save, globalenv())
    save_parts(save, after = TRUE)
    for (name in names(unsaved_state)) note_unsaved(save, name)
    finish_save(save)
  })
}

# What one save has done, and what is lost.
new_save <- function(dir, deadline) {
  save <- new.env(parent = emptyenv())
  save$dir <- dir
  save$lost <- new_growing()
  save$places <- new_growing() # of what is lost inside of objects: key, steps, was, why
  save$references <- new_growing() # of each lost reference of the writer: what it was, or NULL where its object does without it
  save$whole <- character() # keys of what is lost as a whole
  save$left <- visits()
  save$reported <- now()
  save$writer <- new_writer(dir, deadline)
  # Room for the report, should the disk be full in the end.
  tryCatch(write_bytes(raw(2^18), file.path(dir, "reserve")), error = function(error) NULL)
  save
}

lose <- function(save, name, class, why, size = NULL, failed = FALSE) {
  save$lost$add(lost_entry(name, class, why, size, failed))
}

# Write one thing under its key, or record why not; return whether it is there. What is lost as a whole is not written at all.
save_one <- function(save, key, value, size = 0) {
  kind <- lost_kind(value)
  if (!is.null(kind)) {
    if (kind == "connection") save$connections <- c(save$connections, as.integer(value))
    save$whole <- c(save$whole, key)
    lose(save, shown_name(key), class_of(value), lost_sentence(kind))
    return(FALSE)
  }
  mark <- mark_writer(save$writer)
  first <- save$writer$count + 1
  problem <- write_frame(save$writer, key, value, size)
  met_lossy <- save$writer$met_lossy && !startsWith(key, "part:")
  found <- if (is.null(problem) && (length(save$writer$stray) || met_lossy)) search_guarded(save, key, value)
  if (length(healing <- pointers_to_allow(save, found))) {
    for (pointer in healing) allow_pointer(save$writer, pointer)
    undo(save$writer, mark)
    problem <- write_frame(save$writer, key, value, size)
  }
  if (!is.null(problem)) {
    lose(save, shown_name(key), class_of(value), problem, if (size > 2^20) size, failed = TRUE)
    return(FALSE)
  }
  record_places(save, key, value, save$writer$stray, found)
  if (length(save$writer$stray) || length(found)) note_lossy(save$writer, first)
  TRUE
}

search_guarded <- function(save, key, value) {
  tryCatch(search_lost(value, shown_name(key), save$left), error = function(error) list())
}

# Return the pointers that were found where their object does without what they point to.
pointers_to_allow <- function(save, found) {
  pointers <- lapply(found, function(place) if (place$healed && typeof(place$object) == "externalptr") place$object)
  Filter(function(pointer) !is.null(pointer) && is.null(utils::gethash(save$writer$native, pointer)), pointers)
}

most_named <- 20L # places in one object

# Find and name what is lost inside of a value that was written.
record_places <- function(save, key, value, numbers, found) {
  named <- 0L
  # What a pointer that is written as it is points to in its turn, R can't look at: data.table's has another one.
  hides <- any(vapply(found, function(place) place$healed && typeof(place$object) == "externalptr", NA))
  for (place in found) {
    inside <- lost_numbers(save, place$object)
    numbers <- setdiff(numbers, inside)
    if (place$healed) {
      heal_place(save, key, place)
      next
    }
    why <- lost_sentence(place$kind)
    was <- paste0(sub(",.*", "", lost_kinds[[place$kind]][[1]]), " (", place$class, ")")
    for (number in inside) save$references$set(-number, list(was = was, why = why))
    if (place$kind %in% c("connection", "DBIObject", "jobjRef")) {
      save$places$add(list(key = key, steps = place$steps, was = was, why = why))
    }
    if (place$kind == "connection") save$connections <- c(save$connections, as.integer(place$object))
    named <- named + 1L
    if (named <= most_named) lose(save, place$where, place$class, why)
  }
  if (named > most_named) lose(save, shown_name(key), class_of(value), paste("It holds", named - most_named, "more of the kind."))
  for (number in if (!hides) numbers) save$references$set(-number, list(was = lost_kinds$externalptr[[1]], why = lost_kinds$externalptr[[2]]))
  if (length(numbers) && !hides) lose(save, shown_name(key), class_of(value), lost_sentence("externalptr", "somewhere inside"))
}

# Return the numbers of the references that end with an object.
lost_numbers <- function(save, object) {
  inside <- if (typeof(object) %in% c("externalptr", "weakref", "environment")) list(list(object = object)) else search_lost(attributes(object), "")
  numbers <- unlist(lapply(inside, function(found) utils::gethash(save$writer$known, found$object)))
  numbers[numbers < 0]
}

# Record what has to be done about a pointer that an object does without. A table that readr made holds its problems in one: they
# are saved as the table that they are. What a hash table holds has other addresses in another process.
heal_place <- function(save, key, place) {
  last <- place$steps[[length(place$steps)]]
  entry <- NULL
  if (identical(last, list("attribute", "problems"))) {
    entry <- list(key = key, steps = place$steps, value = read_problems(place$object))
  } else if (identical(last[1:2], list("element", 1L))) {
    entry <- list(key = key, steps = place$steps[-length(place$steps)], rehash = TRUE)
  }
  if (!is.null(entry)) save$places$add(entry)
}

read_problems <- function(pointer) {
  tryCatch(
    {
      problems <- asNamespace("vroom")$vroom_errors_(pointer)
      problems <- problems[!duplicated(problems), ]
      tibble <- problems[order(problems$file, problems$row, problems$col), ]
      structure(tibble, class = c("tbl_df", "tbl", "data.frame"))
    },
    error = function(error) NULL
  )
}

# Write the objects of the global environment: small ones first, so that what time or room cuts off is the least.
save_objects <- function(save, global) {
  others <- c(".Random.seed", ".pbd_env") # saved with the state; what the kernel's own ZeroMQ leaves there
  names <- setdiff(ls(global, all.names = TRUE, sorted = FALSE), others)
  active <- names[rlang::env_binding_are_active(global, names)]
  lazy <- setdiff(names[rlang::env_binding_are_lazy(global, names)], active)
  for (name in active) save_one(save, paste0("active:", name), activeBindingFunction(name, global))
  save_lazy(save, global, lazy)
  computed <- setdiff(names, c(active, lazy))
  values <- mget(computed, envir = global)
  missing <- vapply(values, is.symbol, NA, USE.NAMES = FALSE)
  missing[missing] <- vapply(which(missing), function(i) !nzchar(.subset2(values, i)), NA)
  for (name in computed[missing]) lose(save, name, "name", "It has no value.")
  values <- lapply(values[!missing], without_any_breakpoint)
  sizes <- vapply(values, size_of, numeric(1), USE.NAMES = FALSE)
  values <- values[order(sizes)]
  sizes <- sort(sizes)
  small <- sizes < most_in_batch / 8
  batches <- cumsum(sizes[small]) %/% most_in_batch + seq_len(sum(small)) %/% most_of_batch / 1e6
  for (batch in split(seq_len(sum(small)), batches)) {
    save_batch(save, values[batch], sizes[batch])
    if (now() - save$reported > 1) report_progress(save, names(values)[-seq_len(max(batch))], sizes[-seq_len(max(batch))])
  }
  for (i in which(!small)) {
    save_one(save, paste0("object:", names(values)[[i]]), values[[i]], sizes[[i]])
    values[i] <- list(NULL) # or the person's next change of it would make a copy
    if (now() - save$reported > 1) report_progress(save, names(values)[-seq_len(i)], sizes[-seq_len(i)])
  }
}

# Small objects share a frame, up to so many bytes and so many of them: what is alike for each frame would be most of the work.
most_in_batch <- 2^18
most_of_batch <- 200L

# Write small objects in one frame; one by one where anything in them is lost, or goes wrong.
save_batch <- function(save, values, sizes) {
  mark <- mark_writer(save$writer)
  if (!any_lost(values) && is.null(write_frame(save$writer, "batch:", values, class = "list"))) {
    if (!length(save$writer$stray) && !save$writer$met_lossy) {
      last <- save$writer$frames$size()
      save$writer$frames$set(last, c(save$writer$frames$at(last), list(names = names(values))))
      return(invisible())
    }
    undo(save$writer, mark)
  }
  for (i in seq_along(values)) save_one(save, paste0("object:", names(values)[[i]]), .subset2(values, i), sizes[[i]])
}

any_lost <- function(values) {
  suspects <- vapply(values, is.object, NA) | vapply(values, typeof, "") %in% c("externalptr", "weakref")
  any(vapply(values[suspects], function(x) !is.null(lost_kind(x)), NA))
}

# Delayed values as they are, never computed.
save_lazy <- function(save, global, lazy) {
  if (!length(lazy)) {
    return(invisible())
  }
  all <- rlang::env_clone(global, parent = emptyenv())
  rm(list = setdiff(ls(all, all.names = TRUE), lazy), envir = all)
  problem <- write_frame(save$writer, "lazy:", all)
  if (is.null(problem)) {
    save$lazy <- lazy
    if (length(save$writer$stray)) record_places(save, "lazy:", all, save$writer$stray, search_guarded(save, "lazy:", all))
  } else {
    for (name in lazy) lose(save, name, "promise", problem, failed = TRUE)
  }
}

# Return about how many bytes a value takes, in little time whatever it is. It is asked of each name.
size_of <- function(x, depth = 0L) {
  if (is.atomic(x)) {
    8 * length(if (is.object(x)) unclass(x) else x)
  } else if (typeof(x) == "list") {
    size_of_list(if (is.object(x)) unclass(x) else x, depth)
  } else {
    1000
  }
}

size_of_list <- function(x, depth) {
  n <- length(x)
  if (n == 0L || depth == 3L) {
    return(64 + 8 * n)
  }
  some <- if (n <= 20L) seq_len(n) else seq.int(1L, n, length.out = 20L)
  total <- 0
  for (i in some) {
    if (is.symbol(.subset2(x, i))) next
    element <- .subset2(x, i)
    total <- total + if (is.atomic(element) && !is.object(element)) 8 * length(element) else size_of(element, depth + 1L)
  }
  total * n / length(some) + 64 * n
}

class_of <- function(x) class(x)[[1]]

# Write a report of what is on the disk so far, at most once a second: it counts should R end in the middle.
report_progress <- function(save, names, sizes) {
  save$reported <- now()
  if (is.null(check_room(save$writer))) {
    left <- utils::head(seq_along(names), 1000L)
    unsaved <- lapply(left, function(i) lost_entry(names[[i]], "", "There was not enough time to save it.", sizes[[i]], failed = TRUE))
    write_index(save)
    write_report(save, c(save$lost$all(), unsaved), complete = FALSE)
  }
}

# Write the index and at last the manifest.
finish_save <- function(save) {
  writer <- save$writer
  unlink(file.path(save$dir, "reserve"))
  check_room(writer)
  for (key in writer$cut) lose(save, shown_name(key), "", no_room, failed = TRUE)
  for (n in names(writer$empty)) lose(save, name_apart(writer, as.integer(n)), "environment", writer$empty[[n]], failed = TRUE)
  tryCatch(close(writer$con), error = function(error) NULL)
  # What only adds to the report keeps nothing from being saved.
  if (now() < writer$deadline) tryCatch(record_pointerless(save), error = function(error) NULL)
  write_index(save)
  if (now() < writer$deadline) compress(writer$file)
  write_report(save, save$lost$all(), complete = TRUE)
}

# Name database connections that hold a number and no pointer, which no hook meets: their class's name is in what was written.
record_pointerless <- function(save) {
  frames <- frames_with(save$writer, pointerless_connections())
  global <- globalenv()
  for (frame in frames) {
    names <- if (is.null(frame$names)) sub("^object:", "", grep("^object:", frame$key, value = TRUE)) else frame$names
    for (name in names) {
      found <- search_lost(get(name, envir = global, inherits = FALSE), name, save$left)
      known <- vapply(save$places$all(), function(place) if (is.null(place$was)) "" else place_of(c(list(list("root", place$key)), place$steps)), "")
      found <- Filter(function(place) place$kind == "DBIObject" && !(sub(name, paste0("object:", name), place$where, fixed = TRUE) %in% known), found)
      record_places(save, paste0("object:", name), NULL, NULL, found)
    }
  }
}

# Return the frames in which one of the words was written.
frames_with <- function(writer, words) {
  hits <- numeric()
  from <- binary_file(writer$file, "rb")
  on.exit(close(from))
  at <- 0
  words <- lapply(words, charToRaw)
  overlap <- max(0L, lengths(words))
  while (length(bytes <- readBin(from, "raw", 2^24)) > overlap) {
    for (word in words) hits <- c(hits, at + grepRaw(word, bytes, fixed = TRUE, all = TRUE) - 1)
    at <- at + length(bytes) - overlap
    seek(from, at)
    if (length(bytes) < 2^24) break
  }
  Filter(function(frame) any(hits >= frame$offset & hits < frame$offset + frame$bytes), writer$frames$all())
}

name_apart <- function(writer, n) {
  name <- attr(writer$apart$at(n), "name", exact = TRUE)
  if (is.character(name)) paste0("attach(", name, ")") else "an environment"
}

write_index <- function(save) {
  writer <- save$writer
  lost <- lapply(seq_len(writer$lost$size()), function(n) {
    c(list(type = typeof(writer$lost$at(n))), if (n <= save$references$size()) save$references$at(n))
  })
  index <- list(
    frames = lapply(writer$frames$all(), function(frame) frame[names(frame) != "forget"]),
    references = writer$count, lost = lost, places = save$places$all(), whole = save$whole, lazy = save$lazy
  )
  write_serialized(index, file.path(save$dir, "index.new"))
  file.rename(file.path(save$dir, "index.new"), file.path(save$dir, "index"))
}

write_report <- function(save, lost, complete) {
  keys <- vapply(save$writer$frames$all(), function(frame) frame$key, "")
  batches <- unlist(lapply(save$writer$frames$all(), function(frame) frame$names))
  objects <- sum(grepl("^(object|active):", keys)) + length(batches) + length(save$lazy)
  files <- file.path(save$dir, c("objects", "objects.gz", "index"))
  write_manifest(save$dir, "manifest.json", objects, lost, sum(file.size(files), na.rm = TRUE), complete = complete)
}

# Run without output, and write into a file what went wrong.
quietly <- function(dir, work) {
  warned <- NULL
  note <- function(warning) {
    warned <<- conditionMessage(warning) # R gives the reason of a file's error in a warning
    invokeRestart("muffleWarning")
  }
  why <- tryCatch(
    {
      unlink(file.path(dir, "failed.json"))
      dir.create(dir, recursive = TRUE, showWarnings = FALSE)
      utils::capture.output(withCallingHandlers(suppressMessages(with_plain_options(work)), warning = note), type = "output")
      NULL
    },
    error = function(error) paste(c(conditionMessage(error), warned), collapse = ": ")
  )
  if (!is.null(why)) {
    # Where not even that can be written, neither file is there, which says it too.
    suppressWarnings(try(write_json(list(why = why), file.path(dir, "failed.json")), silent = TRUE))
  }
  invisible()
}

# Run with the options that files, numbers and conditions depend on as R has them, whatever the person set.
with_plain_options <- function(work) {
  plain <- list(
    encoding = "native.enc", warn = 0L, error = NULL, OutDec = ".", scipen = 0L, digits = 7L, keep.source = FALSE,
    warnPartialMatchDollar = FALSE, warnPartialMatchArgs = FALSE, warnPartialMatchAttr = FALSE, expressions = 5000L,
    showErrorCalls = TRUE
  )
  workspace$theirs <- options(plain)
  lift_limits()
  on.exit({
    if (!isTRUE(workspace$console)) renew_limits() # a console of ours sets them for each expression
    if (!is.null(workspace$theirs)) options(workspace$theirs)
    workspace$theirs <- NULL
  })
  work()
}

# Write the file that makes the workspace count, after all else is on the disk.
write_manifest <- function(dir, name, objects, lost, bytes = 0, ...) {
  write_json(list(language = "R", objects = objects, bytes = bytes, ..., lost = unname(lost)), file.path(dir, name))
}

# Write a file in one step: it is there whole or not at all.
write_json <- function(content, file) {
  beside <- paste0(file, ".", Sys.getpid())
  bytes <- charToRaw(enc2utf8(as.character(jsonlite::toJSON(content, auto_unbox = TRUE, digits = NA, null = "null"))))
  write_bytes(bytes, beside)
  if (!identical(as.numeric(file.size(beside)), as.numeric(length(bytes))) || !file.rename(beside, file)) {
    unlink(beside)
    problem("The disk is full, or the folder can't be written: ", dirname(file)) # a full disk shortens files in silence
  }
}

write_bytes <- function(bytes, file) {
  to <- binary_file(file, "wb")
  on.exit(close(to))
  writeBin(bytes, to)
}

shown_name <- function(key) {
  name <- sub("^[a-z]+:", "", key)
  switch(sub(":.*", "", key), option = paste0("options(", name, ")"), part = part_title(name), name)
}
