// What the clip on the table is: by the ruler, and by the model; and how both go on where frames are hidden.
import { ask, latest } from "/talk.js";
import { Screen, element, number } from "/show.js";
import { onTable, plated, table } from "/table.js";
import { told } from "/draw.js";

const $ = (id) => document.getElementById(id);
const TASKS = [["continues", "It continues", "the first frames are given"], ["fills", "It fills the middle", "both ends are given"]];
let screens = [], rows;

const px = (value) => (value === null ? "lost" : `${number(value)} px`);

function showReading(reading) {
  told(reading);
  plated(reading.plate);
  if (!reading.law) {
    $("ruler").replaceChildren(element("p", { class: "verdict" }, "no law"), element("p", { class: "aside" }, `${reading.why}.`));
    return;
  }
  $("ruler").replaceChildren(
    element("p", { class: "verdict" }, reading.law, " ", element("small", {}, `${number(reading.residual, 2)} px from its track, rms`)),
    element("ul", { class: "quantities" }, ...reading.quantities.map((each) => element("li", {}, each))),
    element("p", { class: "aside" }, "Lengths are in ball radii: one camera cannot tell a small near ball from a large far one."));
}

function showOpinion({ laws, probability, continues, fills }) {
  const best = probability.indexOf(Math.max(...probability));
  const bars = element("div", { class: "bars" });
  laws.forEach((law, i) => {
    const bar = element("b"), share = `${(100 * probability[i]).toFixed(1)} %`, mark = i === best ? "best" : "";
    bar.style.width = `${100 * probability[i]}%`;
    bars.append(element("span", { class: mark }, law), element("i", {}, bar), element("span", { class: `num ${mark}` }, share));
  });
  $("opinion").replaceChildren(element("p", { class: "verdict" }, laws[best]), bars);
  [continues, fills].forEach((answer, i) => showAnswer(rows[i], answer));
}

function showAnswer({ of, losses }, answer) {
  const trail = (points, ink, faint = false) => ({ points, ink, faint });
  of[0].show(table.film, [trail(table.track, "truth")], answer.given);
  of[1].show(answer.film, [trail(table.track, "truth", true), trail(answer.track, "model")], answer.given);
  of[2].canvas.parentElement.hidden = !answer.law;
  if (answer.law) of[2].show(answer.law.film, [trail(table.track, "truth", true), trail(answer.law.track, "law")], answer.given);
  const name = answer.law && (answer.law.fits ? `the fitted law, ${answer.law.law}`
    : `the nearest law, ${answer.law.law}: none fits the given frames to the ruler's error (${number(answer.law.off, 2)} px off)`);
  const lines = [["the model", answer.error, "m"], ...(answer.law ? [[name, answer.law.error, "l"]] : [["no law: the dot was lost", null, "l"]]),
    [answer.given.at(-1) ? "straight across" : "straight on", answer.straight, ""]];
  losses.replaceChildren(element("caption", {}, "mean distance in the hidden frames"), ...lines.map(([what, value, ink]) => element("tr", {}, element("td", { class: ink }, what), element("td", { class: "n" }, px(value)))));
}

function lay() { // two rows of three screens
  rows = TASKS.map(([, title, how]) => {
    const figures = [["the clip", "t"], ["the model", "m"], ["the fitted law", "l"]].map(([what, ink]) => {
      const canvas = element("canvas", { role: "img", "aria-label": `${title}: ${what}` });
      return [canvas, element("figure", {}, canvas, element("figcaption", { class: ink }, what))];
    });
    const losses = element("table", { class: "misses" });
    const head = element("h3", {}, title, element("span", { class: "aside" }, how));
    $("answer-rows").append(element("div", { class: "film-row" }, head, ...figures.map(([, figure]) => figure), losses));
    return { of: figures.map(([canvas]) => new Screen(canvas)), losses };
  });
}

const sentence = (where) => (error) => { if (error) where.replaceChildren(element("p", { class: "aside" }, `${error.message}.`)); };

export function prepare(start) {
  const read = latest((film) => ask("read", { film }), showReading, (error) => { sentence($("ruler"))(error); if (error) told(null); });
  if (start.run) {
    lay();
    const judge = latest((film) => ask("ask", { film }), (opinion, film) => {
      $("answers").classList.remove("busy");
      if (film === table.film) showOpinion(opinion);
    }, (error) => {
      $("answer-rows").hidden = Boolean(error);
      sentence($("opinion"))(error);
    });
    onTable((film) => { $("answers").classList.add("busy"); judge(film); });
  } else {
    sentence($("opinion"))(new Error(start.missing.replace(/\.$/, "")));
    $("answers").hidden = true;
  }
  onTable((film) => read(film));
}
