"""The main job, click by click: from the one-time link to R, PostgreSQL and Spark, asleep and awake again."""
