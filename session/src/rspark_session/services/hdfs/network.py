"""Where the servers of HDFS listen and are found: all on one machine, or each at an address of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from rspark_session.services.host import LOOPBACK, find_host

#: The ports of servers that have addresses of their own, as the hub knows them. One machine's have the same names.
OWN_PORTS: Mapping[str, int] = {
    "kdc": 10088,
    "rpc": 8020,
    "https": 9871,
    "data": 9866,
    "ipc": 9867,
    "data_https": 9865,
    "steward": 9872,
}


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where the servers are.

    They listen on the address `bind`, and clients find the NameNode at `host`; `instance` is in its principal. `datanodes` are
    the names of the hosts of DataNodes, none where there is one beside the NameNode; `names` is what the certificate says beyond
    `localhost`. `replication` is how many DataNodes have each block.
    """

    bind: str
    host: str
    instance: str = "localhost"
    datanodes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    replication: int = 1

    @property
    def is_one_machine(self) -> bool:
        """Whether all are on one machine, and take whichever ports are free."""
        return self.bind == LOOPBACK


ONE_MACHINE = Network(bind=LOOPBACK, host=LOOPBACK)


def network(bind: str, *, name: str, datanodes: int, replication: int) -> Network:
    """Return where the servers are, as seen by the NameNode.

    Parameters
    ----------
    bind
        The address to listen on; on that of this machine's own, all are on one machine.
    name
        The name of the NameNode's host. Those of DataNodes are made of it, as `datanode_name` does.
    datanodes
        How many there are.
    replication
        How many of them have each block.

    Raises
    ------
    ServiceProblem
        When the name is nobody's.
    """
    if bind == LOOPBACK:
        return ONE_MACHINE
    host, full = find_host(name, title="HDFS")
    domain = full.removeprefix(name)
    hosts = tuple(f"{datanode_name(name, number)}{domain}" for number in range(datanodes))
    # A certificate that also names the DataNodes that will be added: sessions know the file system by it.
    every = (f"*{domain}",) if domain else hosts
    return Network(
        bind=bind,
        host=host,
        instance=name,
        datanodes=hosts,
        names=(name, full, host, *every),
        replication=min(replication, datanodes),
    )


def datanode_name(name: str, number: int) -> str:
    """Return the name of the host of a DataNode."""
    return f"{name}-data-{number}"
