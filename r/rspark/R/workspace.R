# Saves and restores a kernel's workspace. The Jupyter server runs both functions in the person's kernel, behind their back: they
# print nothing, raise nothing, and leave the kernel as it was.
#
#     objects.gz     all objects in one, or `objects` where they are too large to be compressed in little time;
#                    apart/1.gz ... where they could not be written in one
#     state.gz       options, search path, folder, random numbers
#     manifest.json  {"objects", "bytes", "lost": [{"name", "class", "why"}]}; last: what has it is whole
#     restored.json  the same, of what was restored
#     failed.json    {"why"} in place of either

workspace_save <- function(dir) {
  quietly(dir, function() {
    unlink(file.path(dir, c("objects", "objects.gz", "apart", "state", "state.gz", "manifest.json")), recursive = TRUE)
    left <- visits()
    found <- find_objects(globalenv(), left)
    options <- find_options(left)
    lost <- write_objects(found$objects, dir, found$allowed)
    write_serialized(capture_state(options$changed), file.path(dir, "state"))
    compress(file.path(dir, "state"))
    stray <- lapply(names(lost), function(key) {
      lost_entry(shown_name(key), class(found$objects[[key]])[[1]], lost[[key]])
    })
    count <- length(found$objects) - length(lost)
    write_manifest(dir, "manifest.json", count, c(found$lost, options$lost, stray, lost_in_spark()))
  })
}

workspace_restore <- function(dir) {
  quietly(dir, function() {
    global <- globalenv()
    if (!file.exists(file.path(dir, "manifest.json"))) {
      problem("There is no whole workspace in ", dir, ": manifest.json is missing")
    }
    lost <- jsonlite::read_json(file.path(dir, "manifest.json"))$lost
    state <- read_serialized(file.path(dir, "state.gz"))
    found <- list()
    problems <- read_objects(dir, function(key, value) found[key] <<- list(value))
    keys <- as.character(names(found)) # NULL where nothing was saved
    attached <- found[startsWith(keys, "attached:")]
    names(attached) <- sub("^attached:", "", keys[startsWith(keys, "attached:")])
    lost <- c(lost, restore_search(state, attached))
    assign_objects(found, global)
    lost <- c(lost, lapply(problems, function(why) lost_entry("workspace", "file", paste0("It can't be read: ", why))))
    lost <- c(lost, restore_state(state, global))
    write_manifest(dir, "restored.json", length(found), lost)
  })
}

# Return all that there is to save, under keys that say how it is bound ("object:x", "locked:x", "active:x", "attached:x"), and
# what of it can't be saved.
find_objects <- function(global, left) {
  found <- list(objects = list(), lost = list(), allowed = list())
  lose <- function(name, class, why) found$lost <<- c(found$lost, list(lost_entry(name, class, why)))
  healing <- function(x) found$allowed <<- c(found$allowed, pointers_in(x))
  consider <- function(key, value) {
    why <- why_lost(value, shown_name(key), left, healing)
    if (is.null(why)) {
      found$objects[key] <<- list(value)
    } else {
      lose(shown_name(key), class(value)[[1]], why)
    }
  }
  others <- c(".Random.seed", ".pbd_env") # saved with the state; what the kernel's own ZeroMQ leaves there
  names <- setdiff(ls(global, all.names = TRUE), others)
  computed <- setdiff(computed_bindings(global), others)
  for (name in computed) {
    kind <- if (bindingIsLocked(name, global)) "locked:" else "object:"
    value <- mget(name, envir = global)
    if (is.symbol(.subset2(value, 1L)) && !nzchar(.subset2(value, 1L))) {
      lose(name, "name", "It has no value.") # the symbol that stands for a missing argument
    } else {
      consider(paste0(kind, name), .subset2(value, 1L))
    }
  }
  for (name in setdiff(names, computed)) {
    if (bindingIsActive(name, global)) {
      consider(paste0("active:", name), activeBindingFunction(name, global))
    } else {
      lose(name, "promise", lost_sentence("promise"))
    }
  }
  for (entry in attached_data()) {
    data <- as.environment(entry)
    consider(paste0("attached:", entry), mget(computed_bindings(data), envir = data))
  }
  found
}

assign_objects <- function(found, global) {
  for (key in names(found)) {
    name <- sub("^[a-z]+:", "", key)
    switch(sub(":.*", "", key),
      object = assign(name, .subset2(found, key), envir = global),
      locked = {
        assign(name, .subset2(found, key), envir = global)
        lockBinding(name, global)
      },
      active = makeActiveBinding(name, .subset2(found, key), global)
    )
  }
  if (any(grepl("^(object|locked):[.]__[CT]__", names(found)))) {
    methods::cacheMetaData(global, TRUE, searchWhere = global) # classes and methods that the person defined
  }
}

find_options <- function(left) {
  changed <- changed_options()
  why <- lapply(names(changed), function(name) why_lost(changed[[name]], name, left))
  fine <- vapply(why, is.null, logical(1))
  names(why) <- names(changed)
  lost <- lapply(names(changed)[!fine], function(name) {
    lost_entry(paste0("options(", name, ")"), class(changed[[name]])[[1]], why[[name]])
  })
  list(changed = changed[fine], lost = lost)
}

shown_name <- function(key) {
  name <- sub("^[a-z]+:", "", key)
  if (startsWith(key, "attached:")) paste0("attach(", name, ")") else name
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
      utils::capture.output(withCallingHandlers(suppressMessages(work()), warning = note), type = "output")
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

# Write the file that makes the workspace count, after all else is on the disk.
write_manifest <- function(dir, name, objects, lost) {
  files <- list.files(c(dir, file.path(dir, "apart")), "^(objects|state|[0-9]+)([.]gz)?$", full.names = TRUE)
  if (length(files) && nzchar(Sys.which("sync"))) {
    system2("sync", shQuote(files), stdout = FALSE, stderr = FALSE)
  }
  manifest <- list(language = "R", objects = objects, bytes = sum(file.size(files)), lost = unname(lost))
  write_json(manifest, file.path(dir, name))
}

# Write a file in one step: it is there whole or not at all.
write_json <- function(content, file) {
  beside <- paste0(file, ".", Sys.getpid())
  text <- jsonlite::toJSON(content, auto_unbox = TRUE, digits = NA)
  writeLines(text, beside, useBytes = TRUE)
  if (!identical(jsonlite::fromJSON(beside)$objects, content$objects) || !file.rename(beside, file)) {
    problem("The disk is full, or the folder can't be written: ", dirname(file)) # a full disk shortens files in silence
  }
}
