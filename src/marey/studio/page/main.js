// The page begins here: what the server knows, then the parts, each in its module.
import { start as begin } from "/talk.js";
import { again, begin as beginPlaying } from "/show.js";
import * as bench from "/table.js";
import * as make from "/make.js";
import * as draw from "/draw.js";
import * as generate from "/generate.js";
import * as upload from "/upload.js";
import * as read from "/read.js";
import * as hide from "/hide.js";

const PARTS = { make, draw, generate, upload };
const tabs = [...document.querySelectorAll("[role=tab]")];

function open(name) {
  document.body.dataset.tab = name;
  for (const tab of tabs) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    document.getElementById(tab.id.slice(4)).hidden = !chosen;
  }
  bench.complain(null);
  history.replaceState(null, "", `#${name}`);
  PARTS[name].show();
  again();
}

for (const tab of tabs) {
  tab.addEventListener("click", () => open(tab.id.slice(4)));
  tab.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
    next.focus();
    open(next.id.slice(4));
  });
}

try {
  const start = await begin();
  document.getElementById("run").textContent = start.run ?? "no model";
  bench.prepare(start);
  for (const part of [read, hide, draw, generate, upload, make]) part.prepare(start);
  beginPlaying();
  open(PARTS[location.hash.slice(1)] ? location.hash.slice(1) : "make");
  document.body.dataset.ready = "yes";
} catch (error) { bench.complain(error); }
