"""Drives the system's own Chromium, without a driver or a library: JSON messages over two pipes.

Chrome DevTools Protocol with `--remote-debugging-pipe`: the browser reads messages from its file descriptor 3 and
writes to 4, each ended by a zero byte, and opens no port [Chrome docs: devtools-protocol]. Owns nothing but that.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
HOW_TO_INSTALL = "no Chromium here: apt-get install chromium (or put google-chrome on the PATH)"
SECONDS = 30


def find_chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class CannotStart(Exception):
    """What is called Chromium here does not run, such as a package that only points to another one."""


class Browser:
    """One headless browser. Raises CannotStart."""

    def __init__(self, executable: str, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # above 10, so that putting them at 3 and 4 cannot overwrite one another
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_browser, from_browser)]
        self._process = subprocess.Popen(
            [executable, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run",
             "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
             "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars",
             # the sandbox needs rights that root in a container does not have; the pages are our own
             "--no-sandbox"],
            pass_fds=(3, 4), preexec_fn=lambda: (os.dup2(high[0], 3), os.dup2(high[1], 4)),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for fd in (to_browser, from_browser, *high):
            os.close(fd)
        self._last_id = 0
        self._replies: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self.call("Browser.getVersion")
        except (OSError, AssertionError, queue.Empty):
            self._process.kill()
            raise CannotStart(f"{executable} does not start") from None

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._last_id += 1
        number = self._last_id
        self._replies[number] = queue.Queue()
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        reply = self._replies[number].get(timeout=SECONDS)
        assert "error" not in reply, f"{method}: {reply['error']}"
        return reply["result"]

    def open(self, url: str, **how: Any) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        self._listeners[session] = page.on_event
        page.begin(url, **how)
        return page

    def close(self) -> None:
        try:
            with suppress(OSError, AssertionError):
                self.call("Browser.close")
            self._process.wait(SECONDS)
        finally:
            self._process.kill()
            os.close(self._write)

    def _listen(self) -> None:
        rest = b""
        while chunk := os.read(self._read, 1 << 16):
            *messages, rest = (rest + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._replies[message["id"]].put(message)
                elif listener := self._listeners.get(message.get("sessionId", "")):
                    listener(message)
        for waiting in list(self._replies.values()):
            waiting.put({"error": "the browser has ended"})


class Page:
    """One tab: what it shows, what it asked for, and what went wrong in it."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session
        self._loaded = threading.Event()
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def begin(self, url: str, width: int = 1280, height: int = 900, scheme: str = "light", phone: bool = False) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height, phone)
        self.emulate(scheme)
        self._loaded.clear()
        self.call("Page.navigate", url=url)
        assert self._loaded.wait(SECONDS), f"{url} did not load"

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def resize(self, width: int, height: int, phone: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def emulate(self, scheme: str, media: str = "") -> None:
        self.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def js(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: int = 10) -> None:
        """Until the expression is true, looking with every frame that the browser draws."""
        self.js(
            f"new Promise((done, no) => {{ const end = performance.now() + {seconds * 1000};"
            f"const look = () => ({expression}) ? done() : performance.now() > end"
            f" ? no(new Error('never true: ' + {json.dumps(expression)})) : setTimeout(look, 20); look(); }})"
        )

    def press(self, key: str, shift: bool = False) -> None:
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35}.get(key, 0)
        common = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path, whole: bool = True) -> None:
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def on_event(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message["params"]
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"].get("exception", params["exceptionDetails"])))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str(params["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(str(params["entry"]["text"]))


#: What the fixture `open_page` is: opens a file or an address and waits until it is drawn.
Open = Callable[..., Page]
