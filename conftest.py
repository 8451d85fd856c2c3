"""What holds for every test of the repository."""

import os

import playwright.async_api
import playwright.sync_api
import pytest
from tests.unix_accounts import remove_accounts

for api in (playwright.async_api, playwright.sync_api):
    # In milliseconds: a page shows what is expected of it also on a machine that does much else.
    api.expect.set_options(timeout=60_000)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the Unix accounts that installations of this run made for their people."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        remove_accounts(factory.getbasetemp())


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of CI that skipped a test: what is not tested there is tested nowhere."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) + reporter.stats.get("xfailed", []) if reporter else []
    if os.environ.get("CI") and skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\n{len(skipped)} skipped: with CI set that is a failure.", red=True)
