"""The contact sheet in a real browser, with every way to the network closed."""

import numpy as np
import pytest

from marey.data.folder import write_dataset
from marey.data.spec import DatasetSpec
from marey.report.sheet import write_sheet
from marey.world.look import Look
from marey.world.matched import MatchedWorld
from marey.world.rig import Rig

FRAME = "Number(document.getElementById('frame').value)"
DRAWN = """[...document.querySelectorAll('canvas')].map(canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(pixels.buffer)).size; })"""
SPACES = "[...document.querySelectorAll('#law-0 .space')].map(canvas => canvas.toDataURL())"
CLIP = "document.querySelector('.moving').toDataURL()"
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"  # of the screen


@pytest.fixture
def page(tmp_path):
    world = MatchedWorld(rig=Rig(cameras=2), look=Look(occluders=(1, 2)))
    write_dataset(DatasetSpec(world, train=12, validation=0, test=0), tmp_path / "set")
    return write_sheet(tmp_path / "set", count=2)


def less_motion(chromium) -> None:
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_clips_move_on_the_screen(page, chromium):
    chromium.open(page)
    chromium.run("document.querySelector('.view').scrollIntoView({behavior: 'instant'})")
    chromium.run("window.scrollBy({top: -80, behavior: 'instant'})")  # from under the toolbar
    chromium.until(f"{FRAME} >= 1")
    earlier = chromium.picture(".moving"), chromium.picture(".space")
    here = chromium.run(FRAME)
    chromium.until(f"{FRAME} !== {here} && {FRAME} > 0")
    for before, selector in zip(earlier, (".moving", ".space"), strict=True):
        now = chromium.picture(selector)
        assert now.shape == before.shape and (np.abs(now.astype(int) - before).max(axis=-1) > 60).sum() > 20
    assert not chromium.complaints()
    assert chromium.requests() == [page.resolve().as_uri()]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_player_steps_by_keys_and_keeps_still_when_asked(page, chromium):
    less_motion(chromium)
    chromium.open(page)
    assert chromium.run("document.querySelectorAll('.moving').length") == 4 * 2 * 2
    assert min(chromium.run(DRAWN)) > 2
    assert chromium.run(FRAME) == 0, "a reader who asked for less motion must find the clips still"
    chromium.run(f"window.first = {CLIP}, 0")
    chromium.run("document.getElementById('clips').scrollIntoView({behavior: 'instant'})")
    chromium.press("ArrowRight")
    chromium.until(f"{FRAME} === 1 && {CLIP} !== first")  # a clip is drawn only once the browser says that it is near
    chromium.press("ArrowLeft")
    chromium.until(f"{FRAME} === 0 && {CLIP} === first")
    chromium.run("document.getElementById('tracks').click()")
    assert chromium.run(f"{CLIP} !== first")
    chromium.run("document.getElementById('tracks').click()")
    assert chromium.run(f"{CLIP} === first")
    assert not chromium.complaints()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_paths_turn_together_by_key_and_by_pointer(page, chromium):
    less_motion(chromium)
    chromium.open(page)
    chromium.run("document.querySelector('.space').scrollIntoView({block: 'center', behavior: 'instant'})")
    remember = f"window.before = {SPACES}, 0"
    chromium.run(remember)

    def turned() -> None:
        chromium.until(f"{SPACES}.every((space, i) => space !== before[i])")
        chromium.run(remember)

    chromium.run("document.querySelector('.space').focus()")
    chromium.press("ArrowLeft")
    turned()
    assert chromium.run(FRAME) == 0, "a focused path keeps the arrow keys to itself"
    box = chromium.run("document.querySelector('.space').getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, at in (("mousePressed", x), ("mouseMoved", x + 40), ("mouseReleased", x + 40)):
        chromium.call("Input.dispatchMouseEvent", type=kind, x=at, y=y, button="left", buttons=1, clickCount=1)
    turned()
    chromium.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    chromium.run(TWO_FRAMES)
    same = chromium.run(f"{SPACES}.every((space, i) => space === before[i])")
    assert same, "a pointer that does not press must not turn anything"
    chromium.run("document.getElementById('cameras').click()")
    turned()
    assert not chromium.complaints()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_page_fits_a_phone(page, chromium):
    chromium.call("Emulation.setDeviceMetricsOverride", width=375, height=800, deviceScaleFactor=2, mobile=True)
    chromium.open(page)
    assert chromium.run("document.documentElement.scrollWidth") == 375
    assert chromium.run("document.querySelector('.strip').scrollWidth") > 375
