# Objects in a file, each in a frame of its own, so that one that can't be written or read takes no other along.
#
# What frames share stays shared all the same. `serialize()` asks a hook about each reference (an environment, a pointer) that it
# meets. The first frame that meets one holds it, and a list of all that it is the first to hold; later frames hold its number.
# Where the stack of C would not do, a frame holds the number of an environment that gets a frame of its own afterwards.
#
#     objects    frames, one after the other: list(value, marker); the marker holds what was met in the frame
#     index      of each frame: key, class, offset, bytes, and what of it is lost

# Numbers of references: of those in frames from 1, of environments with a frame of their own from here, of what is lost below 0.
first_apart <- 2^30

new_writer <- function(folder, deadline = Inf) {
  writer <- new.env(parent = emptyenv())
  writer$file <- file.path(folder, "objects")
  writer$deadline <- deadline
  writer$known <- utils::hashtab("address") # the numbers of references
  writer$count <- 0L
  writer$lost <- new_growing()
  writer$lossy <- list(from = numeric(), to = numeric()) # numbers that were first met in frames of which something is lost
  writer$native <- utils::hashtab("address") # pointers that may be written, since their objects do without what they point to
  writer$apart <- new_growing() # environments that get a frame of their own
  writer$written_apart <- 0L
  writer$frames <- new_growing()
  writer$offset <- 0
  writer$checked <- 0 # up to here everything is known to be on the disk
  writer$rate <- 1e8 # bytes a second
  writer$deepest <- deepest_stack()
  writer$con <- binary_file(writer$file, "wb")
  writer
}

# Return how much of the stack, in bytes, one frame may take: reading takes more than writing.
deepest_stack <- function() {
  size <- Cstack_info()[["size"]]
  if (is.na(size)) 2^21 else size / 4
}

# Open a file whatever the person's option `encoding` says.
binary_file <- function(path, mode) file(path, mode, encoding = "native.enc")

now <- function() proc.time()[["elapsed"]]

# Write a value in a frame, and what has to be apart from it; return NULL, or the sentence that says why it is not there.
write_frame <- function(writer, key, value, size = 0, class = class_of(value)) {
  remaining <- writer$deadline - now()
  if (remaining <= 0 || size / writer$rate > remaining) {
    return("There was not enough time to save it.")
  }
  writer$stray <- NULL # the numbers of what is lost in it
  writer$met_lossy <- FALSE # whether it refers to a frame of which something is lost
  problem <- write_value(writer, key, value, class)
  if (identical(problem, too_deep) && typeof(value) == "list") {
    problem <- write_pieces(writer, key, value, class)
  }
  while (writer$written_apart < writer$apart$size()) {
    writer$written_apart <- n <- writer$written_apart + 1L
    why <- write_value(writer, paste0("apart:", n), pack_environment(writer$apart$at(n)), "environment")
    if (!is.null(why)) writer$empty <- c(writer$empty, stats::setNames(why, n))
  }
  if (is.null(problem) && writer$offset - writer$checked > 2^20) check_room(writer) else problem
}

write_value <- function(writer, key, value, class) {
  started <- now()
  frame <- new_frame(writer)
  problem <- tryCatch(
    {
      serialize(list(value, frame$marker), writer$con, xdr = FALSE, refhook = frame$hook)
      NULL
    },
    error = conditionMessage
  )
  if (!is.null(problem)) {
    frame$forget()
    rewind(writer, writer$offset)
    return(write_problem(problem))
  }
  end <- seek(writer$con, rw = "write")
  bytes <- end - writer$offset
  writer$frames$add(list(key = key, class = class, offset = writer$offset, bytes = bytes, forget = frame$forget))
  writer$stray <- unique(c(writer$stray, frame$stray()))
  writer$met_lossy <- writer$met_lossy || frame$met_lossy()
  if (bytes > 2^22) writer$rate <- max(1e6, bytes / max(now() - started, 1e-3))
  writer$offset <- end
  NULL
}

too_deep <- "It is nested too deeply."
no_room <- "There is no room for it on the disk."

