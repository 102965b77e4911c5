// Clips on canvases, all in step: one clock, which every screen follows in its own number of frames.

const HOLD = 4; // the last frame stays for as long as this many
const $ = (id) => document.getElementById(id);
const screens = new Set(), watchers = new Set();
let frames = 2, rate = 8, now = 0, playing = false, due = 0, held = 0;

export const inks = { truth: "#0072b2", model: "#d55e00", law: "#00805d" };

export function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.filter((each) => each !== null));
  return made;
}

const share = () => (frames > 1 ? now / (frames - 1) : 0);

function put(t) {
  now = t;
  $("frame").value = now;
  $("where").textContent = `${now + 1} / ${frames}`;
  for (const screen of screens) screen.draw();
  for (const watcher of watchers) watcher(share());
}

function tick(time) {
  if (!playing) return;
  if (time >= due) {
    due = time + 1000 / (rate * Number($("speed").value));
    if (now < frames - 1) { held = 0; put(now + 1); }
    else if (++held >= HOLD) { held = 0; put(0); }
  }
  requestAnimationFrame(tick);
}

export function play(on) {
  if (on === playing) return;
  playing = on;
  $("play").textContent = on ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", String(on));
  if (on) requestAnimationFrame(tick);
}

function step(by) { play(false); put((now + by + frames) % frames); }

// count: frames of the clip on the table, which the slider goes through. seconds: from its first to its last.
export function pace(count, seconds) {
  const at = share();
  frames = count;
  rate = (count - 1) / seconds;
  $("frame").max = frames - 1;
  put(Math.round(at * (frames - 1)));
}

export const watch = (watcher) => { watchers.add(watcher); watcher(share()); };
export const again = () => put(now);
export const frameOf = (at, count) => Math.round(at * (count - 1));

export function begin() {
  $("play").addEventListener("click", () => play(!playing));
  $("back").addEventListener("click", () => step(-1));
  $("forward").addEventListener("click", () => step(1));
  $("frame").addEventListener("input", () => { play(false); put(Number($("frame").value)); });
  $("trails").addEventListener("change", again);
  window.addEventListener("resize", () => { for (const screen of screens) screen.measure(); again(); });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(event.key === " " ? "input, select, button, a, summary" : "input, select, [role=tab]")) return;
    const act = { " ": () => play(!playing), ArrowLeft: () => step(-1), ArrowRight: () => step(1) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) play(true);
}

// The frames of a film as pictures of its own size.
function unpack({ frames: count, size, channels, pixels }) {
  const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0)), area = size * size;
  return Array.from({ length: count }, (_, t) => {
    const image = new ImageData(size, size);
    for (let i = 0; i < area; i++) for (let c = 0; c < 4; c++) {
      image.data[4 * i + c] = c === 3 ? 255 : bytes[(t * area + i) * channels + (channels === 3 ? c : 0)];
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  });
}

export class Screen {
  // A canvas that shows a film in step with all others. fixed: one frame, not the clock's.
  constructor(canvas, fixed = null) {
    Object.assign(this, { canvas, fixed, paper: canvas.getContext("2d"), pictures: [], trails: [], given: null, stroke: null });
    screens.add(this);
  }

  // trails: [{ points, ink, faint }] in pixels. given: which frames were not hidden; null if nothing was.
  show(film, trails = [], given = null) {
    Object.assign(this, { film, trails, given, pictures: film ? unpack(film) : [] });
    this.measure();
    this.draw();
  }

  measure() {
    if (!this.film) return;
    const wanted = (this.canvas.clientWidth || 120) * Math.min(window.devicePixelRatio || 1, 3);
    this.zoom = Math.max(2, Math.ceil(wanted / this.film.size));
    const side = this.zoom * this.film.size;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
  }

  draw() {
    const { canvas, paper, pictures, zoom } = this;
    if (!pictures.length) return;
    const t = this.fixed ?? frameOf(share(), pictures.length), unit = canvas.width / Math.max(canvas.clientWidth, 90);
    if (this.stroke) { // a path that is being drawn, on an empty page
      paper.fillStyle = "#fff";
      paper.fillRect(0, 0, canvas.width, canvas.height);
      this.#line(this.stroke, inks.truth, 2 * unit);
      return;
    }
    paper.imageSmoothingEnabled = false;
    paper.drawImage(pictures[t], 0, 0, canvas.width, canvas.height);
    if (this.given) {
      canvas.classList.toggle("is-given", this.given[t]);
      canvas.classList.toggle("is-hidden", !this.given[t]);
    }
    if ($("trails").checked) for (const each of this.trails) this.#trail(each, t, unit);
  }

  #line(points, colour, width) {
    const { paper, zoom } = this;
    paper.strokeStyle = colour;
    paper.lineWidth = width;
    paper.lineJoin = paper.lineCap = "round";
    paper.beginPath();
    let pen = false;
    for (const point of points) {
      if (point) paper[pen ? "lineTo" : "moveTo"](point[0] * zoom, point[1] * zoom);
      pen = Boolean(point);
    }
    paper.stroke();
  }

  #trail({ points, ink, faint }, t, unit) {
    const { paper, zoom } = this, colour = inks[ink], shown = points.slice(0, t + 1);
    paper.globalAlpha = faint ? 0.35 : 0.9;
    this.#line(shown, colour, 1.3 * unit);
    paper.fillStyle = colour;
    for (const point of shown) if (point) {
      paper.beginPath();
      paper.arc(point[0] * zoom, point[1] * zoom, 2 * unit, 0, 2 * Math.PI);
      paper.fill();
    }
    paper.globalAlpha = 1;
    if (points[t] || faint) return;
    paper.fillStyle = inks.model;
    paper.font = `600 ${12 * unit}px system-ui, sans-serif`;
    paper.fillText("lost", 5 * unit, this.canvas.height - 6 * unit);
  }

  remove() { screens.delete(this); }
}

export const number = (value, digits = 3) => (value === null ? "–" : Number(value.toPrecision(digits)).toString().replace("-", "−"));
