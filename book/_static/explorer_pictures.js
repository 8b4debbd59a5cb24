// The two pictures of the explorer: one neuron's activations, and the ranking of its layer. Text stays text.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  /** An element with attributes and children; strings become text. */
  const make = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
  const key = (name, ...label) => make("span", { class: "ex-key" }, make("span", { class: `ex-swatch ${name}` }), ...label);

  /** Two rows of bars on one axis, label 1 upwards and label 0 downwards; the numbers are in its text alternative. */
  function histogram(counts, [zero, one]) {
    const [least, most, ...rest] = counts;
    const bins = rest.length / 2;
    const zeros = rest.slice(0, bins);
    const ones = rest.slice(bins);
    const above = Math.max(...ones);
    const scale = 120 / Math.max(above + Math.max(...zeros), 1);
    const axis = above * scale;
    const width = 320 / bins;
    const bar = (count, i, up) => {
      const height = count * scale;
      return svg("rect", { x: i * width + 1, y: up ? axis - height : axis + 2, width: width - 2, height, class: up ? "ex-one" : "ex-zero" });
    };
    const text = `Sentences in ${bins} equal steps of activation from ${least} to ${most}. ${one}: ${ones.join(", ")}. ${zero}: ${zeros.join(", ")}.`;
    const picture = svg("svg", { viewBox: "0 0 320 122", role: "img", "aria-label": text, class: "ex-histogram" },
      ...ones.map((count, i) => bar(count, i, true)), ...zeros.map((count, i) => bar(count, i, false)),
      svg("line", { x1: 0, x2: 320, y1: axis + 1, y2: axis + 1, class: "ex-axis" }));
    const ends = [String(least), "strongest activation", String(most)].map((end) => make("span", {}, end));
    return make("figure", { class: "ex-figure" }, picture,
      make("figcaption", {}, make("span", { class: "ex-range" }, ...ends), key("ex-one", one, ", upwards"), " ", key("ex-zero", zero, ", downwards")));
  }

  /** From and to where an axis of scores goes, in steps: whole tenths, or twentieths where these are few. */
  function axisOf(values) {
    const low = Math.min(5, Math.floor(10 * Math.min(...values))) / 10;
    const high = Math.max(Math.ceil(10 * Math.max(...values) - 1e-9) / 10, low + 0.1);
    const step = high - low < 0.25 ? 0.05 : 0.1;
    const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step);
    return { low, high, ticks };
  }

  /**
   * A row and a dot for each top neuron, the best on top, and what chance gives.
   * `chosen` is the neuron that is marked, `inside` says of a neuron whether it is in the expert that is shown,
   * and `open` is called with a neuron that is clicked on; by keyboard the table does the same.
   */
  function ranking(top, [median, best], neurons, { chosen, inside, open }) {
    const [left, right, start] = [30, 312, 20];
    const row = Math.min(18, Math.max(9, 260 / top.n.length));
    const end = start + row * top.n.length;
    const { low, high, ticks } = axisOf([...top.s, median, best]);
    const x = (value) => left + ((value - low) / (high - low)) * (right - left);
    const y = (i) => start + row * (i + 0.5);
    const label = (attributes, text) => svg("text", attributes, text);
    const line = (value, name) => svg("line", { x1: x(value), x2: x(value), y1: start - 4, y2: end, class: name });
    const rows = top.n.map((n, i) => {
      const marked = n === chosen;
      const name = ["ex-dot", marked && "ex-chosen", inside(n) && "ex-inside"].filter(Boolean).join(" ");
      const near = x(top.s[i]) > (left + right) / 2;
      return svg("g", { class: "ex-row", "data-neuron": n },
        svg("title", {}, `neuron ${n}, ${top.s[i].toFixed(3)}`),
        svg("rect", { x: left, y: y(i) - row / 2, width: right - left, height: row, class: "ex-hit" }),
        svg("circle", { cx: x(top.s[i]), cy: y(i), r: marked ? 6 : 4, class: name }),
        marked ? label({ x: x(top.s[i]) + (near ? -10 : 10), y: y(i) + 4, "text-anchor": near ? "end" : "start" }, `neuron ${n}`) : null);
    });
    const late = x(best) > (left + right) / 2;
    const text = `Dots for the predictivities of the ${top.n.length} top neurons, from ${top.s[0].toFixed(3)} of neuron ${top.n[0]} to ${top.s.at(-1).toFixed(3)} of neuron ${top.n.at(-1)}. `
      + `Half of all chance-level neurons reach ${median.toFixed(3)}; the best of ${neurons} of them reaches ${best.toFixed(3)} on average. The table below has every number.`;
    const picture = svg("svg", { viewBox: `0 0 320 ${end + 42}`, role: "img", "aria-label": text, class: "ex-ranking" },
      ...ticks.map((tick) => line(tick, "ex-grid")),
      ...ticks.map((tick) => label({ x: x(tick), y: end + 16, "text-anchor": "middle" }, tick.toFixed(high - low < 0.25 ? 2 : 1))),
      label({ x: (left + right) / 2, y: end + 36, "text-anchor": "middle" }, "predictivity"),
      label({ x: left - 8, y: y(0) + 4, "text-anchor": "end" }, "1"),
      label({ x: left - 8, y: y(top.n.length - 1) + 4, "text-anchor": "end" }, String(top.n.length)),
      line(median, "ex-median"), line(best, "ex-best"),
      label({ x: x(best) + (late ? 4 : -4), y: start - 8, "text-anchor": late ? "end" : "start" }, "chance, best of the layer"),
      ...rows);
    picture.addEventListener("click", (event) => {
      const hit = event.target.closest("[data-neuron]");
      if (hit) open(Number(hit.dataset.neuron));
    });
    return picture;
  }

  (window.MODULARITY_EXPLORER ??= {}).pictures = { make, key, histogram, ranking };
})();
