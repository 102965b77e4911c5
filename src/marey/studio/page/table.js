// The clip on the table: shown large, offered to whoever reads clips, taken away as a file.
import { save } from "/talk.js";
import { Screen, again, element, frameOf, pace, watch } from "/show.js";

const $ = (id) => document.getElementById(id);
const readers = [];
const path = { paths: [[]], beads: [[]], cameras: [] };
let screen, solid, seconds = 1, inSpace = false;

export const table = { film: null, track: [], source: null };
export const onTable = (reader) => readers.push(reader);
export const theScreen = () => screen;

export function complain(error) {
  $("error").hidden = !error;
  $("error").textContent = error ? error.message : "";
}

export function prepare(start) {
  seconds = start.seconds;
  screen = new Screen($("screen"));
  solid = space($("space"), path, start.colours, start.shape.size);
  $("camera").addEventListener("change", () => { view.cameras = $("camera").checked; again(); });
  turning($("space"), () => requestAnimationFrame(again));
  watch((share) => { if (inSpace) solid.draw(frameOf(share, path.beads[0].length)); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  window.addEventListener("resize", measure);
  for (const button of $("exports").querySelectorAll("button")) button.addEventListener("click", () => take(button.dataset.kind));
}

function measure() {
  const canvas = $("space");
  canvas.width = canvas.height = Math.round((canvas.clientWidth || 300) * Math.min(window.devicePixelRatio || 1, 3));
  if (inSpace) again();
}

async function take(kind) {
  if (!table.film) return;
  const zoom = kind === "npz" ? 1 : Math.max(1, Math.floor(256 / table.film.size));
  await save({ film: table.film, kind, seconds, zoom }).then(() => complain(null), complain);
}

// source: which tab it comes from. said: its caption. made: of a made motion, its path in space, equation and words.
export function lay({ film, track, source, said, made = null }) {
  Object.assign(table, { film, track, source });
  screen.stroke = null;
  screen.show(film, [{ points: track, ink: "truth" }]);
  $("screen-said").textContent = said;
  inSpace = Boolean(made);
  $("space-figure").hidden = !made;
  $("lens").hidden = !made;
  $("plate-figure").hidden = true;
  if (made) {
    path.paths = [made.path];
    path.beads = [made.beads];
    path.cameras = [made.lens];
    measure();
  }
  $("description").textContent = made ? made.description : "";
  $("equation").replaceChildren(...(made ? made.equation : []).map(line));
  $("equation").title = made ? made.exact : "";
  pace(film.frames, seconds);
  for (const reader of readers) reader(film, track);
}

// All frames on one plate, beside a clip that has no path in space.
export function plated(plate) {
  $("plate").src = plate;
  $("plate-figure").hidden = inSpace;
}

export function line(text) {
  const [left, ...right] = text.split(" = ");
  return element("p", {}, element("b", {}, `${left} = `), right.join(" = ").replaceAll("*", "·"));
}
