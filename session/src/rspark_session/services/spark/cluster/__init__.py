"""The process that looks after what a session has of Spark before the first call: a master and workers, a driver ahead, or both.

`python -m rspark_session.services.spark.cluster FOLDER` starts it. `supervisor` starts them, starts again what ends by itself,
and adds and removes workers as it is asked to: `worker_processes` beside the master, or `worker_pods`, for which it asks the
cluster by `pod_api`. `daemon` is one process of them, `pauses` when what failed is tried again, `driver_ahead` how a driver is
started that nobody has asked for yet; `workers` is the command `spark-workers`, by which a person asks.
"""
