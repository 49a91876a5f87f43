"""Headless Chromium over the DevTools protocol, on its pipe: no driver, no port, no library.

`with Chromium() as browser: page = browser.open(file)` gives a page that can be asked, clicked,
typed into and pictured, and that records what it wrote to the console and what it requested.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_TIMEOUT = 60.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), " ": (32, " ")}
_KEYS |= {key: (code, "") for key, code in (("ArrowDown", 40), ("ArrowRight", 39))}


class Chromium:
    """One browser process; pages are opened in contexts of their own, so they share nothing."""

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # Chromium reads commands from its descriptor 3 and answers on 4; ours are far from both.
        read_end, self._send = _high(os.pipe())
        self._receive, write_end = _high(os.pipe())
        nowhere = os.open(os.devnull, os.O_RDWR)
        assert CHROMIUM is not None
        self._pid = os.posix_spawn(
            CHROMIUM,
            [CHROMIUM, *_FLAGS, f"--user-data-dir={self._profile.name}"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, nowhere, 1),
                (os.POSIX_SPAWN_DUP2, nowhere, 2),
                (os.POSIX_SPAWN_DUP2, read_end, 3),
                (os.POSIX_SPAWN_DUP2, write_end, 4),
            ],
            setpgroup=0,
        )
        for descriptor in (read_end, write_end, nowhere):
            os.close(descriptor)
        self._buffer = b""
        self._last = 0
        self._pages: dict[str, Page] = {}
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            self.call("Browser.close")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._send)
        os.close(self._receive)
        self._profile.cleanup()

    def open(
        self,
        file: Path,
        fragment: str = "",
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        still: bool = True,
        scripts: bool = True,
    ) -> Page:
        """Open a file in a window of that size and wait until it has loaded."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, session["sessionId"], context)
        self._pages[session["sessionId"]] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        page.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )
        if not scripts:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.call("Page.navigate", url=file.as_uri() + fragment)
        self._until(lambda: page.loaded, "the page has loaded")
        return page

    def call(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        """Send one command and return its result; events that come before it are recorded."""
        self._last += 1
        number = self._last
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        answer: dict[str, Any] = {}

        def answered() -> bool:
            return bool(answer)

        self._until(answered, method, lambda m: answer.update(m) if m.get("id") == number else None)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _until(self, done: Any, what: str, take: Any = None) -> None:
        end = time.monotonic() + _TIMEOUT
        while not done():
            for message in self._read(end, what):
                page = self._pages.get(message.get("sessionId", ""))
                if page is not None and "method" in message:
                    page.record(message["method"], message["params"])
                if take is not None:
                    take(message)

    def _read(self, end: float, what: str) -> list[dict[str, Any]]:
        ready, _, _ = select.select([self._receive], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise TimeoutError(f"Chromium did not answer within {_TIMEOUT:.0f} s: {what}")
        part = os.read(self._receive, 1 << 20)
        if not part:
            raise TimeoutError(f"Chromium ended: {what}")
        *whole, self._buffer = (self._buffer + part).split(b"\0")
        return [json.loads(message) for message in whole]


class Page:
    """One open page; `console` holds errors and what it logged."""

    def __init__(self, browser: Chromium, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context
        self.console: list[str] = []
        self._asked: dict[str, str] = {}
        self.loaded = False

    @property
    def requests(self) -> list[str]:
        """The addresses that the page asked for, its own first."""
        return list(self._asked.values())

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command to the page and return its result."""
        return self._browser.call(method, self._session, **params)

    def record(self, event: str, params: dict[str, Any]) -> None:
        """Note an event of the page."""
        if event == "Page.loadEventFired":
            self.loaded = True
        elif event == "Runtime.consoleAPICalled":
            self.console.append(str(params["args"]))
        elif event == "Runtime.exceptionThrown":
            self.console.append(str(params["exceptionDetails"]))
        elif event == "Log.entryAdded":
            self.console.append(params["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self._asked[params["requestId"]] = params["request"]["url"]
        elif event == "Network.loadingFailed" and params.get("blockedReason"):
            # Its own policy held it back: it never left the page.
            self._asked.pop(params["requestId"], None)

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, once it is settled."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + 10
        while not self.ask(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def count(self, selector: str) -> int:
        """Return how many elements a selector finds."""
        return int(self.ask(f"document.querySelectorAll({json.dumps(selector)}).length"))

    def text(self, selector: str) -> str:
        """Return the text of the first element that a selector finds, as it is displayed."""
        return str(self.ask(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """Click an element with the mouse: one that is hidden or covered is not hit."""
        place = self.ask(
            f"""(() => {{
              const element = document.querySelector({json.dumps(selector)});
              element.scrollIntoView({{block: "center", behavior: "instant"}});
              const box = element.getClientRects()[0];
              const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
              const hit = document.elementFromPoint(x, y);
              if (!element.contains(hit) && !hit?.contains(element)) return null;
              return {{x, y}};
            }})()"""
        )
        assert place, f"{selector} is covered or out of sight"
        for event in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=event, button="left", clickCount=1, **place)

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press one key, by its name (`Tab`, `Enter`) or its character; 8 is Shift."""
        code, text = _KEYS.get(key, (ord(key[0].upper()), key))
        common = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def resize(self, width: int, height: int) -> None:
        """Give the page another window."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write what is to be seen, or the whole page, as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """Print the page."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def close(self) -> None:
        """Close the page and forget what it stored."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)


def _high(pair: tuple[int, int]) -> tuple[int, int]:
    """Move both ends of a pipe to descriptors from 10 on."""
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in pair]
    for end in pair:
        os.close(end)
    return moved[0], moved[1]
