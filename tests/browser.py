"""A real browser: the Chromium of this machine, without a window, driven by Playwright."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

MISSING = "there is no chromium on the PATH: install your system's package"


def program() -> str | None:
    """The path of Chromium; None if this machine has none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium(executable: str) -> Generator[Browser]:
    """A browser that runs for as long as the block does."""
    with sync_playwright() as playwright:
        # Its sandbox refuses root, and the tests show it nothing but pages of ours.
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
