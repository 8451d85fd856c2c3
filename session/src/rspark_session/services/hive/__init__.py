"""The service `hive`: in a session what Spark finds the metastore by, and here also the shared metastore itself.

`__main__` is the command of the shared one: `server` runs the `metastore`, `accounts` says who may use it, and `steward` does for
the hub what it asks. Of a session are `tokens`, `place`, `programs` and `hiveserver2`.
"""

# ruff: noqa: PLC0415  (each module is loaded when it is needed; the environment comes before everything else)

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_session.services.base import Service, ServiceUnavailable, SparkAdditions

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell


class Hive(Service):
    """Hive in a session: the session's own Spark, with the catalog that all sessions share."""

    @property
    def _folder(self) -> Path:
        return self.context.run / "hive"

    def programs(self) -> Sequence[Path]:
        """Return the folder of `hiveserver2` and `hive`."""
        return [self._folder / "bin"]

    def environ(self) -> Mapping[str, str]:
        """Return the name of the person's database, of all that they may use, and where HiveServer2's password is."""
        databases = self._databases
        return {
            "RSPARK_HIVE": databases[0],
            "RSPARK_HIVE_DATABASES": " ".join(databases),
            "RSPARK_HIVE_PASSWORD_FILE": str(self._folder / "password"),
        }

    def prepare(self) -> None:
        """Write the token that clients show, and lend the metastore the session's token of HDFS.

        Raises
        ------
        ServiceUnavailable
            When it isn't said where the metastore is, or it doesn't answer.
        """
        from rspark_contract.reading import Unreadable
        from rspark_session.services.hive import programs
        from rspark_session.services.hive.place import Place, lend_token, write_token

        title = self.context.spec.title
        try:
            place = Place.parse(self.context.spec.config)
        except Unreadable as problem:
            raise ServiceUnavailable(f"{title} can't be set up: {problem}.") from problem
        secret = (self._folder / "secret").read_text().strip()
        write_token(place, self._folder, secret=secret)
        programs.write(self._folder)
        try:
            lend_token(place, secret=secret, token=(self.context.run / "hdfs/token").read_text().strip())
        except OSError as problem:
            raise ServiceUnavailable(
                f"{title} does not answer at the moment. Put the session to sleep and resume it in a while. ({problem})"
            ) from problem

    def for_spark(self) -> SparkAdditions:
        """Return the settings with which a driver has the shared catalog, and the person's database as its own."""
        from rspark_session.services.hive.metastore import JAR

        config = self.context.spec.config
        return SparkAdditions(
            jars=[JAR],
            java_options=[f"-Dhadoop.token.files={self._folder}/token.hdts"],
            settings={
                "spark.sql.catalogImplementation": "hive",
                "spark.sql.catalog.spark_catalog.defaultDatabase": self._databases[0],
                "spark.hadoop.hive.metastore.uris": f"thrift://{config['host']}:{config['port']}",
                "spark.hadoop.hive.metastore.sasl.enabled": "true",
                # Never asked for: the token is what a session has.
                "spark.hadoop.hive.metastore.kerberos.principal": "hive/localhost@RSPARK",
                # The metastore has the tables; files in the home that describe them would be a second truth.
                "spark.rspark.tables": "",
            },
        )

    def welcome(self) -> "Sequence[Cell]":
        """Return how a table is made in Hive and read."""
        from rspark_session.services.hive.welcome import CELLS

        return CELLS

    @property
    def _databases(self) -> list[str]:
        found = self.context.spec.config.get("databases")
        return [str(name) for name in found] if isinstance(found, list) and found else ["default"]


SERVICE = Hive
