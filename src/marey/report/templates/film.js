"use strict";
// What every page of moving clips shares: the clock behind the toolbar, and the trail of a track.

// Plays `frames` frames in step, at `rate` frames per second at speed 1; show(t) draws frame t. Keys work while
// `section` is in view. Returns again() to draw the same frame anew, and begin() to start unless less motion is asked.
function film({ section, frames, rate, show }) {
  const HOLD = 4; // the last frame stays for as long as this many, so that the eye sees where the clip ends
  const $ = (id) => document.getElementById(id);
  const slider = $("frame"), button = $("play");
  let now = 0, playing = false, due = 0, held = 0;

  function put(t) {
    now = t;
    slider.value = now;
    $("where").textContent = `${now + 1} / ${frames}`;
    show(now);
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

  function play(on) {
    if (on === playing) return;
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(on));
    if (on) requestAnimationFrame(tick);
  }

  function step(by) {
    play(false);
    put((now + by + frames) % frames);
  }

  slider.max = frames - 1;
  button.addEventListener("click", () => play(!playing));
  $("back").addEventListener("click", () => step(-1));
  $("forward").addEventListener("click", () => step(1));
  slider.addEventListener("input", () => { play(false); put(Number(slider.value)); });
  window.addEventListener("beforeprint", () => { play(false); put(frames - 1); }); // whole trails on paper
  document.addEventListener("keydown", (event) => {
    const box = section.getBoundingClientRect(), seen = box.top < window.innerHeight && box.bottom > 0;
    if (!seen || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    // Controls keep the keys they use themselves: a button the space bar, the slider and the list everything.
    if (event.target.closest(event.key === " " ? "input, select, button, a, summary" : "input, select")) return;
    const act = { " ": () => play(!playing), ArrowLeft: () => step(-1), ArrowRight: () => step(1) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  return {
    again: () => put(now),
    begin: () => { if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) play(true); },
  };
}

// Gives a canvas as many pixels as its place on the page needs: a whole number for every pixel of the clip.
function fit(canvas, width, height) {
  const wanted = (canvas.clientWidth || 4 * width) * Math.min(window.devicePixelRatio || 1, 3);
  const zoom = Math.max(2, Math.ceil(wanted / width));
  canvas.width = zoom * width;
  canvas.height = zoom * height;
}

// Draws points ([x, y], or null where there is none) as a line with one bead a frame: their spacing is the speed.
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
  for (const point of points) if (point) {
    paper.beginPath();
    paper.arc(point[0] * zoom, point[1] * zoom, 1.7 * unit, 0, 2 * Math.PI);
    paper.fill();
  }
  paper.globalAlpha = 1;
}
