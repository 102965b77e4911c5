"""The page in a real browser, with every way to the network closed."""

import time
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from PIL import Image

from marey.report import write_report

DRAWN = """[...document.querySelectorAll('.cell canvas')].filter(canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some((value, i) => i % 4 < 3 && value < 128) && pixels.some(value => value > 250);
}).length"""
COLOURS = """[...document.querySelectorAll('.space')].map(canvas => new Set(new Uint32Array(
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size)"""
SPACES = "[...document.querySelectorAll('.space')].map(canvas => canvas.toDataURL())"
NUMBERS = "[...document.querySelectorAll('.case:not([hidden])')].map(each => Number(each.dataset.number))"
ERRORS = (
    "[...document.querySelectorAll('.case')].map(each => Number(each.dataset[document.getElementById('by').value]))"
)
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"  # of the screen


def still(chromium, **media: str) -> None:
    """A reader who asks for less motion, and for what else `media` says."""
    features = {"prefers-reduced-motion": "reduce"} | {name.replace("_", "-"): value for name, value in media.items()}
    chromium.call(
        "Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features.items()]
    )


def choose(chromium, name: str, value: str) -> None:
    """Choose an option as a reader does: the list says that it changed."""
    chromium.run(
        f"(list => {{ list.value = '{value}'; list.dispatchEvent(new Event('change', {{bubbles: true}})); }})"
        f"(document.getElementById('{name}'))"
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_report_plays_in_chromium_without_network(run, chromium):
    page = write_report(run)
    still(chromium)
    chromium.open(page)
    canvases = chromium.run("document.querySelectorAll('canvas').length")
    assert canvases == 5 * 8 + 4  # the truth and four tasks for eight clips, and a path in space for each law
    assert chromium.run(DRAWN) == 5 * 8
    assert min(chromium.run(COLOURS)) > 20, "the paths must be drawn"
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


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_reader_sorts_clips_and_turns_paths(run, chromium):
    still(chromium)
    page = write_report(run)
    chromium.open(page)
    drawn = list(range(1, 9))
    assert chromium.run(NUMBERS) == drawn
    choose(chromium, "order", "worst")
    errors = chromium.run(ERRORS)
    assert errors == sorted(errors, reverse=True) and chromium.run(NUMBERS) != drawn
    assert chromium.run("document.getElementById('ordered').textContent") == "8 clips, worst prediction first"
    choose(chromium, "by", "reconstruct")
    assert chromium.run(NUMBERS)[0] == 2, "the clip whose dot is lost is the worst reconstruction"
    choose(chromium, "order", "best")
    errors = chromium.run(ERRORS)
    assert errors == sorted(errors) and chromium.run(NUMBERS)[-1] == 2
    choose(chromium, "law", "circular")
    assert sorted(chromium.run(NUMBERS)) == [2, 6]
    choose(chromium, "law", "")
    choose(chromium, "order", "drawn")
    assert chromium.run(NUMBERS) == drawn

    shown = "[...document.querySelectorAll('#split-panels .panel:not([hidden]) b')].map(name => name.textContent)"
    assert chromium.run(shown) == ["law", "speed"]
    choose(chromium, "split-quantity", "colour")
    texts = "document.querySelector('#split-panels .panel:not([hidden]) figcaption').textContent"
    assert chromium.run(shown) == ["law", "speed"] and "grey levels" in chromium.run(texts)

    chromium.run("document.querySelector('.space').scrollIntoView({block: 'center', behavior: 'instant'})")
    before = chromium.run(SPACES)
    box = chromium.run("document.querySelector('.space').getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, at in (("mousePressed", x), ("mouseMoved", x + 40), ("mouseReleased", x + 40)):
        chromium.call("Input.dispatchMouseEvent", type=kind, x=at, y=y, button="left", buttons=1, clickCount=1)
    chromium.run(TWO_FRAMES)
    turned = chromium.run(SPACES)
    assert all(a != b for a, b in zip(before, turned, strict=True)), "all paths turn together"
    chromium.run("document.querySelector('.space').focus()")
    chromium.press("ArrowUp")
    chromium.run(TWO_FRAMES)
    assert chromium.run(SPACES)[3] != turned[3] and chromium.run("Number(document.getElementById('frame').value)") == 0
    choose(chromium, "space-task", "interpolate")
    chromium.run(TWO_FRAMES)
    assert chromium.run("document.querySelector('[data-said]').textContent") == "read as linear"
    assert not chromium.complaints()
    assert chromium.requests() == [page.resolve().as_uri()]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_report_is_light_or_dark_and_prints_light(run, chromium):
    page = write_report(run)
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(252, 251, 248)", "rgb(20, 20, 19)"
    still(chromium, prefers_color_scheme="dark")
    chromium.open(page)
    assert chromium.run(paper) == dark
    space = chromium.run(SPACES)[0]
    chromium.run("document.getElementById('theme').click()")
    chromium.run(TWO_FRAMES)
    assert chromium.run(paper) == light and chromium.run(SPACES)[0] != space
    chromium.run("document.getElementById('theme').click()")
    assert chromium.run(paper) == dark
    chromium.run(TWO_FRAMES)
    assert chromium.run(SPACES)[0] == space
    chromium.call("Emulation.setEmulatedMedia", media="print", features=[])
    chromium.run(TWO_FRAMES)
    assert chromium.run(SPACES)[0] != space, "paths are drawn anew in the colours of paper"
    assert chromium.run(paper) == "rgb(255, 255, 255)", "paper is white, whatever the screen was"
    shown = (
        "[...document.querySelectorAll('.bar, nav, #theme, .save, .choices, .skip')].filter(e => e.offsetHeight).length"
    )
    assert chromium.run(shown) == 0, "no control is of use on paper"
    assert chromium.run("document.querySelectorAll('.case canvas').length") == 5 * 8


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_plots_are_kept_as_svg_and_png(run, chromium, tmp_path):
    still(chromium)
    page = write_report(run)
    chromium.open(page)
    kept = tmp_path / "kept"
    chromium.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(kept))
    plots = chromium.run("document.querySelectorAll('.chart svg').length")
    assert chromium.run("document.querySelectorAll('.save').length") == plots > 30
    for button in (0, 1):
        chromium.run(f"document.querySelectorAll('#budget .panel .save button')[{button}].click()")
    wanted = [kept / f"run-budget-position.{kind}" for kind in ("svg", "png")]
    deadline = time.monotonic() + 20
    while not all(file.is_file() for file in wanted):
        assert time.monotonic() < deadline, sorted(kept.iterdir())
        time.sleep(0.05)
    svg = ElementTree.parse(wanted[0]).getroot()
    assert svg.tag.endswith("svg") and len(list(svg.iter())) > 50
    assert "var(" not in wanted[0].read_text(encoding="utf-8"), "it must not need the page's style sheet"
    with Image.open(wanted[1]) as picture:
        assert picture.size == (3 * int(svg.get("width")), 3 * int(svg.get("height")))
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
    assert not chromium.complaints()
    assert chromium.requests() == [page.resolve().as_uri()]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_report_is_in_order_for_those_who_do_not_see_it(run, chromium):
    still(chromium)
    chromium.open(write_report(run))
    levels = chromium.run("[...document.querySelectorAll('h1, h2, h3, h4')].map(e => Number(e.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no level of heading is left out"
    pictures = "[...document.querySelectorAll('svg:not([aria-hidden]), canvas, [role=img]')]"
    assert chromium.run(f"{pictures}.filter(each => !each.getAttribute('aria-label')).length") == 0
    assert chromium.run("[...document.images].filter(each => !each.hasAttribute('alt')).length") == 0
    fields = "[...document.querySelectorAll('input, select')]"
    assert chromium.run(f"{fields}.filter(each => !each.labels.length && !each.ariaLabel).length") == 0
    chromium.press("Tab")
    focused = "(s => s.outlineStyle + ' ' + s.outlineWidth)(getComputedStyle(document.activeElement))"
    assert chromium.run("document.activeElement.className") == "skip" and chromium.run(focused) == "solid 2px"
