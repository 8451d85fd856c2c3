"""What Hadoop's servers and clients read: core-site.xml, hdfs-site.xml and their like.

Hadoop's defaults are those of a cluster that trusts its people. What is closed here, and why, stands beside each setting; each
is tried from a session in the tests.
"""

from dataclasses import dataclass
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.hadoop import HADOOP, write_settings
from rspark_session.services.hdfs.certificate import Certificate
from rspark_session.services.hdfs.kerberos import STEWARD, SUPERUSER, Domain

#: A quota counts each block that is being written in full, also of small files: so blocks are small.
BLOCK = 64 * 2**20
TRASH_MINUTES = 7 * 24 * 60
#: A delegation token that isn't renewed ends after a day; none lives longer than this many days.
TOKEN_DAYS = 365
#: Ours, among the jars of Spark's drivers.
OWN_JAR = "rspark-driver.jar"
_DAY = 24 * 3600 * 1000

_LOG = """\
log4j.rootLogger=WARN,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
"""


#: A person who deletes a file is told where in their trash it is.
_LOG_OF_CLIENTS = (
    _LOG.replace("%d{ISO8601} %p %c{1}: %m%n", "%m%n") + "log4j.logger.org.apache.hadoop.fs.TrashPolicyDefault=INFO\n"
)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a file system is: `host`, and the ports of the NameNode's protocol and of its WebHDFS."""

    host: str
    rpc: int
    https: int

    @property
    def uri(self) -> str:
        """What stands before a path."""
        return f"hdfs://{self.host}:{self.rpc}"


@dataclass(frozen=True, kw_only=True)
class DataNodePorts:
    """The ports of a DataNode: of blocks, of its own protocol, and of WebHDFS."""

    data: int
    ipc: int
    https: int


