// Filters of the ledger: the matrix and the claims below it show what is chosen. Without scripts, all is shown.
(() => {
  const table = document.querySelector("table.ledger-matrix");
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const text = element => element.textContent.trim();
  const verdictOf = cell => text(cell.querySelector(".unseen"));
  const CLAIM = 1, MODELS = 2; // columns

  const form = document.createElement("form");
  form.className = "ledger-filter";
  form.setAttribute("aria-label", "Show only some claims");
  const choice = (name, all, values) => {
    const field = document.createElement("div");
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.id = label.htmlFor = `ledger-${form.childElementCount}`;
    for (const value of [all, ...values]) select.append(new Option(value, value === all ? "" : value));
    label.append(name);
    field.append(label, select);
    form.append(field);
    return select;
  };
  const place = choice("Place in the paper", "all places", new Set(rows.map(row => text(row.cells[0]))));
  const model = choice("Model", "all models", heads.slice(MODELS).map(text));
  const said = [...table.querySelectorAll(".ledger-sign")].map(sign => verdictOf(sign.closest("td")));
  const verdict = choice("Verdict", "all verdicts", new Set(said));
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  table.closest(".pst-scrollable-table-container")?.before(form, status) ?? table.before(form, status);

  const show = () => {
    const shown = heads.map((head, i) => i < MODELS || !model.value || text(head) === model.value);
    heads.forEach((head, i) => { head.hidden = !shown[i]; });
    let number = 0;
    for (const row of rows) {
      const cells = [...row.cells];
      cells.forEach((cell, i) => { cell.hidden = !shown[i]; });
      const words = cells.slice(MODELS).filter(cell => !cell.hidden).map(verdictOf);
      const asked = words.some(word => verdict.value ? word === verdict.value : !model.value || word !== "not tested");
      row.hidden = !asked || (place.value && text(cells[0]) !== place.value);
      number += !row.hidden;
      const block = document.getElementById(row.cells[CLAIM].querySelector("a").hash.slice(1));
      if (block) block.hidden = row.hidden;
    }
    for (const section of document.querySelectorAll("section:has(> .claim)"))
      section.hidden = ![...section.querySelectorAll(":scope > .claim")].some(block => !block.hidden);
    status.textContent = `${number} of ${rows.length} claims`;
  };
  form.addEventListener("change", show);
  form.addEventListener("submit", event => event.preventDefault());
  show();
})();