write_pieces <- function(writer, key, value, class) {
  pieces <- tryCatch(cut_list(value), error = function(error) NULL)
  if (is.null(pieces)) {
    return(too_deep)
  }
  for (i in seq_along(pieces)) {
    last <- i == length(pieces)
    problem <- write_value(writer, if (last) key else paste0("piece:", i), pieces[[i]], class)
    if (!is.null(problem)) {
      return(problem)
    }
  }
  NULL
}

write_problem <- function(problem) {
  if (grepl("stack|nested too deeply|infinite recursion", problem)) {
    return(too_deep)
  }
  if (grepl("error writing to connection", problem, fixed = TRUE)) {
    return("There is no room for it on the disk.")
  }
  paste0("It can't be saved: ", problem)
}

# The hook of one frame, and what it met. It is called for each environment, so the usual case comes first and asks little.
new_frame <- function(writer) {
  marker <- structure(new.env(hash = FALSE, parent = emptyenv()), class = "rspark_marker")
  gethash <- utils::gethash
  sethash <- utils::sethash
  known <- writer$known
  first <- writer$count + 1L
  count <- writer$count
  met <- vector("list", 16L)
  stray <- list()
  met_lossy <- FALSE
  any_lossy <- length(writer$lossy$from) > 0L
  deadline <- writer$deadline
  hook <- function(reference) {
    number <- gethash(known, reference)
    if (!is.null(number)) {
      if (number < 0) stray[[length(stray) + 1L]] <<- number
      if (any_lossy && !met_lossy) met_lossy <<- is_lossy(writer, number)
      return(if (number < first || number >= first_apart) format_number(number))
    }
    type <- typeof(reference)
    if (type != "environment" || !is.null(attributes(reference))) {
      if (identical(reference, marker)) {
        # All else of the frame has been walked.
        assign("met", met[seq_len(count - first + 1L)], envir = marker)
        assign("first", first, envir = marker)
        writer$count <- count
        return(NULL)
      }
      if (inherits(reference, "rspark_piece")) {
        return(paste("piece", reference$piece))
      }
      if (!is.null(lost_kind(reference, type)) && is.null(gethash(writer$native, reference))) {
        number <- lose_reference(writer, reference)
        stray[[length(stray) + 1L]] <<- number
        return(if (type != "weakref") format_number(number)) # a weak reference is written without its object
      }
    }
    # A few more levels of the stack do no harm, and looking at it takes longer than all else here.
    if (count >= first && count %% 16L == 0L && type == "environment" && Cstack_info()[[2L]] > writer$deepest) {
      return(set_apart(writer, reference))
    }
    count <<- count + 1L
    sethash(known, reference, count)
    n <- count - first + 1L
    if (n > length(met)) length(met) <<- 2L * n
    met[[n]] <<- reference
    if (count %% 1000L == 0L && now() > deadline) stop("there was not enough time", call. = FALSE)
    NULL
  }
  forget <- function() {
    for (reference in met[seq_len(count - first + 1L)]) utils::remhash(known, reference)
    writer$count <- first - 1L
    drop_apart(writer, writer$written_apart)
  }
  list(marker = marker, hook = hook, forget = forget, stray = function() unique(unlist(stray)), met_lossy = function() met_lossy)
}

# Note that something of the frames since a number is lost: what refers to them holds it as well.
note_lossy <- function(writer, from) {
  if (writer$count < from) {
    return(invisible())
  }
  last <- length(writer$lossy$to)
  if (last && writer$lossy$to[[last]] == from - 1) {
    writer$lossy$to[[last]] <- writer$count
  } else {
    writer$lossy <- list(from = c(writer$lossy$from, from), to = c(writer$lossy$to, writer$count))
  }
}

# Whether something may be lost of what has this number; who asks searches it then.
is_lossy <- function(writer, number) number >= first_apart || any(number >= writer$lossy$from & number <= writer$lossy$to)

# Take back what waits for a frame of its own, down to so many.
drop_apart <- function(writer, size) {
  while (writer$apart$size() > size) {
    utils::remhash(writer$known, writer$apart$at(writer$apart$size()))
    writer$apart$drop()
  }
}

