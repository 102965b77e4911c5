// A slider with its number, which are one value.
import { element } from "/show.js";

// wanted: { name, title, unit, low, high, whole }. change() is called whenever the value moves.
export function slider(wanted, value, change) {
  const { title, unit, low, high, whole } = wanted, step = whole ? 1 : "any";
  const range = element("input", { type: "range", min: low, max: high, step, "aria-label": title, "data-name": wanted.name });
  const box = element("input", { type: "number", min: low, max: high, step, "aria-label": `${title}, as a number` });
  const row = element("label", { class: "slider" }, element("span", {}, title), range, box, element("span", {}, unit));
  const neat = (number) => Number(Number(number).toPrecision(4));
  let now = value;
  const put = (number) => { now = number; range.value = number; box.value = neat(number); };
  put(value);
  range.addEventListener("input", () => { now = Number(range.value); box.value = neat(now); change(); });
  box.addEventListener("change", () => {
    const number = Math.min(high, Math.max(low, Number(box.value)));
    put(Number.isFinite(number) ? number : now);
    change();
  });
  return { row, put, get value() { return now; } };
}
