"""RSparkHub on one machine: its data folder, its processes, and what may be wrong with it."""
