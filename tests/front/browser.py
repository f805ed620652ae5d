"""Debian's Chromium, without anything that calls home, with a made-up camera, at the size of a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect, sync_playwright

expect.set_options(timeout=15_000)  # milliseconds: the machine may be busy with other tests
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PHONE = {"width": 390, "height": 844}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@contextmanager
def phone(*, features: str = "", scale: float = 1) -> Iterator[Page]:
    """A page in a fresh browser; the test skips where there is no Chromium.

    Args:
        features: script to run before each page's own, such as one that takes a feature away.
        scale: device pixels a CSS pixel.
    """
    if not shutil.which(CHROMIUM):
        pytest.skip("there is no chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(viewport=PHONE, device_scale_factor=scale, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
        if features:
            context.add_init_script(features)
        page = context.new_page()
        page.set_default_timeout(15_000)
        try:
            yield page
        finally:
            browser.close()
