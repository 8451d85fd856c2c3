"""The service `hdfs`: in a session its programs, pages and token, and here also the shared file system itself.

`__main__` is the command of the shared one: `cluster` runs NameNode and DataNode, `kerberos` their domain, `certificate` what
clients know them by, `configuration` what Hadoop reads, and `steward` does for the hub what takes Kerberos, with `namenode`,
`homes`, `archive` and `credentials`. Of a session are `place`, `tokens` and `pages`; `programs` finds what both need.
"""

# ruff: noqa: PLC0415  (each module is loaded when it is needed; the environment comes before everything else)

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_session.services.base import Service, ServiceUnavailable

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell
    from rspark_session.processes.tree import Process
    from rspark_session.proxy.server import Reply, Request
    from rspark_session.services.hdfs.pages import HdfsPages


class Hdfs(Service):
    """HDFS in a session: `hdfs dfs`, Spark, R and the pages speak to it with the token that the session was given."""

    route = "hdfs"

    @property
    def _folder(self) -> Path:
        return self.context.run / "hdfs"

    def programs(self) -> Sequence[Path]:
        """Return the folder of `hdfs` and `hadoop`."""
        return [self._folder / "bin"]

    def environ(self) -> Mapping[str, str]:
        """Return what Hadoop's clients read, where WebHDFS is, and how a JVM gets on without a Kerberos domain."""
        folder, config = self._folder, self.context.spec.config
        return {
            "HADOOP_CONF_DIR": str(folder / "conf"),
            "HADOOP_TOKEN_FILE_LOCATION": str(folder / "token.hdts"),
            # Drivers of Spark are started with them. A realm must have a name, also where nobody asks for a ticket.
            "SPARK_SUBMIT_OPTS": " ".join(JVM_REALM),
            "RSPARK_HDFS": str(folder / "access.json"),
            "RSPARK_HDFS_HOME": f"/user/{config.get('user', '')}",
            "RSPARK_HDFS_PAGES": f"{self.context.base_path.rstrip('/')}/{self.route}/",
        }

    def prepare(self) -> None:
        """Write what clients read, the token as a token file, and the programs.

        Raises
        ------
        ServiceUnavailable
            When it isn't said where the file system is.
        """
        from rspark_contract.reading import Unreadable
        from rspark_session.services.hdfs.place import Place, write
        from rspark_session.services.hdfs.tokens import TokenInvalid

        try:
            place = Place.parse(self.context.spec.config)
            write(place, self._folder)
        except (Unreadable, TokenInvalid) as problem:
            raise ServiceUnavailable(f"{self.context.spec.title} can't be set up: {problem}.") from problem

    def welcome(self) -> "Sequence[Cell]":
        """Return how a file is written to HDFS and read back."""
        from rspark_session.services.hdfs.welcome import CELLS

        return CELLS

    async def answer(self, request: "Request", reply: "Reply", path: str, processes: "Iterable[Process]") -> None:
        """Answer WebHDFS in the person's name, and show the NameNode's pages."""
        await self._pages.answer(request, reply, path)

    @cached_property
    def _pages(self) -> "HdfsPages":
        from rspark_session.services.hdfs.pages import HdfsPages
        from rspark_session.services.hdfs.place import Place

        base = f"{self.context.base_path.rstrip('/')}/{self.route}"
        place = Place.parse(self.context.spec.config)
        return HdfsPages(base=base, place=place, token=(self._folder / "token").read_text().strip())


#: No domain is asked: the token is all that a session has.
JVM_REALM = ("-Djava.security.krb5.realm=RSPARK", "-Djava.security.krb5.kdc=127.0.0.1:1")

SERVICE = Hdfs
