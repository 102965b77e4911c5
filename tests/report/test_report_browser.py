"""The page in a real browser, spoken to over a pipe, with every way to the network closed."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marey.report import write_report

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

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait for a JavaScript condition."""
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code="Space" if key == " " else key)

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


@pytest.fixture
def chromium(tmp_path):
    if not shutil.which("chromium"):
        pytest.skip("no `chromium` on the path: install it to drive the report in a browser")
    browser = Chromium(tmp_path / "profile")
    yield browser
    browser.close()


DRAWN = """[...document.querySelectorAll('canvas')].filter(canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some((value, i) => i % 4 < 3 && value < 128) && pixels.some(value => value > 250);
}).length"""


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_report_plays_in_chromium_without_network(run, chromium):
    page = write_report(run)
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    chromium.open(page)
    canvases = chromium.run("document.querySelectorAll('canvas').length")
    assert canvases == 7 * 8  # truth and model for three tasks, model alone for generate, eight clips each
    assert chromium.run(DRAWN) == canvases
    frame = "Number(document.getElementById('frame').value)"
    assert chromium.run(frame) == 0, "a reader who asked for less motion must find the clips still"

    chromium.run("document.getElementById('play').click()")
    assert chromium.run("document.getElementById('play').textContent") == "Pause"
    chromium.until(f"{frame} >= 2")
    chromium.run("document.getElementById('play').click()")
    here = chromium.run(frame)
    chromium.run("document.getElementById('forward').click()")
    assert chromium.run(frame) == (here + 1) % 8

    chromium.run("document.activeElement.blur(), document.getElementById('clips').scrollIntoView()")
    chromium.press("ArrowLeft")
    assert chromium.run(frame) == here
    chromium.press(" ")
    assert chromium.run("document.getElementById('play').textContent") == "Pause"
    assert chromium.run("document.documentElement.scrollWidth <= window.innerWidth"), (
        "the page must not scroll sideways"
    )

    loud = [
        event
        for event in chromium.events
        if event["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    ]
    assert not loud, loud
    asked = [
        event["params"]["request"]["url"] for event in chromium.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith("data:")] == [page.resolve().as_uri()]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_report_plays_by_itself_and_fits_a_phone(run, chromium):
    chromium.call("Emulation.setDeviceMetricsOverride", width=375, height=800, deviceScaleFactor=2, mobile=True)
    chromium.open(write_report(run))
    chromium.until("Number(document.getElementById('frame').value) >= 1")
    assert chromium.run("document.documentElement.scrollWidth") == 375
