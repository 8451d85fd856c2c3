"""What a session says by itself has the look of every page on which something is wrong."""

import pytest

from rspark_contract.minimal_page import render
from rspark_contract.status import AgentState
from rspark_session.agent.routing import pages
from rspark_session.proxy import page

HEAD = render("", "").partition("<style>")[2].partition("<main>")[0]


@pytest.mark.parametrize("text", [*map(pages.not_open, AgentState), pages.NO_ANSWER], ids=lambda text: text[-120:-60].decode())
def test_it_looks_like_the_hubs_and_says_what_to_do(text: bytes) -> None:
    said = text.decode()
    assert HEAD in said
    body = said.partition("<h1>")[2]
    assert body.count(".") >= 1
    assert "· RSparkHub</title>" in said


def test_a_page_that_waits_asks_again_by_itself() -> None:
    assert '<meta http-equiv="refresh" content="1">' in pages.not_open(AgentState.STARTING).decode()
    assert "refresh" not in page.html("Ended", "<p>Start it again.</p>").decode()


def test_a_title_is_a_text() -> None:
    assert "<b>" not in page.html("<b>", "").decode()
