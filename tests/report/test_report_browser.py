"""The page in a real browser, with every way to the network closed."""

import pytest

from marey.report import write_report

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

    assert not chromium.complaints()
    assert chromium.requests() == [page.resolve().as_uri()]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_report_plays_by_itself_and_fits_a_phone(run, chromium):
    chromium.call("Emulation.setDeviceMetricsOverride", width=375, height=800, deviceScaleFactor=2, mobile=True)
    chromium.open(write_report(run))
    chromium.until("Number(document.getElementById('frame').value) >= 1")
    assert chromium.run("document.documentElement.scrollWidth") == 375
