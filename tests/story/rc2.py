"""Rc² as a person uses it: a document and its chunks, the console and what stands below its code."""

import re

from playwright.sync_api import Locator, Page, expect

READY = 90_000  # milliseconds
ENDED = re.compile(r"\b(ok|error|aborted)\b")  # of an execution in the transcript


class Room:
    """The room of a session, open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.status = page.get_by_role("contentinfo")
        self.executions = page.get_by_role("log", name="Transcript").locator(".execution")

    @classmethod
    def opened(cls, page: Page, language: str = "R") -> "Room":
        """Take the room once its console is ready."""
        room = cls(page)
        expect(room.status).to_contain_text(f"{language}: Ready", timeout=READY)
        return room

    def document(self, name: str) -> Locator:
        """The editor of a document, once it is open."""
        editor = self.page.get_by_role("textbox", name=f"Editor of {name}")
        expect(editor).to_be_visible(timeout=READY)
        return editor

    def run_chunk(self, editor: Locator, number: int) -> Locator:
        """Press the arrow at a chunk's head; return what stands below the document's chunks, in their order."""
        editor.get_by_role("button", name="Run this chunk").nth(number).click(timeout=READY)
        return editor.locator(".chunk-output")

    def run(self, code: str, *, within: float = 120) -> Locator:
        """Type code into the console and press Enter; return what the transcript has of it, once it has run."""
        number = self.executions.count()
        self.page.keyboard.press("Control+2")
        expect(self.page.get_by_role("textbox", name="Console input")).to_be_focused(timeout=READY)
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Enter")
        done = self.executions.nth(number)
        expect(done).to_have_class(ENDED, timeout=within * 1000)
        return done
