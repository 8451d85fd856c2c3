"""Documents and notebooks as pages: what R Markdown and nbconvert leave to pandoc 3 and Typst, each program a job of its own."""
