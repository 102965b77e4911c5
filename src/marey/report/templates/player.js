"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const section = $("clips"), slider = $("frame"), button = $("play");
  const frames = Math.max(...Object.values(data).map((task) => task.frames));
  const HOLD = 4; // the last frame stays for as long as this many, so that the eye sees where the clip ends
  const RATE = 6; // frames per second at speed 1
  let now = 0, playing = false, ink = {};

  const tasks = [...document.querySelectorAll(".task")].map((element) => {
    const name = element.dataset.task;
    return { ...data[name], element, marks: { truth: data[name].truth, model: data[name].model },
      film: [...element.querySelectorAll(".film i")], said: element.querySelector("[data-now]"),
      canvases: [...element.querySelectorAll("canvas")].map((canvas) => ({
        canvas, paper: canvas.getContext("2d"), kind: canvas.dataset.kind, row: Number(canvas.dataset.row),
        sheet: $(`sheet-${name}-${canvas.dataset.kind}`) })) };
  });

  function measure() {
    const style = getComputedStyle(document.documentElement);
    // The clips keep their own white page in both themes, so the marks keep the colours that read on white.
    ink = { truth: style.getPropertyValue("--truth-ink").trim(), model: style.getPropertyValue("--model-ink").trim() };
    for (const task of tasks) for (const { canvas } of task.canvases) {
      const wanted = (canvas.clientWidth || 4 * task.width) * Math.min(window.devicePixelRatio || 1, 3);
      const zoom = Math.max(2, Math.ceil(wanted / task.width)); // a whole number: every pixel of the clip the same size
      canvas.width = zoom * task.width;
      canvas.height = zoom * task.height;
    }
    show();
  }

  function trail(paper, points, zoom, colour, unit, alpha) {
    paper.strokeStyle = colour;
    paper.lineWidth = unit;
    paper.lineJoin = paper.lineCap = "round";
    paper.globalAlpha = alpha;
    paper.beginPath();
    let pen = false;
    for (const point of points) {
      if (point) paper[pen ? "lineTo" : "moveTo"](point[0] * zoom, point[1] * zoom);
      pen = Boolean(point);
    }
    paper.stroke();
    paper.fillStyle = colour;
    for (const point of points) if (point) { // one bead a frame: their spacing is the speed
      paper.beginPath();
      paper.arc(point[0] * zoom, point[1] * zoom, 1.7 * unit, 0, 2 * Math.PI);
      paper.fill();
    }
    paper.globalAlpha = 1;
  }

  function mark(paper, kind, point, zoom, unit, radius) {
    const x = point[0] * zoom, y = point[1] * zoom, r = radius * unit;
    paper.strokeStyle = ink[kind];
    paper.lineWidth = 1.6 * unit;
    paper.beginPath();
    if (kind === "truth") paper.arc(x, y, r, 0, 2 * Math.PI);
    else { paper.moveTo(x - r, y - r); paper.lineTo(x + r, y + r); paper.moveTo(x - r, y + r); paper.lineTo(x + r, y - r); }
    paper.stroke();
  }

  function paint(task, { canvas, paper, kind, row, sheet }, t) {
    const zoom = canvas.width / task.width, unit = canvas.width / 120; // marks grow with the picture
    paper.imageSmoothingEnabled = false;
    paper.clearRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(sheet, t * task.width, row * task.height, task.width, task.height, 0, 0, canvas.width, canvas.height);
    if (!$("marks").checked) return;
    for (const side of kind === "truth" ? ["truth"] : ["truth", "model"]) {
      if (!task.marks[side]) continue;
      const points = task.marks[side][row], faint = side !== kind;
      trail(paper, points.slice(0, t + 1), zoom, ink[side], 1.3 * unit, faint ? 0.4 : 0.85);
      if (points[t] && !faint) mark(paper, side, points[t], zoom, unit, side === "truth" ? 12 : 7);
    }
    if (task.marks[kind] && !task.marks[kind][row][t]) {
      paper.fillStyle = ink.model;
      paper.font = `600 ${12 * unit}px system-ui, sans-serif`;
      paper.fillText("lost", 5 * unit, canvas.height - 6 * unit);
    }
  }

  function show() {
    for (const task of tasks) {
      const t = Math.min(now, task.frames - 1), given = task.given[t];
      task.element.dataset.shown = given ? "given" : "hidden";
      task.film.forEach((cell, i) => cell.classList.toggle("now", i === t));
      task.said.textContent = `frame ${t + 1} of ${task.frames}, ${given ? "given" : "hidden"}`;
      for (const canvas of task.canvases) paint(task, canvas, t);
    }
    slider.value = now;
    $("where").textContent = `${now + 1} / ${frames}`;
  }

  let due = 0, held = 0;
  function tick(time) {
    if (!playing) return;
    if (time >= due) {
      due = time + 1000 / (RATE * Number($("speed").value));
      if (now < frames - 1) { now += 1; held = 0; show(); }
      else if (++held >= HOLD) { now = 0; held = 0; show(); }
    }
    requestAnimationFrame(tick);
  }

  function play(on) {
    if (on === playing) return;
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(on));
    if (on) requestAnimationFrame(tick);
  }

  function step(by) {
    play(false);
    now = (now + by + frames) % frames;
    show();
  }

  slider.max = frames - 1;
  button.addEventListener("click", () => play(!playing));
  $("back").addEventListener("click", () => step(-1));
  $("forward").addEventListener("click", () => step(1));
  slider.addEventListener("input", () => { play(false); now = Number(slider.value); show(); });
  $("marks").addEventListener("change", show);
  window.addEventListener("resize", measure);
  window.addEventListener("beforeprint", () => { play(false); now = frames - 1; show(); }); // whole trails on paper
  document.addEventListener("keydown", (event) => {
    const box = section.getBoundingClientRect(), seen = box.top < window.innerHeight && box.bottom > 0;
    if (!seen || event.ctrlKey || event.metaKey || event.altKey) return;
    // Controls keep the keys they use themselves: a button the space bar, the slider and the list everything.
    if (event.target.closest(event.key === " " ? "input, select, button, a, summary" : "input, select")) return;
    const act = { " ": () => play(!playing), ArrowLeft: () => step(-1), ArrowRight: () => step(1) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  Promise.all([...document.querySelectorAll("img[id^=sheet]")].map((sheet) => sheet.decode())).then(() => {
    measure();
    if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) play(true);
  });
})();