format_number <- function(number) format(number, scientific = FALSE)

lose_reference <- function(writer, reference) {
  number <- -writer$lost$add(reference)
  utils::sethash(writer$known, reference, number)
  number
}

# Return the number of an environment that gets a frame of its own.
set_apart <- function(writer, environment) {
  number <- utils::gethash(writer$known, environment)
  if (is.null(number)) {
    number <- first_apart + writer$apart$add(environment)
    utils::sethash(writer$known, environment, number)
  }
  format_number(number)
}

# Return all that an environment is, without itself: promises and active bindings as they are, never run.
pack_environment <- function(environment) {
  names <- ls(environment, all.names = TRUE, sorted = FALSE)
  list(
    bindings = rlang::env_clone(environment, parent = emptyenv()),
    parent = parent.env(environment),
    attributes = attributes(environment),
    locked = Filter(function(name) bindingIsLocked(name, environment), names),
    closed = environmentIsLocked(environment)
  )
}

unpack_environment <- function(packed, environment, parent = TRUE) {
  rlang::env_coalesce(environment, packed$bindings)
  if (parent) parent.env(environment) <- packed$parent
  for (name in names(packed$attributes)) attr(environment, name) <- packed$attributes[[name]]
  for (name in packed$locked) lockBinding(name, environment)
  if (packed$closed) lockEnvironment(environment)
  invisible(environment)
}

# Return where a writer is, for `undo()`.
mark_writer <- function(writer) list(frames = writer$frames$size(), offset = writer$offset, apart = writer$apart$size())

# Take back all frames that were written since.
undo <- function(writer, mark) {
  while ((n <- writer$frames$size()) > mark$frames) {
    writer$frames$at(n)$forget()
    writer$frames$drop()
  }
  drop_apart(writer, mark$apart)
  writer$written_apart <- mark$apart
  rewind(writer, mark$offset)
}

# Let a pointer be written as it is.
allow_pointer <- function(writer, pointer) {
  utils::remhash(writer$known, pointer)
  utils::sethash(writer$native, pointer, TRUE)
}

# Return NULL when all that was written is on the disk. What didn't get there is taken out again, and said in `writer$cut`.
check_room <- function(writer) {
  tryCatch(flush(writer$con), error = function(error) NULL)
  if (isTRUE(file.size(writer$file) == writer$offset)) {
    writer$checked <- writer$offset
    return(NULL)
  }
  while ((n <- writer$frames$size()) && writer$frames$at(n)$offset >= writer$checked) {
    frame <- writer$frames$at(n)
    frame$forget()
    writer$cut <- c(writer$cut, if (is.null(frame$names)) frame$key else paste0("object:", frame$names))
    writer$frames$drop()
  }
  rewind(writer, writer$checked)
  no_room
}

# Continue at an offset, as if nothing had been written after it.
rewind <- function(writer, offset) {
  tryCatch(close(writer$con), error = function(error) NULL)
  writer$offset <- offset
  writer$con <- binary_file(writer$file, "r+b")
  seek(writer$con, offset, rw = "write")
  truncate(writer$con)
}

write_serialized <- function(x, file) {
  to <- binary_file(file, "wb")
  on.exit(close(to))
  serialize(x, to, xdr = FALSE)
  invisible()
}

read_serialized <- function(file) {
  from <- gzfile(file, "rb") # reads plain files as well
  on.exit(close(from))
  unserialize(from)
}

# Compress a file where that takes a few seconds at most: there is little time before a sleep.
compress <- function(file) {
  if (!file.exists(file) || file.size(file) > most_compressed) {
    return(invisible())
  }
  packed <- paste0(file, ".gz")
  done <- tryCatch(
    {
      copy_compressed(file, packed)
      identical(unpacked_size(packed), as.numeric(file.size(file)))
    },
    error = function(error) FALSE
  )
  unlink(if (done) file else packed)
  invisible()
}

most_compressed <- 256 * 2^20

copy_compressed <- function(file, packed) {
  from <- binary_file(file, "rb")
  on.exit(close(from))
  to <- gzfile(packed, "wb", compression = 1)
  on.exit(close(to), add = TRUE)
  while (length(bytes <- readBin(from, "raw", 2^20))) {
    writeBin(bytes, to)
  }
}

