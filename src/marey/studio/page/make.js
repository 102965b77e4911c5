// Make: a law, its parameters and the camera, by sliders; the clip, the path, the equation and the words follow at once.
import { ask, latest } from "/talk.js";
import { element } from "/show.js";
import { complain, lay, table } from "/table.js";
import { slider } from "/slide.js";

const $ = (id) => document.getElementById(id);
const VIEW = [
  { name: "tilt", title: "tilt", unit: "°", low: 0, high: 90 },
  { name: "spin", title: "spin", unit: "°", low: 0, high: 360 },
  { name: "across", title: "across", unit: "of w.", low: -0.5, high: 0.5 },
  { name: "down", title: "down", unit: "of w.", low: -0.5, high: 0.5 },
  { name: "radius", title: "dot's radius", unit: "of w.", low: 0.02, high: 0.2 },
];
let laws, own, parameters = [], view = [];

function motion() {
  const [frames, size] = $("picture").value.split("x").map(Number);
  return { law: $("law").value, values: parameters.map((each) => each.value),
    view: Object.fromEntries(VIEW.map(({ name }, i) => [name, view[i].value])), frames, size };
}

function said({ film, whole }) {
  const out = whole.flatMap((inside, t) => (inside ? [] : [t + 1]));
  const left = out.length ? `; it is cut by the frame's edge, or outside, in frame ${out.join(", ")}` : "";
  return `${film.frames} frames of ${film.size}×${film.size} pixels${left}`;
}

const draw = latest((wanted) => ask("make", wanted), (made) => {
  if (document.body.dataset.tab !== "make") return;
  lay({ film: made.film, track: made.track, source: "make", said: said(made), made });
}, complain);

export const show = () => draw(motion());

function set(values, stand) {
  parameters.forEach((each, i) => each.put(values[i]));
  VIEW.forEach(({ name }, i) => view[i].put(stand[name]));
}

function choose(name) {
  $("law").value = name;
  const law = laws.find((each) => each.name === name);
  parameters = law.sliders.map((each, i) => slider(each, law.start.values[i], show));
  $("parameters").replaceChildren(...parameters.map((each) => each.row));
  set(law.start.values, law.start.view);
  $("unknown").hidden = law.known;
  $("unknown").textContent = `The model has never seen a ${name} motion. It will call it one of its own four all the same.`;
  show();
}

export function prepare(start) {
  ({ laws } = start);
  own = start.shape;
  view = VIEW.map((each) => slider(each, 0, show));
  $("view").replaceChildren(...view.map((each) => each.row));
  $("law").replaceChildren(...laws.map(({ name, known }) => element("option", { value: name }, known ? name : `${name} (not the model's)`)));
  const sizes = [[own.frames, own.size], [16, 64], [32, 128]].filter(([t, s], i, all) => all.findIndex(([u, r]) => u === t && r === s) === i);
  $("picture").replaceChildren(...sizes.map(([t, s], i) => element("option", { value: `${t}x${s}` },
    `${t} frames, ${s} × ${s} px${i ? "" : start.run ? " (the model’s)" : ""}`)));
  $("law").addEventListener("change", () => choose($("law").value));
  $("picture").addEventListener("change", show);
  $("surprise").addEventListener("click", async () => {
    const { law, frames, size } = motion(), seed = Math.floor(Math.random() * 2 ** 31);
    try {
      const drawn = await ask("surprise", { law, seed, frames, size });
      set(drawn.values, drawn.view);
      show();
    } catch (error) { complain(error); }
  });
  choose(laws[1].name);
}
