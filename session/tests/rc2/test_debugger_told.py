"""What R is told of breakpoints with an execution."""

import itertools
import json
from pathlib import Path
from typing import Any, cast

from rspark_session.rc2 import protocol
from rspark_session.rc2.debugger.debugged import Debugged, Wanted
from rspark_session.rc2.debugger.r_browser import RBrowser
from rspark_session.rc2.introspection import Introspection

SOME = Wanted((("a.R", (protocol.BreakpointAt(line=2, text="x"),)),))
REQUEST = protocol.Execute(id="execution", console="console", code="1")


async def test_r_is_told_until_an_execution_was_sent(tmp_path: Path) -> None:
    browser = RBrowser(Introspection(tmp_path))
    wanted = [SOME]
    nobody = cast(Any, None)  # no console is asked anything here
    debugged = Debugged(nobody, browser, wanted=lambda: wanted[-1], changed=lambda _: None, numbers=itertools.count(1))
    for _ in range(2):  # the first was cancelled
        metadata = await browser.prepare(debugged, REQUEST)
        assert [each["line"] for each in json.loads(metadata["rspark"])["breakpoints"]] == [2]
    browser.sent(debugged)
    assert await browser.prepare(debugged, REQUEST) == {}
    wanted.append(Wanted())
    assert json.loads((await browser.prepare(debugged, REQUEST))["rspark"])["breakpoints"] == []
    wanted.append(SOME)
    assert await browser.prepare(debugged, REQUEST) == {}, "as R knows it"
