"""A real browser for tests of pages: Debian's Chromium without a window."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.waiting import LONGEST

MISSING = "there is no chromium: install Debian's package"
_MILLISECONDS = 1_000 * LONGEST


@contextmanager
def chromium() -> Generator[Browser | None]:
    """A browser for as long as the block runs; None if this machine has none."""
    program = shutil.which("chromium")
    if program is None:
        yield None
        return
    expect.set_options(timeout=_MILLISECONDS)
    # Its sandbox does not work for root; it is shown pages of this project only.
    options = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=options) as browser:
        yield browser


def patient(context: BrowserContext) -> BrowserContext:
    """The context, in which pages may take as long as the machine needs for them."""
    context.set_default_timeout(_MILLISECONDS)
    return context
