"""Search and replace in the files of the home: `ripgrep` runs the real ripgrep, and `searching` streams what it finds.

`editing` asks it what a replacement makes of a `file`, `replacing` writes that, file by file, and undoes it; `handlers` serves
all of it over HTTP.
"""
