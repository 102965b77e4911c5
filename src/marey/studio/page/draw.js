// Draw: a path by mouse or finger in the frame; the world's dot follows it.
import { ask, latest } from "/talk.js";
import { element, play, again } from "/show.js";
import { complain, lay, onTable, table, theScreen } from "/table.js";

const $ = (id) => document.getElementById(id);
const turn = (from, to, radius, middle) => (s) => {
  const angle = from + (to - from) * s;
  return [middle[0] + radius * Math.cos(angle), middle[1] + radius * Math.sin(angle)];
};
// Paths by an unsteady hand: the wobble is part of them.
const wobble = (f) => (s) => { const [x, y] = f(s); return [x + 0.004 * Math.sin(17 * s), y + 0.004 * Math.cos(23 * s)]; };
const SAMPLES = {
  "a line": (s) => [0.25 + 0.5 * s, 0.7 - 0.35 * s],
  "an arc": turn(2.6, 6.6, 0.2, [0.5, 0.5]),
  "a throw": (s) => [0.24 + 0.52 * s, 0.3 + 1.7 * (s - 0.5) ** 2],
  "a zigzag": (s) => [0.2 + 0.6 * s, 0.35 + 0.3 * Math.abs(((3 * s + 1) % 2) - 1)],
};
let stroke = null, last = null, snapped = null, shape;

const render = latest((points, pace) => ask("draw", { points, pace }), (drawn) => {
  const large = shape.step !== null && drawn.step > shape.step
    ? `; up to ${Math.round(100 * drawn.step)} % of the frame between two frames: faster than this world's dots ever are` : "";
  lay({ film: drawn.film, track: drawn.track, source: "draw", said: `your path in ${drawn.film.frames} frames${large}` });
}, complain);

const pace = () => document.querySelector("input[name=pace]:checked").value;

export const show = () => { if (last) render(last, pace()); };

function point(event) {
  const box = $("screen").getBoundingClientRect(), within = (share) => Math.min(1, Math.max(0, share));
  return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height), event.timeStamp / 1000];
}

function follow(event) {
  stroke.push(point(event));
  theScreen().stroke = stroke.map(([x, y]) => [x * table.film.size, y * table.film.size]);
  again();
}

function finish() {
  if (!stroke) return;
  last = stroke.length > 2 ? stroke : last;
  stroke = null;
  theScreen().stroke = null;
  if (last) show(); else again();
}

// Called with what the ruler read in the clip on the table.
export function told(reading) {
  const mine = table.source === "draw" || table.source === "snap";
  snapped = mine && reading ? reading.snapped : null;
  $("snap").disabled = !snapped || table.source === "snap";
  $("snap-why").textContent = table.source === "snap" ? "This is the law's own path; draw again for another."
    : snapped ? "Hands are unsteady: moved onto the nearest law, the path is exact." : mine && reading ? reading.why
    : "Draw a path first; then it can be moved onto the nearest law.";
}

export function prepare(start) {
  shape = start;
  const screen = $("screen");
  screen.addEventListener("pointerdown", (event) => {
    if (document.body.dataset.tab !== "draw" || event.button) return;
    event.preventDefault();
    screen.setPointerCapture(event.pointerId);
    play(false);
    stroke = [];
    follow(event);
  });
  screen.addEventListener("pointermove", (event) => {
    if (stroke) for (const each of event.getCoalescedEvents?.() ?? [event]) follow(each);
  });
  screen.addEventListener("pointerup", finish);
  screen.addEventListener("pointercancel", finish);
  for (const [name, path] of Object.entries(SAMPLES)) {
    $("samples").append(element("button", { type: "button", onclick: () => {
      last = Array.from({ length: 61 }, (_, i) => [...wobble(path)(i / 60), i / 60]);
      show();
    } }, name));
  }
  for (const choice of document.querySelectorAll("input[name=pace]")) choice.addEventListener("change", show);
  $("snap").addEventListener("click", () => {
    const film = snapped;
    ask("read", { film }).then((reading) => lay({ film, track: reading.track, source: "snap", said: "your path, moved onto the nearest law" }), complain);
  });
}