# A file of gzip ends in the size of what is in it: a full disk shortens it in silence.
unpacked_size <- function(packed) {
  from <- binary_file(packed, "rb")
  on.exit(close(from))
  seek(from, max(0, file.size(packed) - 4))
  bytes <- as.numeric(readBin(from, "raw", 4))
  sum(bytes * 256^(0:3))
}

# Call `use` with each key and value of a folder, in the order of the file; return the frames that can't be read, with their `why`.
read_frames <- function(folder, index, reader, use) {
  reader$folder <- folder
  file <- file.path(folder, "objects")
  con <- if (file.exists(file)) binary_file(file, "rb") else gzfile(paste0(file, ".gz"), "rb")
  on.exit(close(con))
  unread <- list()
  at <- 0
  for (frame in index$frames) {
    notes <- character()
    problem <- tryCatch(
      withCallingHandlers(
        {
          if (at != frame$offset) seek(con, frame$offset)
          read <- unserialize(con, refhook = reader$hook)
          reader$meet(read[[2]])
          use_frame(reader, frame$key, read[[1]], use)
          NULL
        },
        warning = function(warning) {
          notes <<- c(notes, conditionMessage(warning))
          invokeRestart("muffleWarning")
        }
      ),
      error = conditionMessage
    )
    read <- NULL
    at <- if (is.null(problem)) frame$offset + frame$bytes else -1
    if (!is.null(problem)) unread[[length(unread) + 1L]] <- c(frame, why = problem)
    reader$notes <- c(reader$notes, stats::setNames(as.list(notes), rep(frame$key, length(notes))))
  }
  unread
}

use_frame <- function(reader, key, value, use) {
  number <- function() as.integer(sub(".*:", "", key))
  if (startsWith(key, "piece:")) {
    assign(as.character(number()), value, envir = reader$pieces)
  } else if (startsWith(key, "apart:")) {
    n <- number()
    unpack_environment(value, environment_apart(reader, n), parent = !(n %in% reader$attached))
  } else {
    use(key, value)
    reader$pieces <- new.env(parent = emptyenv())
  }
}

new_reader <- function(index) {
  reader <- new.env(parent = emptyenv())
  references <- vector("list", index$references)
  reader$lost <- new.env(parent = emptyenv()) # by number
  reader$apart <- new.env(parent = emptyenv())
  reader$pieces <- new.env(parent = emptyenv())
  reader$missing <- 0L
  reader$meet <- function(marker) {
    met <- marker$met
    if (length(met)) references[seq(marker$first, length.out = length(met))] <<- met
  }
  reader$hook <- function(name) {
    if (startsWith(name, "piece ")) {
      return(reader$pieces[[substring(name, 7)]])
    }
    number <- as.numeric(name)
    if (number < 0) {
      return(lost_reference(reader, if (-number <= length(index$lost)) index$lost[[-number]], -number))
    }
    if (number > first_apart) {
      return(environment_apart(reader, number - first_apart))
    }
    reference <- references[[number]]
    if (!is.null(reference)) {
      return(reference)
    }
    reader$missing <- reader$missing + 1L
    mark_lost(new.env(parent = emptyenv()), "an environment", "What held it can't be read.")
  }
  reader
}

# Return the pointer to nothing, or the empty environment, that stands for a lost reference: the same one each time.
lost_reference <- function(reader, lost, number) {
  key <- as.character(number)
  if (is.null(reader$lost[[key]])) {
    new <- if (identical(lost$type, "environment")) new.env(parent = emptyenv()) else new_pointer()
    reader$lost[[key]] <- if (is.null(lost$why)) new else mark_lost(new, lost$was, lost$why)
  }
  reader$lost[[key]]
}

new_pointer <- function() unserialize(serialize(null_pointer, NULL))

environment_apart <- function(reader, number) {
  key <- as.character(number)
  if (is.null(reader$apart[[key]])) reader$apart[[key]] <- new.env(parent = emptyenv())
  reader$apart[[key]]
}
