// What the reader may choose: the order of the clips, one law, and which part of the budget is shown.
(() => {
  const $ = (id) => document.getElementById(id);
  const cases = [...document.querySelectorAll(".case")];

  function arrange() {
    const order = $("order").value, by = $("by").value, law = $("law").value, sign = order === "worst" ? -1 : 1;
    const key = (element) => (order === "drawn" ? 0 : sign * Number(element.dataset[by]));
    const number = (element) => Number(element.dataset.number);
    $("by").disabled = order === "drawn";
    $("cases").append(...cases.toSorted((a, b) => key(a) - key(b) || number(a) - number(b)));
    for (const element of cases) element.hidden = Boolean(law) && element.dataset.law !== law;
    const name = $("by").selectedOptions[0].textContent, count = cases.filter((element) => !element.hidden).length;
    $("ordered").textContent = `${count} clips, ${order === "drawn" ? "as drawn" : `${order} ${name} first`}`;
  }
  for (const id of ["order", "by", "law"]) $(id).addEventListener("change", arrange);

  if ($("split")) {
    const split = () => {
      let shown = 0;
      for (const panel of $("split-panels").children) {
        panel.hidden = panel.dataset.task !== $("split-task").value || panel.dataset.quantity !== $("split-quantity").value;
        shown += !panel.hidden;
      }
      $("split-none").hidden = shown > 0;
    };
    $("split").hidden = false;
    for (const id of ["split-task", "split-quantity"]) $(id).addEventListener("change", split);
    split();
  }
})();
