"""What holds for every test of the repository."""

import os
import pwd
import shutil
import subprocess

import pytest


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the Unix accounts that installations of this run made for their people, where tests run as root.

    An account's comment names its data folder, which lies below the folder of the run.
    """
    factory = getattr(config, "_tmp_path_factory", None)
    if os.geteuid() != 0 or factory is None or not shutil.which("userdel"):
        return
    below = f" {factory.getbasetemp()}/"
    for entry in pwd.getpwall():
        if entry.pw_gecos.startswith("RSparkHub ") and below in entry.pw_gecos:
            subprocess.run(["userdel", entry.pw_name], check=False, capture_output=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of CI that skipped a test: what is not tested there is tested nowhere."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) + reporter.stats.get("xfailed", []) if reporter else []
    if os.environ.get("CI") and skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\n{len(skipped)} skipped: with CI set that is a failure.", red=True)
