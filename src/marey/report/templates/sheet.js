"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  // One colour and one shape for each body (Okabe and Ito's, dark enough for a light page), on a pale edge.
  const BODIES = [["#0072b2", 24], ["#d55e00", 4], ["#007a5a", 3], ["#a8548a", 6]];
  let now = 0, turned = false;

  const samples = [...document.querySelectorAll(".sample")].map((element) => {
    const sample = data.samples[Number(element.dataset.sample)];
    return { ...sample, element, near: true, film: [...element.querySelectorAll(".film i")],
      space: space(element.querySelector(".space"), sample, data.ramp, data.size),
      views: [...element.querySelectorAll(".moving")].map((canvas) => ({
        canvas, paper: canvas.getContext("2d"), strip: canvas.previousElementSibling, camera: Number(canvas.dataset.camera) })) };
  });

  function shape(paper, [x, y], radius, sides, whole) { // a ring or a polygon; broken where the disc is not wholly seen
    paper.setLineDash(whole ? [] : [radius / 3, radius / 3]);
    paper.beginPath();
    for (let i = 0; i < sides; i++) {
      const angle = 2 * Math.PI * (i / sides - 0.25);
      paper[i ? "lineTo" : "moveTo"](x + radius * Math.cos(angle), y + radius * Math.sin(angle));
    }
    paper.closePath();
    paper.stroke();
    paper.setLineDash([]);
  }

  function paint(sample, { canvas, paper, strip, camera }, t) {
    const side = strip.naturalHeight, zoom = canvas.width / data.size, unit = canvas.width / 150;
    paper.imageSmoothingEnabled = false;
    paper.drawImage(strip, t * side, 0, side, side, 0, 0, canvas.width, canvas.height);
    canvas.classList.toggle("is-hidden", sample.seen[camera].some((body) => !body[t]));
    if (!$("tracks").checked) return;
    sample.tracks[camera].forEach((points, body) => {
      const [colour, sides] = BODIES[body % BODIES.length], shown = points.slice(0, t + 1);
      trail(paper, points, zoom, "#fff", 2.6 * unit, 0.6);
      trail(paper, points, zoom, colour, 1.2 * unit, 0.35);
      trail(paper, shown, zoom, colour, 1.4 * unit, 0.95);
      if (!points[t]) return;
      for (const [ink, width] of [["#fff", 4], [colour, 2]]) {
        paper.strokeStyle = ink;
        paper.lineWidth = width * unit;
        const radius = sample.radii[camera][body][t] * zoom + 4 * unit;
        shape(paper, points[t].map((value) => value * zoom), sides > 12 ? radius : 1.25 * radius, sides, sample.seen[camera][body][t]);
      }
    });
  }

  function draw(sample) {
    sample.film.forEach((cell, i) => cell.classList.toggle("now", i === now));
    for (const each of sample.views) paint(sample, each, now);
    sample.space.draw(now);
  }

  function show(t) {
    now = t;
    for (const sample of samples) if (sample.near) draw(sample);
  }

  function measure() {
    for (const { views, space: { canvas } } of samples) {
      for (const each of views) fit(each.canvas, data.size, data.size);
      canvas.width = canvas.height = Math.round((canvas.clientWidth || 200) * Math.min(window.devicePixelRatio || 1, 3));
    }
    player.again();
  }

  function again() { // once a frame, however often the pointer moves
    if (turned) return;
    turned = true;
    requestAnimationFrame(() => { turned = false; player.again(); });
  }

  window.addEventListener("beforeprint", () => { for (const sample of samples) sample.near = true; });
  const player = film({ section: $("clips"), frames: data.frames, rate: data.fps, show });
  $("tracks").addEventListener("change", player.again);
  $("cameras").addEventListener("change", () => { view.cameras = $("cameras").checked; again(); });
  for (const sample of samples) turning(sample.space.canvas, again);
  window.addEventListener("themechange", again);
  window.addEventListener("resize", measure);
  const near = new IntersectionObserver((entries) => { // what is far from the window is drawn when it comes near
    for (const { target, isIntersecting } of entries) {
      const sample = samples[Number(target.dataset.sample)];
      sample.near = isIntersecting;
      if (isIntersecting) draw(sample);
    }
  }, { rootMargin: "300px" });
  Promise.all([...document.querySelectorAll(".view img")].map((strip) => strip.decode())).then(() => {
    measure();
    for (const { element } of samples) near.observe(element);
    player.begin();
  });
})();
