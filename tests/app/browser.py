"""The service as a browser sees it: really served on loopback, and looked at with Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing: what was asked is not what is tested."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an application on loopback, and give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start the Chromium of this machine; skip the test where there is none, but never in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        lacking = "Chromium is not on this machine: install it (Debian: apt-get install chromium) to run browser tests"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            chromium_sandbox=os.geteuid() != 0,
        )
        yield browser
        browser.close()
