"""JupyterLab as a person uses it: a notebook, a cell, what stands below it."""

import re

from playwright.sync_api import Locator, Page, expect

READY = 90_000  # milliseconds
IDLE = re.compile(r"\| Idle$")  # of the status bar


class Notebook:
    """The notebook that is open in JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cells = page.locator(".jp-NotebookPanel:visible .jp-Notebook .jp-CodeCell")

    @classmethod
    def new(cls, page: Page, language: str) -> "Notebook":
        """Open a new notebook by its card in a new launcher."""
        page.locator('[title^="New Launcher"]').first.click(timeout=READY)
        card = page.locator(f'.jp-LauncherCard[data-category="Notebook"][title^="{language}"]').first
        expect(card).to_be_visible(timeout=READY)
        # A notebook that was open before is seen for a moment while the new one opens, with its own idle kernel.
        with page.expect_websocket(lambda socket: "/api/kernels/" in socket.url, timeout=READY) as connecting:
            card.click()
        connecting.value.wait_for_event("framereceived", timeout=READY)
        return cls.opened(page)

    @classmethod
    def open(cls, page: Page, name: str) -> "Notebook":
        """Open a notebook of the file browser; one whose kernel runs is connected to it."""
        page.locator(".jp-DirListing-item", has_text=name).dblclick(timeout=READY)
        return cls.opened(page)

    @classmethod
    def opened(cls, page: Page) -> "Notebook":
        """Take the notebook that is open, once its kernel is idle."""
        notebook = cls(page)
        expect(notebook.cells.last).to_be_visible(timeout=READY)
        notebook.wait_for_kernel()
        return notebook

    def wait_for_kernel(self) -> None:
        """Wait until the notebook's kernel is connected and idle: only the status bar tells one from the other."""
        expect(self.page.get_by_text(IDLE)).to_be_visible(timeout=READY)

    def run(self, code: str, *, within: float = 120) -> Locator:
        """Type code into the last cell and press Shift+Enter; gives the cell, once it has run."""
        cell = self.cells.last
        number = self.cells.count() - 1
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)
        expect(cell.locator(".cm-content")).to_contain_text(code.splitlines()[0])
        self.page.keyboard.press("Shift+Enter")
        done = self.cells.nth(number)
        try:
            expect(done.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=within * 1000)
        except AssertionError as error:
            seen = {
                where: self.page.locator(where).all_inner_texts() for where in (".jp-StatusBar-Widget", ".jp-Dialog", ".Toastify")
            }
            raise AssertionError(f"cell {number} of {self.cells.count()} has not run: {done.inner_text()!r}; {seen}") from error
        return done

    def save_as(self, name: str) -> None:
        """Press Ctrl+S; JupyterLab asks for a name the first time."""
        self.page.keyboard.press("Control+s")
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill(name)
        dialog.get_by_role("button", name="Rename").click()
        expect(self.page.get_by_role("tab", name=name)).to_be_visible(timeout=READY)
