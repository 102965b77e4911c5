// Generate: new clips of a law, each a button that lays it on the table.
import { ask } from "/talk.js";
import { Screen, element } from "/show.js";
import { complain, lay } from "/table.js";
import { slider } from "/slide.js";

const $ = (id) => document.getElementById(id);
const KNOBS = [
  { name: "temperature", title: "temperature", unit: "", low: 0, high: 2, value: 1 },
  { name: "guidance", title: "guidance", unit: "", low: 0, high: 4, value: 0 },
  { name: "drafts", title: "drafts", unit: "each", low: 1, high: 16, whole: true, value: 8 },
  { name: "n", title: "clips", unit: "", low: 1, high: 8, whole: true, value: 4 },
  { name: "seed", title: "seed", unit: "", low: 0, high: 999, whole: true, value: 0 },
];
let knobs, screens = [], current = null;

function put(clip, law, button) {
  for (const each of $("thumbs").children) each.setAttribute("aria-pressed", String(each === button));
  current = () => lay({ film: clip.film, track: clip.track, source: "generate",
    said: `generated as ${law}; the ruler reads ${clip.read ?? "none of the four laws"}` });
  current();
}

export const show = () => { if (current) current(); };

async function go() {
  const law = $("wanted").value;
  $("go").disabled = true;
  $("go").textContent = "Generating …";
  try {
    const wish = { law, ...Object.fromEntries(KNOBS.map(({ name }, i) => [name, knobs[i].value])) };
    const clips = await ask("generate", wish);
    complain(null);
    for (const screen of screens) screen.remove();
    screens = [];
    $("thumbs").replaceChildren(...clips.map((clip) => {
      const canvas = element("canvas", { role: "img", "aria-label": `a generated ${law} clip` });
      const right = clip.read === law;
      const button = element("button", { type: "button", "aria-pressed": "false", onclick: () => put(clip, law, button) },
        canvas, element("span", right ? {} : { class: "wrong" }, clip.read ?? "no law"));
      screens.push(new Screen(canvas));
      return button;
    }));
    clips.forEach((clip, i) => screens[i].show(clip.film, [{ points: clip.track, ink: "model", faint: true }]));
    put(clips[0], law, $("thumbs").firstElementChild);
  } catch (error) { complain(error); }
  $("go").disabled = false;
  $("go").textContent = "Generate";
}

export function prepare(start) {
  $("wanted").replaceChildren(...start.model_laws.map((name) => element("option", { value: name }, name)));
  knobs = KNOBS.map((each) => slider(each, each.value, () => {}));
  $("knobs").replaceChildren(...knobs.map((each) => each.row));
  $("unguided").hidden = !start.unguided;
  $("unguided").textContent = start.run ? `No guidance: ${start.unguided}.` : start.missing;
  if (start.unguided) for (const input of knobs[1].row.querySelectorAll("input")) input.disabled = true;
  $("go").disabled = !start.run;
  $("go").addEventListener("click", go);
}
