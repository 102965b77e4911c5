"""The studio's page in a real browser: clicked, drawn in, given files, with every way to the network closed."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import uvicorn

from marey.studio.answers import Studio
from marey.studio.drawing import Stroke, drawn
from marey.studio.exports import Wish, exported
from marey.studio.film import Film
from marey.studio.serve import listen
from marey.studio.server import create_app
from tests.report.browser import Chromium

READ = "document.querySelector('#ruler .verdict')?.firstChild.textContent.trim() ?? ''"
SCREEN = """(() => { const canvas = document.getElementById('screen'), size = 32, zoom = canvas.width / size;
    const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return Array.from({ length: size * size }, (_, i) => all[4 * (canvas.width * Math.floor((Math.floor(i / size) + 0.5)
        * zoom) + Math.floor((i % size + 0.5) * zoom))]); })()"""  # the middle of each of the clip's pixels


@pytest.fixture(scope="module")
def address(studio: Studio):
    ear = listen(0)
    server = uvicorn.Server(uvicorn.Config(create_app(studio), log_level="warning"))
    thread = threading.Thread(target=server.run, args=([ear],))
    thread.start()
    yield f"http://127.0.0.1:{ear.getsockname()[1]}/"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture
def page(chromium: Chromium, address: str) -> Chromium:
    """The page, still and without tracks over its clips."""
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    chromium.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    chromium.call("Page.navigate", url=address)
    chromium.until("document.body?.dataset.ready === 'yes'", seconds=60)
    chromium.until("document.querySelectorAll('.token').length === 8", seconds=60)
    chromium.run("document.getElementById('trails').click()")
    return chromium


def click(page: Chromium, selector: str) -> None:
    """Press and release the mouse where an element is, and not by its own method: what lies over it is in the way."""
    page.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box = page.run(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
    drag(page, [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)])


def drag(page: Chromium, points: list[tuple[float, float]]) -> None:
    kinds = [("mousePressed", points[0]), *(("mouseMoved", at) for at in points), ("mouseReleased", points[-1])]
    for kind, (x, y) in kinds:
        down = kind != "mouseReleased"
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=int(down), clickCount=1)


def shown(page: Chromium) -> np.ndarray:
    """The frame on the screen, a value for each of its 32 x 32 pixels, red."""
    return np.array(page.run(SCREEN)).reshape(32, 32)


def quiet(page: Chromium, address: str, refused: int = 0) -> None:
    """Loopback only, and nothing complained of but requests that were refused on purpose, and our own readings."""
    assert all(url.startswith((address, "blob:")) for url in page.requests()), page.requests()
    told = [event["params"].get("entry", {}).get("text", str(event)) for event in page.complaints()]
    told = [text for text in told if "getImageData" not in text]
    assert len(told) == refused and all("status of 400" in text for text in told), told


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_tokens_are_hidden_and_filled_and_sliders_move_everything(page: Chromium, address: str) -> None:
    assert page.run("document.querySelectorAll('.token').length") == 8
    assert page.run("document.getElementById('fill').disabled") is True
    click(page, ".token[data-number='3']")
    click(page, ".token[data-number='4']")
    pressed = "[...document.querySelectorAll('.token[aria-pressed=true]')].map(token => Number(token.dataset.number))"
    assert page.run(pressed) == [3, 4]
    click(page, ".token[data-number='4']")
    assert page.run(pressed) == [3]
    click(page, "#fill")
    page.until("document.getElementById('filled-misses') !== null")
    assert page.run("document.querySelectorAll('.token').length") == 16 and page.run(pressed) == [3]
    digits = [page.run(f"document.querySelectorAll('.cells')[{k}].innerText") for k in (0, 1)]
    same = [one == other for one, other in zip(*(text.split() for text in digits), strict=True)]
    assert all(same[:9]) and all(same[12:]), "what was not hidden stays"

    words, equation, space = (
        page.run(script)
        for script in (
            "document.getElementById('description').textContent",
            "document.getElementById('equation').textContent",
            "document.getElementById('space').toDataURL()",
        )
    )
    before = shown(page)
    slider = "#parameters input[type=range]"
    page.run(f"document.querySelector('{slider}').focus()")
    for _ in range(8):
        page.press("ArrowRight")
    page.until(f"document.getElementById('equation').textContent !== {json.dumps(equation)}")
    assert page.run("document.getElementById('description').textContent") != words
    assert page.run("document.getElementById('space').toDataURL()") != space
    assert (shown(page) != before).any()
    page.until(f"{READ} === 'circular'")

    turned = page.run("document.getElementById('space').toDataURL()")
    box = page.run("document.getElementById('space').getBoundingClientRect().toJSON()")
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    drag(page, [middle, (middle[0] + 60, middle[1] + 20)])
    page.until(f"document.getElementById('space').toDataURL() !== {json.dumps(turned)}")

    page.run("document.getElementById('law').value = 'orbit', document.getElementById('law')"
             ".dispatchEvent(new Event('change'))")  # fmt: skip
    page.until("document.getElementById('description').textContent.match(/orbit|ellipse/)")
    assert page.run("document.querySelectorAll('#parameters .slider').length") == 4
    assert page.run("document.getElementById('unknown').hidden") is False
    quiet(page, address)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_path_is_drawn_and_files_come_in_and_go_out(page: Chromium, address: str, stage, tmp_path: Path) -> None:
    click(page, "#tab-draw")
    page.run("document.getElementById('screen').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = page.run("document.getElementById('screen').getBoundingClientRect().toJSON()")
    path = [(0.25 + 0.5 * s, 0.7 - 0.4 * s) for s in np.linspace(0, 1, 30).tolist()]
    drag(page, [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path])
    page.until("document.getElementById('screen-said').textContent === 'your path in 8 frames'")
    expected = drawn(stage, Stroke(tuple((x, y, float(i)) for i, (x, y) in enumerate(path)))).film.clip[..., 0]
    for t in (0, 3, 7):
        page.run(f"document.getElementById('frame').value = {t}, document.getElementById('frame')"
                 ".dispatchEvent(new Event('input'))")  # fmt: skip
        seen = shown(page)
        assert np.abs(seen - expected[t].astype(int)).max() <= 24, "a pointer stands on whole pixels of the screen"
        assert (seen < 128).sum() > 10
    zoom = int(box["width"]) / 32  # and it is on the screen where it must be, as a photograph of the page shows
    photograph = page.picture("#screen").astype(int)
    row, column = (int((v + 0.5) * zoom) for v in np.argwhere(expected[7] == expected[7].min())[0])
    assert photograph[row, column].max() < 60 and photograph[4, 4].min() > 240
    page.until(f"{READ} === 'linear'")
    page.until("document.querySelectorAll('#opinion .bars .num').length === 4")
    page.until("[...document.querySelectorAll('.film-row canvas')].every(canvas => canvas.width > 40)")
    assert page.run("document.querySelectorAll('.film-row canvas').length") == 6
    assert page.run("document.querySelector('.misses').innerText").count("px") >= 2

    page.until("!document.getElementById('snap').disabled")
    click(page, "#snap")
    page.until("document.getElementById('screen-said').textContent.includes('nearest law')")

    film = drawn(stage, Stroke(((0.3, 0.3, 0.0), (0.7, 0.6, 1.0)))).film
    good, bad, large = tmp_path / "good.webp", tmp_path / "bad.mp4", tmp_path / "large.npz"
    good.write_bytes(exported(Wish(film, "webp", 1.0)))
    bad.write_bytes(b"this is no film")
    wide = np.full((9, 48, 64, 1), 255, np.uint8)
    wide[:, 20:28, 28:36] = 0
    np.savez(large, clip=wide)
    click(page, "#tab-upload")

    def give(file: Path) -> None:
        root = page.call("DOM.getDocument")["root"]["nodeId"]
        node = page.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        page.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    give(bad)
    page.until("document.getElementById('error').textContent.includes('the file is no MP4')")
    give(good)
    page.until("document.getElementById('screen-said').textContent === 'good.webp'")
    assert page.run("document.getElementById('error').hidden") is True
    assert (shown(page) == film.clip[7, ..., 0]).all(), "the clock stands where it stood"
    give(large)
    page.until("!document.getElementById('cut').hidden")
    assert "9 frames of 64x48" in page.run("document.getElementById('was').textContent")
    click(page, "#cut button[type=submit]")
    page.until("document.getElementById('cut-said').textContent.includes('the middle square')")

    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "out"))
    click(page, "#exports [data-kind=npz]")
    taken, end = tmp_path / "out" / "marey.npz", time.monotonic() + 20
    while not taken.exists() and time.monotonic() < end:
        time.sleep(0.05)
    with np.load(taken) as arrays:
        assert (arrays["videos"][0, :, 0] == shown(page)).all(), "of a dot that rests all frames are alike"
    quiet(page, address, refused=2)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_model_generates_and_the_page_fits_a_phone_in_the_dark(page: Chromium, address: str) -> None:
    dark = [{"name": "prefers-color-scheme", "value": "dark"}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    page.call("Emulation.setEmulatedMedia", features=dark)
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    click(page, "#tab-generate")
    assert page.run("document.querySelector('[data-name=guidance]').disabled") is True
    assert "every-task" in page.run("document.getElementById('unguided').textContent")
    click(page, "#go")
    page.until("document.querySelectorAll('#thumbs canvas').length === 4")
    click(page, "#thumbs button:nth-child(2)")
    page.until("document.getElementById('screen-said').textContent.startsWith('generated as linear')")
    assert page.run("document.querySelectorAll('#thumbs [aria-pressed=true]').length") == 1
    assert page.run("document.documentElement.scrollWidth") == 390
    assert page.picture()[2, 2].max() < 60, "dark where the reader likes it dark"
    page.run("document.activeElement.blur()")
    page.press(" ")
    page.until("Number(document.getElementById('frame').value) >= 2")
    quiet(page, address)


def test_a_film_of_the_page_is_a_film_of_the_server() -> None:
    """The page's own Film has the server's fields, and no others."""
    film = Film.of(np.zeros((2, 8, 8, 1), np.uint8))
    script = (Path(__file__).parents[2] / "src/marey/studio/page/show.js").read_text()
    fields = script.split("function unpack({ ")[1].split(" })")[0].replace("frames: count", "frames").split(", ")
    assert set(fields) == set(vars(film))
