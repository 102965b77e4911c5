// Upload: a video of one's own; what is done to it is said before it is done.
import { upload } from "/talk.js";
import { element } from "/show.js";
import { complain, lay } from "/table.js";
import { ask } from "/talk.js";
import { slider } from "/slide.js";

const $ = (id) => document.getElementById(id);
const CUTS = [
  { name: "start", title: "first frame", unit: "", low: 0, high: 599, whole: true, value: 0 },
  { name: "every", title: "one of", unit: "frames", low: 1, high: 60, whole: true, value: 1 },
  { name: "row", title: "clip number", unit: "npz", low: 0, high: 999, whole: true, value: 0 },
];
let cuts, file = null, current = null, most;

export const show = () => { if (current) current(); };

async function take(cut) {
  $("cut-said").hidden = true;
  try {
    const { film, was, made } = await upload(file, cut);
    const reading = await ask("read", { film });
    complain(null);
    $("cut-said").hidden = false;
    $("cut-said").textContent = `The file holds ${was}. ${made ? `Taken: ${made}.` : "It was taken as it is."}`;
    current = () => lay({ film, track: reading.track, source: "upload", said: `${file.name}${made ? ", cut and shrunk" : ""}` });
    current();
    if (!cut) $("cut").hidden = true;
  } catch (error) {
    complain(error);
    if (!cut) offer(error.message);
  }
}

function offer(sentence) { // a video of another shape can be cut; what is no video cannot
  const other = sentence.startsWith("the file holds");
  $("cut").hidden = !other;
  if (!other) return;
  complain(null);
  $("was").textContent = `${sentence[0].toUpperCase()}${sentence.slice(1)}.`;
}

function receive(files) {
  [file] = files;
  if (!file) return;
  $("cut").hidden = true;
  if (file.size > most) {
    complain(new Error(`the file is ${Math.ceil(file.size / 2 ** 20)} MB; upload at most ${most >> 20} MB`));
    return;
  }
  take(null);
}

export function prepare(start) {
  most = start.most_bytes;
  $("most").textContent = most >> 20;
  cuts = CUTS.map((each) => slider(each, each.value, () => {}));
  $("cuts").replaceChildren(...cuts.map((each) => each.row));
  $("file").addEventListener("change", () => receive($("file").files));
  for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    $("drop").addEventListener(name, (event) => { event.preventDefault(); $("drop").classList.toggle("over", over); });
  }
  $("drop").addEventListener("drop", (event) => receive(event.dataTransfer.files));
  $("cut").addEventListener("submit", (event) => {
    event.preventDefault();
    take({ ...Object.fromEntries(CUTS.map(({ name }, i) => [name, cuts[i].value])), invert: $("invert").checked });
  });
}
