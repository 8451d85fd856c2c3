"""What Hadoop reads of a job, and of a session's own YARN: always files of this machine, and never the session's HDFS.

Its files override each other in an order of their own, so each setting stands in the file of its name.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from rspark_session.services import hadoop
from rspark_session.services.mapreduce import cleaner
from rspark_session.services.mapreduce.settings import Settings

_LOG = """\
log4j.rootLogger=INFO,out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.out
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%p %c{1} %m%n
"""
OPENED = "--add-opens=java.base/java.lang=ALL-UNNAMED"
_MB = 2**20
#: The memory of a map or a reduce on YARN, and of what looks after a job, in MB: with the program beside the Java.
_TASK, _MASTER, _HEAP = 384, 512, 192


def write(folder: Path, settings: Mapping[str, str]) -> None:
    """Write Hadoop's files of settings, and of its log, into a folder that is made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files: dict[str, dict[str, str]] = {"core-site.xml": {}, "mapred-site.xml": {}, "yarn-site.xml": {}}
    for name, value in settings.items():
        kind = {"mapreduce": "mapred", "yarn": "yarn"}.get(name.partition(".")[0], "core")
        # What looks after a job on YARN is MapReduce's.
        files[f"{'mapred' if name.startswith('yarn.app.mapreduce') else kind}-site.xml"][name] = value
    for file, found in files.items():
        hadoop.write_settings(folder / file, found)
    (folder / "log4j.properties").write_text(_LOG, encoding="utf-8")


def of_job(job: str, work: Path, settings: Settings) -> dict[str, str]:
    """Return the settings of a job. By default Hadoop's folders are the same for all people of a machine."""
    cores = str(settings.cores)
    return {
        **_of_files(work),
        "mapreduce.framework.name": settings.mode,
        "mapreduce.cluster.local.dir": str(work / "local"),
        "mapreduce.jobtracker.staging.root.dir": str(work / "staging"),
        "yarn.app.mapreduce.am.staging-dir": str(work / "staging"),
        "mapreduce.local.map.tasks.maximum": cores,
        "mapreduce.local.reduce.tasks.maximum": cores,
        "mapreduce.task.io.sort.mb": "32",
        # A program may be silent for as long as it computes.
        "mapreduce.task.timeout": "0",
        "mapreduce.client.progressmonitor.pollinterval": "200",
        "mapreduce.client.completion.pollinterval": "200",
        **(_of_yarn_job(job) if settings.mode == "yarn" else {}),
    }


def of_yarn(work: Path, settings: Settings) -> dict[str, str]:
    """Return the settings of a ResourceManager and a NodeManager, which have a network of their own."""
    memory = max(settings.memory // _MB // 2, _MASTER + _TASK)
    return {
        **_of_files(work),
        **_on_yarn(),
        "yarn.resourcemanager.scheduler.class": "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler",
        "yarn.resourcemanager.am.max-attempts": "1",
        "yarn.resourcemanager.recovery.enabled": "false",
        "yarn.scheduler.minimum-allocation-mb": "128",
        "yarn.scheduler.maximum-allocation-mb": str(memory),
        "yarn.nodemanager.hostname": "localhost",
        "yarn.nodemanager.resource.memory-mb": str(memory),
        "yarn.nodemanager.resource.cpu-vcores": str(max(settings.cores, 2)),
        # The session's own limit holds for all of it.
        "yarn.nodemanager.pmem-check-enabled": "false",
        "yarn.nodemanager.vmem-check-enabled": "false",
        "yarn.nodemanager.local-dirs": str(work / "nodemanager/local"),
        "yarn.nodemanager.log-dirs": str(work / "nodemanager/logs"),
        "yarn.nodemanager.aux-services": "mapreduce_shuffle",
        "yarn.nodemanager.aux-services.mapreduce_shuffle.class": "org.apache.hadoop.mapred.ShuffleHandler",
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "99.5",
        "yarn.nodemanager.sleep-delay-before-sigkill.ms": "100",
        "yarn.nodemanager.delete.debug-delay-sec": "0",
    }


def _of_files(work: Path) -> dict[str, str]:
    return {"fs.defaultFS": "file:///", "fs.permissions.umask-mode": "077", "hadoop.tmp.dir": str(work / "tmp")}


def _on_yarn() -> dict[str, str]:
    return {
        "yarn.resourcemanager.hostname": "localhost",
        "yarn.application.classpath": f"{hadoop.HADOOP}/jars/*",
        "yarn.timeline-service.enabled": "false",
    }


def _of_yarn_job(job: str) -> dict[str, str]:
    mark = f"{cleaner.MARK}={job}"
    java = f"-Xmx{_HEAP}m {OPENED} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData"
    return {
        **_on_yarn(),
        "mapreduce.application.classpath": f"{hadoop.HADOOP}/jars/*",
        "mapreduce.admin.user.env": "",
        "mapreduce.map.env": mark,
        "mapreduce.reduce.env": mark,
        "mapreduce.map.memory.mb": str(_TASK),
        "mapreduce.reduce.memory.mb": str(_TASK),
        "mapreduce.map.java.opts": java,
        "mapreduce.reduce.java.opts": java,
        "yarn.app.mapreduce.am.env": mark,
        "yarn.app.mapreduce.am.resource.mb": str(_MASTER),
        "yarn.app.mapreduce.am.command-opts": java,
        # What fails here fails again: there is one machine.
        "mapreduce.map.maxattempts": "1",
        "mapreduce.reduce.maxattempts": "1",
        "mapreduce.am.max-attempts": "1",
        "ipc.client.connect.max.retries": "3",
        "ipc.client.connect.retry.interval": "200",
    }


def interpreter() -> list[str]:
    """Return how the session's own Python runs something that nothing of the person's changes."""
    return [sys.executable, "-I"]
