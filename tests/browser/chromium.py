"""A real Chromium without a window, driven through its DevTools protocol; tests that need it skip loudly without it."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

WAIT = 30.0  # seconds for anything to happen
KEYS = {"Enter": (13, "\r"), "ArrowRight": (39, ""), "ArrowLeft": (37, "")}


class Browser:
    """One page: go somewhere, press keys, click, ask for what it shows."""

    def __init__(self, folder: Path) -> None:
        """Start Chromium with a profile of its own."""
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            pytest.skip("CHROMIUM ABSENT: the review screen was not tried in a browser (apt-get install chromium)")
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0")
        self.process = subprocess.Popen(
            [program, *options, f"--user-data-dir={folder}", "--window-size=1000,900", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = until(lambda: (folder / "DevToolsActivePort").read_text().split()[0])
        pages = until(lambda: httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json())
        address = next(page for page in pages if page["type"] == "page")["webSocketDebuggerUrl"]
        self.opened = ExitStack()
        self.socket = self.opened.enter_context(connect(address, max_size=64 << 20, proxy=None))
        self.numbers = itertools.count(1)
        self.call("Page.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; what happens meanwhile is passed over."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv(timeout=WAIT))).get("id") != number:
            pass
        assert "error" not in answer, answer
        return dict(answer["result"])

    def open(self, url: str) -> None:
        """Go to an address and wait until it is there."""
        self.call("Page.navigate", url=url)
        until(lambda: self.ask("document.readyState === 'complete' && location.href !== 'about:blank'"))

    def ask(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def text(self, element: str) -> str:
        """Return what an element shows."""
        return str(self.ask(f"document.getElementById({element!r}).innerText"))

    def click(self, element: str) -> None:
        """Click an element."""
        self.ask(f"document.getElementById({element!r}).click()")

    def type(self, words: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=words)

    def press(self, key: str) -> None:
        """Press a key: a letter, a digit, or one of `KEYS`."""
        code, text = KEYS[key] if key in KEYS else (ord(key.upper()), key)
        what = {"key": key, "windowsVirtualKeyCode": code} | ({"text": text} if text else {})
        self.call("Input.dispatchKeyEvent", type="keyDown", **what)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def picture(self) -> bytes:
        """Return what is seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def close(self) -> None:
        """End it."""
        self.opened.close()
        self.process.terminate()
        self.process.wait(WAIT)


def until(found: Any) -> Any:
    """Wait until a function gives something true, and return it."""
    end = time.monotonic() + WAIT
    while True:
        try:
            if value := found():
                return value
        except (OSError, IndexError, httpx.HTTPError):
            pass
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
