"""Text can be read: WCAG 2.2 contrasts of the palette, light and dark, and of the words on the page as drawn."""

import re
from pathlib import Path

import pytest

import marey.report
from marey.report import write_report

PALETTE = (Path(marey.report.__file__).parent / "templates" / "palette.css").read_text(encoding="utf-8")
COLOURS = {name: pair for name, *pair in re.findall(r"--([\w-]+):light-dark\((#\w+),(#\w+)\)", PALETTE)}
TEXTS = ("ink", "soft", "truth", "model", "good", "base", "s1", "s2", "s3", "s4", "s5")
AA = 4.5  # of text that is not large

CONTRASTS = """(() => {
  const paper = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour, under) => { // what a colour looks like upon another
    paper.fillStyle = `rgb(${under.join(' ')})`; paper.fillRect(0, 0, 1, 1);
    paper.fillStyle = colour; paper.fillRect(0, 0, 1, 1);
    return [...paper.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = (c) => c.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (element) => element === null ? [255, 255, 255]
    : rgb(getComputedStyle(element).backgroundColor, ground(element.parentElement));
  const poor = [];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const element = words.currentNode.parentElement, style = getComputedStyle(element);
    if (!words.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (element.closest('script, style, option, .save, :disabled')) continue;
    const under = ground(element), colour = rgb(element instanceof SVGElement ? style.fill : style.color, under);
    const [a, b] = [light(colour), light(under)].sort((x, y) => y - x), contrast = (a + .05) / (b + .05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 600);
    const said = words.currentNode.data.trim().slice(0, 30);
    if (contrast < (large ? 3 : 4.5)) poor.push(`${said}: ${contrast.toFixed(2)}`);
  }
  return [...new Set(poor)]; })()"""


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """From 1 to 21."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("paper", ["paper", "raised", "wash"])
@pytest.mark.parametrize("name", TEXTS)
def test_every_colour_can_be_read_on_every_paper(name, paper, theme):
    assert contrast(COLOURS[name][theme], COLOURS[paper][theme]) >= AA


def test_every_colour_has_a_light_and_a_dark_side():
    single = set(re.findall(r"--([\w-]+):#", PALETTE.partition("@media print")[0])) - {"truth-ink", "model-ink"}
    assert not single, f"{single} would be the same on a light and on a dark page"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_word_on_the_page_can_be_read(run, chromium):
    page = write_report(run)
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    chromium.open(page)
    assert chromium.run("document.getElementById('theme').textContent") == "dark page"
    assert chromium.run(CONTRASTS) == []
    chromium.run("document.getElementById('theme').click()")
    assert chromium.run(CONTRASTS) == []
    chromium.run("document.querySelector('.story').style.color = '#777'")
    assert len(chromium.run(CONTRASTS)) == 1, "a grey that cannot be read on the dark page must be found"
