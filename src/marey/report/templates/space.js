"use strict";
// Paths in space: a box in metres, seen in perspective, which the reader turns. All boxes share one view.
const view = { yaw: 0.7, pitch: 0.42, zoom: 1, cameras: false };

function space(canvas, sample, ramp, size) {
  const paper = canvas.getContext("2d"), AXES = [0, 1, 2], EDGE = 1.12, EYE = 5;
  let middle, half, step, colours;

  function frame() { // the cube that holds the paths, and the cameras when they are asked for
    const points = [...sample.paths.flat(), ...(view.cameras ? sample.cameras.map((camera) => camera.at) : [])].filter(Boolean);
    const low = AXES.map((a) => Math.min(...points.map((p) => p[a]))), high = AXES.map((a) => Math.max(...points.map((p) => p[a])));
    middle = AXES.map((a) => (low[a] + high[a]) / 2);
    half = Math.max(...AXES.map((a) => high[a] - low[a])) / 2 || 0.5;
    const power = 10 ** Math.floor(Math.log10(half));
    step = power * ([1, 2, 5].find((m) => m * power >= 0.62 * half) || 10);
  }

  const inBox = (point) => point.map((value, a) => (value - middle[a]) / half);

  function project([x, y, z]) {
    const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
    const right = cy * x + sy * y, ahead = cy * y - sy * x;
    const scale = 1.15 * view.zoom * canvas.width / (EYE + ahead * cp - z * sp);
    return [canvas.width / 2 + right * scale, canvas.width * 0.475 - (z * cp + ahead * sp) * scale];
  }

  function line(points, colour, width, dash = []) {
    paper.strokeStyle = colour;
    paper.lineWidth = width;
    paper.setLineDash(dash);
    paper.beginPath();
    points.forEach((point, i) => paper[i ? "lineTo" : "moveTo"](...project(point)));
    paper.stroke();
  }

  function dot(point, radius, colour) {
    paper.fillStyle = colour;
    paper.beginPath();
    paper.arc(...project(point), radius, 0, 2 * Math.PI);
    paper.fill();
  }

  function time(share) {
    const at = share * (ramp.length - 1), i = Math.min(Math.floor(at), ramp.length - 2);
    return `rgb(${ramp[i].map((value, c) => value + (at - i) * (ramp[i + 1][c] - value)).join(" ")})`;
  }

  function axes(back, unit) { // the three faces behind the paths, ruled at round numbers, and their scales
    const ticks = AXES.map((a) => {
      const out = [];
      for (let k = Math.ceil((middle[a] - EDGE * half) / step); k * step <= middle[a] + EDGE * half; k++) out.push(k * step);
      return out;
    });
    for (const a of AXES) for (const b of AXES) if (a !== b) { // on the face across axis a, rules at the ticks of b
      const c = 3 - a - b;
      for (const value of [...ticks[b].map((t) => (t - middle[b]) / half), -EDGE, EDGE]) {
        const ends = [-EDGE, EDGE].map((end) => { const p = []; p[a] = back[a] * EDGE; p[b] = value; p[c] = end; return p; });
        line(ends, colours.rule, unit);
      }
    }
    paper.font = `${9.5 * unit}px system-ui, sans-serif`;
    paper.textAlign = "center";
    paper.textBaseline = "middle";
    for (const b of AXES) {
      const [a, c] = AXES.filter((other) => other !== b);
      const place = (value, front) => { const p = []; p[b] = value; p[front] = -back[front] * EDGE; p[a + c - front] = back[a + c - front] * EDGE; return p; };
      // the floor's near edges for x and y; for z the upright that stands furthest left
      const front = b < 2 ? a : project(place(0, a))[0] < project(place(0, c))[0] ? a : c;
      const centre = project([0, 0, 0]);
      const write = (text, value, away) => {
        const [x, y] = project(place(value, front)), d = Math.hypot(x - centre[0], y - centre[1]) || 1;
        const room = paper.measureText(text).width / 2; // the words stay on the canvas
        const left = Math.max(room, Math.min(canvas.width - room, x + away * unit * (x - centre[0]) / d));
        paper.fillText(text, left, Math.min(canvas.height - 6 * unit, y + away * unit * (y - centre[1]) / d));
      };
      paper.fillStyle = colours.soft;
      for (const tick of ticks[b]) {
        const at = (tick - middle[b]) / half;
        const along = at * (b < 2 ? back[b] : 1); // no number near the corner where two scales meet, nor near the name
        if (along > -0.82 * EDGE && along < 0.78 * EDGE) write(String(Number(tick.toPrecision(6))).replace("-", "−"), at, 10);
      }
      paper.fillStyle = colours.ink;
      write(sample.axes?.[b] ?? `${"xyz"[b]} m`, (b < 2 ? back[b] : 1) * EDGE, 12);
    }
  }

  function eyes(unit) {
    sample.cameras.forEach((camera, k) => {
      const corners = camera.rays.map((ray) => inBox(camera.at.map((value, a) => value + ray[a] * half * 0.35))), at = inBox(camera.at);
      line([...corners, corners[0]], colours.ink, unit);
      for (const corner of corners) line([at, corner], colours.ink, unit);
      if (sample.cameras.length > 1) paper.fillText(k + 1, ...project(at).map((value, i) => value - 9 * unit * i));
    });
  }

  function draw(t) {
    const style = getComputedStyle(canvas), unit = canvas.width / (canvas.clientWidth || canvas.width);
    colours = { rule: style.getPropertyValue("--rule"), soft: style.getPropertyValue("--soft"), ink: style.getPropertyValue("--ink") };
    frame();
    paper.clearRect(0, 0, canvas.width, canvas.height);
    paper.lineJoin = paper.lineCap = "round";
    const towards = [Math.sin(view.yaw) * Math.cos(view.pitch), -Math.cos(view.yaw) * Math.cos(view.pitch), Math.sin(view.pitch)];
    const back = towards.map((value) => (value > 0 ? -1 : 1)); // the eye is on the other side of these faces
    axes(back, unit);
    const ground = ([x, y]) => [x, y, back[2] * EDGE];
    paper.globalAlpha = 0.5;
    for (const path of sample.paths) line(path.filter(Boolean).map((p) => ground(inBox(p))), colours.soft, 2 * unit);
    paper.globalAlpha = 1;
    sample.paths.forEach((path, body) => {
      const colour = (share) => sample.inks?.[body] ?? time(share); // its own colour, or that of the moment
      const points = path.map((p) => p && inBox(p));
      points.forEach((point, i) => { if (i && point && points[i - 1]) line([points[i - 1], point], colour(i / (points.length - 1)), 2.2 * unit); });
      const beads = sample.beads[body].map((p) => p && inBox(p));
      beads.forEach((bead, i) => bead && dot(bead, 2.5 * unit, colour(i / Math.max(beads.length - 1, 1))));
      const here = beads[t];
      if (!here) return;
      line([here, ground(here)], colours.soft, unit, [3 * unit, 3 * unit]);
      paper.setLineDash([]);
      dot(here, 5.5 * unit, colours.ink);
      dot(here, 3.5 * unit, colour(t / Math.max(beads.length - 1, 1)));
      if (sample.paths.length > 1 && !sample.inks) {
        paper.fillStyle = colours.ink;
        paper.fillText(body + 1, ...project(here).map((value, i) => value + (i ? -11 : 0) * unit));
      }
    });
    if (view.cameras) eyes(unit);
  }

  return { canvas, draw };
}

// Lets pointer and keys on a canvas turn the common view; change() draws it anew.
function turning(canvas, change) {
  const turn = (yaw, pitch, zoom = 1) => {
    view.yaw += yaw;
    view.pitch = Math.max(-1.5, Math.min(1.5, view.pitch + pitch));
    view.zoom = Math.max(0.5, Math.min(4, view.zoom * zoom));
    change();
  };
  let last = null;
  canvas.addEventListener("pointerdown", (event) => { last = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    turn((last[0] - event.clientX) * 0.012, (event.clientY - last[1]) * 0.012);
    last = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, -0.12], ArrowDown: [0, 0.12], "+": [0, 0, 1.15], "-": [0, 0, 1 / 1.15] }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); // and the player leaves the key alone
    turn(...by);
  });
}
