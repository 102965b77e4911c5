// Every plot can be kept: as an SVG that stands by itself, or as a PNG of three times its size.
(() => {
  const STYLE = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-family", "font-size", "font-weight", "display"];

  function alone(svg) { // a copy that needs no style sheet, on paper of the page's colour
    const copy = svg.cloneNode(true), box = svg.viewBox.baseVal;
    const [mine, theirs] = [svg, copy].map((root) => [root, ...root.querySelectorAll("*")]);
    mine.forEach((element, i) => {
      const style = getComputedStyle(element);
      theirs[i].setAttribute("style", STYLE.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
      theirs[i].removeAttribute("class");
    });
    const room = 12, paper = document.createElementNS(svg.namespaceURI, "rect");
    const sides = { x: box.x - room, y: box.y - room, width: box.width + 2 * room, height: box.height + 2 * room };
    for (const [name, value] of Object.entries(sides)) paper.setAttribute(name, value);
    paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
    copy.prepend(paper);
    copy.setAttribute("viewBox", Object.values(sides).join(" "));
    copy.setAttribute("width", sides.width);
    copy.setAttribute("height", sides.height);
    return { text: new XMLSerializer().serializeToString(copy), width: sides.width, height: sides.height };
  }

  function keep(url, name) {
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
  }

  const asUri = (text) => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;

  async function asPng({ text, width, height }) {
    const image = new Image(), canvas = document.createElement("canvas");
    image.src = asUri(text);
    await image.decode();
    canvas.width = 3 * width;
    canvas.height = 3 * height;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/png");
  }

  function nameOf(figure) {
    const section = figure.closest("section"), head = figure.closest(".param")?.querySelector("h3").textContent ?? "";
    const words = [document.title.split(" · ")[0], section.id, figure.dataset.task ?? "", figure.dataset.quantity ?? "", head, figure.querySelector("b").textContent];
    return [...new Set(words)].join(" ").trim().replace(/[^\p{L}\p{N}.]+/gu, "-").toLowerCase();
  }

  for (const figure of document.querySelectorAll("figure.chart")) {
    const svg = figure.querySelector("svg"), box = document.createElement("span");
    box.className = "save";
    for (const [kind, save] of [["svg", (plot) => asUri(plot.text)], ["png", asPng]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = kind.toUpperCase();
      button.setAttribute("aria-label", `save ${figure.querySelector("b").textContent} as ${kind.toUpperCase()}`);
      button.addEventListener("click", async () => keep(await save(alone(svg)), `${nameOf(figure)}.${kind}`));
      box.append(button);
    }
    figure.append(box);
  }
})();