def write_server_configuration(
    folder: Path,
    *,
    address: Address,
    datanode: DataNodePorts,
    domain: Domain,
    certificate: Certificate,
    data: Path,
    bind: str,
    hostname: str,
    replication: int,
    signature: Path,
) -> None:
    """Write the configuration of NameNode and DataNode, which are of one machine, or each of one.

    Parameters
    ----------
    folder
        The folder; made where it's missing.
    address
        Where the NameNode is found.
    datanode
        The ports of the DataNode.
    domain, certificate
        Whose keys they have.
    data
        The folder below which both have their data.
    bind
        The address on which they listen.
    hostname
        The name by which clients of WebHDFS find the DataNode.
    replication
        How many DataNodes have each block of a file for which nothing else is asked.
    signature
        The file with the secret by which what answers over HTTP knows its cookies.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    core = {
        **_everywhere(address, domain.principal(SUPERUSER)),
        "hadoop.tmp.dir": str(data / "tmp"),
        # It asks the program `id`, and finds that of `cluster` first; who leaves a group is out of it after so many seconds.
        "hadoop.security.group.mapping": "org.apache.hadoop.security.ShellBasedUnixGroupsMapping",
        "hadoop.security.groups.cache.secs": "5",
        "hadoop.security.groups.negative-cache.secs": "1",
        # The steward gets tokens in the name of people, and only on this machine.
        f"hadoop.proxyuser.{STEWARD}.users": "*",
        f"hadoop.proxyuser.{STEWARD}.hosts": "127.0.0.1",
        # The default, simple, believes whoever a request says it comes from, also in secure mode.
        "hadoop.http.authentication.type": "kerberos",
        "hadoop.http.authentication.kerberos.principal": domain.web,
        "hadoop.http.authentication.kerberos.keytab": str(domain.servers_keytab),
        "hadoop.http.authentication.signature.secret.file": str(signature),
        "hadoop.security.instrumentation.requires.admin": "true",
    }
    hdfs = {
        **_of_data(domain.principal(SUPERUSER), replication),
        "dfs.namenode.rpc-address": f"{address.host}:{address.rpc}",
        "dfs.namenode.rpc-bind-host": bind,
        "dfs.namenode.https-address": f"{address.host}:{address.https}",
        "dfs.namenode.https-bind-host": bind,
        "dfs.namenode.name.dir": (data / "name").as_uri(),
        "dfs.namenode.keytab.file": str(domain.servers_keytab),
        "dfs.datanode.data.dir": (data / "blocks").as_uri(),
        "dfs.datanode.keytab.file": str(domain.servers_keytab),
        "dfs.datanode.hostname": hostname,
        "dfs.datanode.address": f"{bind}:{datanode.data}",
        "dfs.datanode.ipc.address": f"{bind}:{datanode.ipc}",
        "dfs.datanode.https.address": f"{bind}:{datanode.https}",
        "dfs.web.authentication.kerberos.principal": domain.web,
        "dfs.web.authentication.kerberos.keytab": str(domain.servers_keytab),
        "dfs.http.policy": "HTTPS_ONLY",
        "dfs.cluster.administrators": f"{SUPERUSER},{STEWARD}",
        "dfs.permissions.superusergroup": SUPERUSER,
        "dfs.namenode.delegation.token.max-lifetime": str(TOKEN_DAYS * _DAY),
        "dfs.namenode.delegation.token.renew-interval": str(_DAY),
        "dfs.namenode.delegation.key.update-interval": str(TOKEN_DAYS * _DAY),
        "dfs.namenode.acls.enabled": "true",
        # Ready soon, and aware soon of a DataNode that was killed.
        "dfs.namenode.safemode.extension": "0",
        # Addresses of pods have no names. Who registers has shown that it is one of ours.
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.heartbeat.interval": "1",
        "dfs.namenode.heartbeat.recheck-interval": "5000",
        "dfs.namenode.handler.count": "5",
        "dfs.datanode.handler.count": "4",
        "dfs.datanode.max.transfer.threads": "512",
        "dfs.datanode.du.reserved": str(256 * 2**20),
        "dfs.blockreport.initialDelay": "0",
        "dfs.namenode.fs-limits.min-block-size": "65536",
    }
    write_settings(folder / "core-site.xml", core)
    write_settings(folder / "hdfs-site.xml", hdfs)
    stores = {"keystore": certificate.keystore, "truststore": certificate.truststore}
    for side, kinds in (("server", ("keystore", "truststore")), ("client", ("truststore",))):
        settings: dict[str, str] = {}
        for kind in kinds:
            settings |= {
                f"ssl.{side}.{kind}.location": str(stores[kind]),
                f"ssl.{side}.{kind}.password": certificate.password,
                f"ssl.{side}.{kind}.type": "pkcs12",
            }
        if side == "server":
            settings["ssl.server.keystore.keypassword"] = certificate.password
        write_settings(folder / f"ssl-{side}.xml", settings)
    write_whole(folder / "log4j.properties", _LOG)
    write_whole(folder / "logging.properties", ".level = SEVERE\n")  # of Jersey, which greets with four warnings


def write_client_configuration(folder: Path, *, address: Address, principal: str, home: str, replication: int) -> None:
    """Write `HADOOP_CONF_DIR` of a session, in which nothing is secret.

    Parameters
    ----------
    folder
        The folder; made where it's missing.
    address, principal
        Those of the NameNode.
    home
        Where paths begin that don't begin with a slash. Hadoop takes it from the Unix account, which has another name.
    replication
        How many DataNodes have each block.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    core = {**_everywhere(address, principal), "parquet.block.size": str(BLOCK)}
    if (HADOOP.parent / "jars" / OWN_JAR).is_file():
        core |= {"fs.hdfs.impl": "org.apache.spark.rspark.HomeFileSystem", "rspark.hdfs.home": home}
    write_settings(folder / "core-site.xml", core)
    write_settings(folder / "hdfs-site.xml", _of_data(principal, replication))
    write_whole(folder / "log4j.properties", _LOG_OF_CLIENTS)


def _everywhere(address: Address, principal: str) -> dict[str, str]:
    return {
        "fs.defaultFS": address.uri,
        "hadoop.security.authentication": "kerberos",
        "hadoop.security.authorization": "true",
        "hadoop.rpc.protection": "authentication",
        "fs.permissions.umask-mode": "077",
        "fs.trash.interval": str(TRASH_MINUTES),
        "dfs.namenode.kerberos.principal": principal,
    }


def _of_data(principal: str, replication: int) -> dict[str, str]:
    return {
        "dfs.namenode.kerberos.principal": principal,
        "dfs.datanode.kerberos.principal": principal,
        "dfs.block.access.token.enable": "true",
        "dfs.data.transfer.protection": "authentication",
        "dfs.replication": str(replication),
        "dfs.blocksize": str(BLOCK),
        "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
        "dfs.client.use.datanode.hostname": "false",
    }
