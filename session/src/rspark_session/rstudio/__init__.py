"""RStudio Server: `server` writes what it is started with, `r_session` reads and ends the R behind it."""
