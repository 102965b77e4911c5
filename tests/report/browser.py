"""Headless Chromium as the tests of pages drive it: spoken to over a pipe, with every way to the network closed."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--proxy-server=127.0.0.1:9", "--remote-debugging-pipe"]  # fmt: skip


class Chromium:
    """One page of headless Chromium, driven by the DevTools protocol (NUL-terminated JSON on descriptors 3 and 4)."""

    def __init__(self, profile: Path):
        down, self._down = os.pipe()
        self._up, up = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (down, up)]  # clear of 3 and 4, which they will become
        start = f"import os, sys; os.dup2({ends[0]}, 3); os.dup2({ends[1]}, 4); os.execv(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                start,
                shutil.which("chromium"),
                *FLAGS,
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (down, up, *ends):
            os.close(end)
        self.events, self._buffer, self._number, self._session = [], b"", 0, None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params) -> dict:
        """Send one command and return its result; events that arrive meanwhile are kept in `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._down, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def run(self, script: str):
        """The value of a JavaScript expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def open(self, page: Path) -> None:
        """Load a file and wait until the clips are drawn."""
        self.call("Page.navigate", url=page.resolve().as_uri())
        self.until(
            "document.readyState === 'complete' && [...document.querySelectorAll('canvas')].every(c => c.width > 40)"
        )

    def until(self, condition: str, seconds: float = 60) -> None:
        """Wait for a JavaScript condition."""
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code="Space" if key == " " else key)

    def picture(self, selector: str | None = None) -> np.ndarray:
        """The window as pixels, or the part of it that an element covers."""
        image = self.call("Page.captureScreenshot", format="png")["data"]
        pixels = np.asarray(Image.open(BytesIO(base64.b64decode(image))).convert("RGB"))
        if selector is None:
            return pixels
        box = self.run(f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()")
        left, top, right, bottom = (int(box[side]) for side in ("left", "top", "right", "bottom"))
        return pixels[max(top, 0) : bottom, max(left, 0) : right]

    def complaints(self) -> list[dict]:
        """Exceptions and everything written to the console."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event for event in self.events if event["method"] in kinds]

    def requests(self) -> list[str]:
        """Every address that the page asked for, but for those that hold their own data."""
        asked = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        urls = [event["params"]["request"]["url"] for event in asked]
        return [url for url in urls if not url.startswith("data:")]

    def close(self) -> None:
        """End the browser."""
        self.process.terminate()
        self.process.wait(timeout=20)
        os.close(self._down)
        os.close(self._up)

    def _read(self) -> dict:
        while b"\0" not in self._buffer:
            chunk = os.read(self._up, 1 << 20)
            assert chunk, "Chromium closed the pipe"
            self._buffer += chunk
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)
