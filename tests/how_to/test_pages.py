"""What the pages say is done, and what they promise is seen.

So it is seen, too, that a package from outside brings a service and an interface by entry points alone, on both sides.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.how_to.reader import Reader
from tests.installation import ROOT

PAGES = ROOT / "docs/how-to"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    if reader.installation.process is not None:
        reader.installation.down()


@pytest.mark.long
def test_a_service_is_added_as_the_page_says(reader: Reader) -> None:
    reader.follow(PAGES / "add-a-service.md")
    with reader.installation.client() as client:
        (session,) = client.get("/hub/api/sessions").json()["sessions"]
        shown = {part["name"]: (part["title"], part["state"]) for part in session["services"]}
        assert shown == {"notes": ("Notes", "ready"), "interface": ("Terminal", "ready")}
        (environment,) = client.get("/hub/api/environments").json()["environments"]
        component = {"kind": "service", "name": "notes", "title": "Notes", "mark": "No", "part": "notes"}
        assert component in environment["components"]
        log = client.get(f"/hub/api/sessions/{session['id']}/logs", params={"service": "notes"}).text
        assert f"PUT /accounts/{session['owner']}" in log
        # An account for each person, and nothing of one for another.
        id_ = session["id"]
        stolen = reader.installation.command(
            "session", "exec", id_, "sh", "-c", 'curl -s -o /dev/null -w "%{http_code}" "$NOTES_URL/greeting"'
        )
        assert "401" in stolen.stdout


@pytest.mark.long
def test_an_interface_is_added_as_the_page_says(reader: Reader) -> None:
    reader.follow(PAGES / "add-an-interface.md")
    with reader.installation.client() as client:
        for (id_, address), promised in zip(
            reader.sessions.items(), ["Hello from /s/ID/", "Directory listing for /s/ID/"], strict=True
        ):
            shown = client.get(f"/s/{id_}/", headers={"Host": address.split("/")[2]}, follow_redirects=True)
            assert promised.replace("ID", id_) in shown.text
        titles = {each["name"]: each["interface_title"] for each in client.get("/hub/api/environments").json()["environments"]}
        assert titles == {"page": "A page", "files": "Files"}


@pytest.mark.long
@pytest.mark.parametrize("page", ["use-a-terminal", "use-any-program"])
def test_an_interface_is_offered_and_used_as_its_page_says(page: str, reader: Reader) -> None:
    reader.follow(PAGES / f"{page}.md")
    if page == "use-any-program":
        ((id_, address),) = reader.sessions.items()
        with reader.installation.client() as client:
            shown = client.get(f"/s/{id_}/", headers={"Host": address.split("/")[2]}, follow_redirects=True)
            assert shown.text == "The board\n"
