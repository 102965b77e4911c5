"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const RATE = 6; // frames per second at speed 1
  let ink = {}, now = 0, turned = false;

  const cells = [...document.querySelectorAll(".cell canvas")].map((canvas) => ({
    canvas, paper: canvas.getContext("2d"), kind: canvas.dataset.kind, row: Number(canvas.dataset.row),
    frame: canvas.parentElement, sheet: $(`sheet-${canvas.dataset.kind}`) }));
  const films = [...document.querySelectorAll(".films .film")].map((film) => [...film.querySelectorAll("i")]);
  const spaces = [...document.querySelectorAll(".spaces figure")].map((figure) => {
    const view = data.spaces[Number(figure.dataset.view)], canvas = figure.querySelector("canvas");
    const sample = { paths: [], beads: [], cameras: [], inks: [], axes: ["right", "ahead", "up"] };
    return { view, canvas, sample, said: figure.querySelector("[data-said]"), space: space(canvas, sample, data.ramp, 1) };
  });

  function measure() {
    const style = getComputedStyle(document.documentElement);
    // The clips keep their own white page in both themes, so the marks keep the colours that read on white.
    ink = { truth: style.getPropertyValue("--truth-ink").trim(), model: style.getPropertyValue("--model-ink").trim() };
    for (const { canvas } of cells) fit(canvas, data.width, data.height);
    for (const { canvas } of spaces) canvas.width = canvas.height = Math.round((canvas.clientWidth || 260) * Math.min(window.devicePixelRatio || 1, 3));
    player.again();
  }

  function mark(paper, truth, point, zoom, unit) {
    const x = point[0] * zoom, y = point[1] * zoom, r = (truth ? 12 : 7) * unit;
    paper.lineWidth = 1.6 * unit;
    paper.beginPath();
    if (truth) paper.arc(x, y, r, 0, 2 * Math.PI);
    else { paper.moveTo(x - r, y - r); paper.lineTo(x + r, y + r); paper.moveTo(x - r, y + r); paper.lineTo(x + r, y - r); }
    paper.stroke();
  }

  function paint({ canvas, paper, kind, row, sheet, frame }, t) {
    const zoom = canvas.width / data.width, unit = canvas.width / 120; // marks grow with the picture
    frame.dataset.shown = data.given[kind][t] ? "given" : "hidden";
    paper.imageSmoothingEnabled = false;
    paper.drawImage(sheet, t * data.width, row * data.height, data.width, data.height, 0, 0, canvas.width, canvas.height);
    if (!$("marks").checked) return;
    for (const side of kind === "truth" || kind === "generate" ? [kind] : ["truth", kind]) {
      const points = data.tracks[side][row], truth = side === "truth", faint = side !== kind;
      paper.strokeStyle = ink[truth ? "truth" : "model"];
      trail(paper, points.slice(0, t + 1), zoom, paper.strokeStyle, 1.3 * unit, faint ? 0.4 : 0.85);
      if (points[t] && !faint) mark(paper, truth, points[t], zoom, unit);
    }
    if (!data.tracks[kind][row][t]) {
      paper.fillStyle = ink.model;
      paper.font = `600 ${14 * unit}px system-ui, sans-serif`;
      paper.fillText("lost", 5 * unit, canvas.height - 6 * unit);
    }
  }

  function choosePaths() { // the true path, and that of the law read from one task's pixels
    for (const { view, sample, said } of spaces) {
      const task = $("space-task").value, model = view.paths[task], both = [view.paths.truth, ...(model ? [model] : [])];
      sample.paths = both;
      sample.beads = both.map((path) => path.filter((_, i) => i % ((path.length - 1) / (view.frames - 1)) === 0));
      said.textContent = model ? `read as ${view.said[task]}` : "no law fits";
    }
    again();
  }

  function show(t) {
    now = t;
    films.forEach((film) => film.forEach((cell, i) => cell.classList.toggle("now", i === t)));
    for (const cell of cells) paint(cell, t);
    const style = getComputedStyle(document.documentElement);
    for (const { sample, space } of spaces) {
      sample.inks = [style.getPropertyValue("--truth"), style.getPropertyValue("--model")];
      space.draw(t);
    }
  }

  function again() { // once a frame, however often the pointer moves
    if (turned) return;
    turned = true;
    requestAnimationFrame(() => { turned = false; player.again(); });
  }

  const player = film({ section: $("clips"), frames: data.frames, rate: RATE, show });
  $("marks").addEventListener("change", player.again);
  window.addEventListener("resize", measure);
  window.addEventListener("themechange", again);
  window.matchMedia("print").addEventListener("change", () => player.again()); // paper is light
  for (const { canvas } of spaces) turning(canvas, again);
  if (spaces.length) {
    $("space-choice").hidden = false;
    $("space-task").addEventListener("change", choosePaths);
    choosePaths();
  }
  Promise.all([...document.querySelectorAll("img[id^=sheet]")].map((sheet) => sheet.decode())).then(() => {
    measure();
    player.begin();
  });
})();
