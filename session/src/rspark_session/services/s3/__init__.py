"""The service `s3`: in a session what Spark needs for `s3a://`, and here also the shared server, a program in Go (`s3/`).

`__main__` is the server's command, and `samples` fills the bucket that everybody may read.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rspark_session.services.base import Service, SparkAdditions

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell


class S3(Service):
    """Object storage in a session: its keys are in `ensemble.json`, in files that every client of S3 reads."""

    def for_spark(self) -> SparkAdditions:
        """Return the jars of `s3a://`, and the settings with which it finds the server."""
        from rspark_session.services.spark.configuration import jars  # noqa: PLC0415  only where there is Spark

        config = self.context.spec.config
        return SparkAdditions(
            jars=jars("s3"),
            settings={
                "spark.hadoop.fs.s3a.endpoint": str(config["url"]),
                "spark.hadoop.fs.s3a.endpoint.region": str(config["region"]),
                "spark.hadoop.fs.s3a.path.style.access": "true",
                "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
                "spark.hadoop.fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
                "spark.hadoop.fs.s3a.access.key": str(config["key"]),
                "spark.hadoop.fs.s3a.secret.key": str(config["secret"]),
            },
        )

    def welcome(self) -> "Sequence[Cell]":
        """Return how a file is put there and read."""
        from rspark_session.services.s3.welcome import CELLS  # noqa: PLC0415

        return CELLS


SERVICE = S3
