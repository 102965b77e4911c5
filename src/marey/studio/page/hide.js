// The tokens of the clip on the table: hidden by a click, filled by the model.
import { ask, latest } from "/talk.js";
import { Screen, element, frameOf, number, watch } from "/show.js";
import { onTable, table } from "/table.js";

const $ = (id) => document.getElementById(id);
const HUES = ["#0072b2", "#d55e00", "#00805d", "#a8548a", "#8f6a00", "#4b6cb0"];
let laws, tokens = null, hidden = new Set(), strips = [], screens = [];

// One token: a bar for each digit, as high as it is among its values; digits that are names have colours instead.
function token(digits, small) {
  const box = element("button", { type: "button", class: small ? "token small" : "token" });
  digits.forEach((digit, i) => {
    const bar = element("i"), share = digit / Math.max(tokens.levels[i] - 1, 1);
    bar.style.background = tokens.ordinal ? HUES[i % HUES.length] : `hsl(${(137.5 * digit) % 360} 55% 50%)`;
    bar.style.height = tokens.ordinal && !small ? `${100 * share}%` : "100%";
    if (tokens.ordinal && small) bar.style.opacity = 0.15 + 0.85 * share;
    box.append(bar);
  });
  return box;
}

// A row of frames with their tokens. press(number), if tokens can be clicked.
function strip(film, digits, track, ink, press = null) {
  const [count, height, width] = tokens.grid, each = height * width, small = each > 1;
  const row = element("div", { class: "cells" });
  for (let t = 0; t < count; t++) {
    const canvas = element("canvas", { role: "img", "aria-label": `frame ${t + 1}` }), grid = element("div", { class: "grid" });
    grid.style.gridTemplateColumns = `repeat(${width}, 1fr)`;
    const cell = element("div", { class: "cell" }, canvas, grid);
    for (let k = 0; k < each; k++) {
      const at = t * each + k, box = token(digits[at], small), name = `token ${k + 1} of frame ${t + 1}: ${digits[at].join(", ")}`;
      box.title = name;
      box.setAttribute("aria-label", name);
      if (press) { box.setAttribute("aria-pressed", String(hidden.has(at))); box.addEventListener("click", () => press(at)); }
      else box.disabled = true;
      box.dataset.number = at;
      grid.append(box);
    }
    if (!small) cell.append(element("div", { class: "numbers" }, digits[t].join(" ")));
    const last = frameOf(count > 1 ? t / (count - 1) : 0, film.frames), screen = new Screen(canvas, last);
    row.append(cell);
    strips.push(cell);
    screens.push([screen, film, [{ points: track, ink }]]);
  }
  return row;
}

const marks = (share) => { for (const cell of strips) cell.classList.toggle("now", Number(cell.dataset.at) === frameOf(share, tokens.grid[0])); };

function clear() {
  for (const [screen] of screens) screen.remove();
  strips = [];
  screens = [];
}

function draw(filled = null) {
  clear();
  const press = (at) => { if (hidden.has(at)) hidden.delete(at); else hidden.add(at); update(); };
  const bench = [strip(table.film, tokens.digits, table.track, "truth", press), controls()];
  if (filled) {
    bench.push(element("h3", { class: "filled" }, "The model's filling"), strip(filled.film, filled.digits, filled.track, "model"), compare(filled));
  }
  $("token-bench").replaceChildren(...bench);
  strips.forEach((cell, i) => { cell.dataset.at = i % tokens.grid[0]; });
  for (const [screen, ...what] of screens) screen.show(...what);
  update();
}

function compare(filled) {
  const pair = element("div", { class: "pair" });
  const trails = { truth: [{ points: table.track, ink: "truth" }],
    model: [{ points: table.track, ink: "truth", faint: true }, { points: filled.track, ink: "model" }] };
  for (const [what, film, ink] of [["the clip", table.film, "truth"], ["filled in", filled.film, "model"]]) {
    const canvas = element("canvas", { role: "img", "aria-label": what });
    pair.append(element("figure", {}, canvas, element("figcaption", { class: ink[0] }, what)));
    screens.push([new Screen(canvas), film, trails[ink], filled.given]);
  }
  const px = (value) => (value === null ? "not known" : `${number(value)} px`);
  pair.append(element("table", { class: "misses", id: "filled-misses" }, element("caption", {}, "mean distance in frames with hidden tokens"), ...[["the model", filled.error, "m"],
    ["straight across", filled.straight, ""]].map(([what, value, ink]) => element("tr", {}, element("td", { class: ink }, what), element("td", { class: "n" }, px(value))))));
  return pair;
}

function controls() {
  const [count] = tokens.grid, each = tokens.digits.length / count;
  const choose = (keep) => () => { hidden = new Set(tokens.digits.map((_, i) => i).filter((i) => keep(Math.floor(i / each)))); update(); };
  const button = (text, act) => element("button", { type: "button", onclick: act }, text);
  const law = element("select", { id: "told", "aria-label": "law given to the model" }, element("option", { value: "" }, "not told the law"),
    ...laws.map((name) => element("option", { value: name }, `told: ${name}`)));
  return element("div", { class: "row" },
    button("Hide the middle", choose((t) => t >= count / 4 && t < count - count / 4)),
    button("Hide every other", choose((t) => t % 2 === 1)), button("Hide the end", choose((t) => t >= count / 2)),
    button("Show all", choose(() => false)), law,
    element("button", { type: "button", class: "main", id: "fill", onclick: () => fill() }, "Fill in 12 steps"),
    element("span", { class: "aside", id: "token-error" }));
}

function update() {
  for (const box of $("token-bench").querySelectorAll(".token[aria-pressed]")) box.setAttribute("aria-pressed", String(hidden.has(Number(box.dataset.number))));
  if ($("fill")) $("fill").disabled = !hidden.size;
}

async function fill() {
  const film = table.film, law = $("told").value || null;
  try {
    const filled = await ask("fill", { film, hidden: [...hidden].sort((a, b) => a - b), law });
    if (film !== table.film) return;
    draw(filled);
    $("told").value = law ?? "";
  } catch (error) { $("token-error").textContent = `${error.message}.`; }
}

export function prepare(start) {
  if (!start.run) { $("tokens").hidden = true; return; }
  laws = start.model_laws;
  watch((share) => { if (tokens) marks(share); });
  onTable(latest((film) => ask("tokens", { film }), (found, film) => {
    if (film !== table.film) return;
    if (!tokens || found.digits.length !== tokens.digits.length) hidden = new Set();
    tokens = found;
    draw();
  }, (error) => {
    if (!error) return;
    clear();
    tokens = null;
    $("token-bench").replaceChildren(element("p", { class: "aside" }, `${error.message}.`));
  }));
}
