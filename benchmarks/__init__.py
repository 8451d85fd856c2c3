"""Each benchmark runs beside its peer, in one run, and gives ratios. `make bench` runs all of them."""
