"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const frames = Math.max(...Object.values(data).map((task) => task.frames));
  const RATE = 6; // frames per second at speed 1
  let ink = {};

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
    for (const task of tasks) for (const { canvas } of task.canvases) fit(canvas, task.width, task.height);
    player.again();
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

  function show(now) {
    for (const task of tasks) {
      const t = Math.min(now, task.frames - 1), given = task.given[t];
      task.element.dataset.shown = given ? "given" : "hidden";
      task.film.forEach((cell, i) => cell.classList.toggle("now", i === t));
      task.said.textContent = `frame ${t + 1} of ${task.frames}, ${given ? "given" : "hidden"}`;
      for (const canvas of task.canvases) paint(task, canvas, t);
    }
  }

  const player = film({ section: $("clips"), frames, rate: RATE, show });
  $("marks").addEventListener("change", player.again);
  window.addEventListener("resize", measure);
  Promise.all([...document.querySelectorAll("img[id^=sheet]")].map((sheet) => sheet.decode())).then(() => {
    measure();
    player.begin();
  });
})();
