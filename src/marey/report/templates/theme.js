// The switch between a light and a dark page; until it is used the reader's own setting holds.
(() => {
  const root = document.documentElement, button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.textContent = dark() ? "light page" : "dark page";
    button.setAttribute("aria-pressed", String(dark()));
    window.dispatchEvent(new Event("themechange")); // what is drawn by script takes the new colours
  };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; show(); });
  system.addEventListener("change", show);
  show();
})();
