// Neurons and experts one by one. What is shown is in the address, behind #; data come as scripts, one a layer, from
// the folder beside this one, so that the page works from disk too. All text of the data is inserted as text.
"use strict";
(() => {
  const root = document.getElementById("explorer");
  if (!root) return;
  const FOLDER = new URL("explorer/", document.currentScript.src);
  const FUNCTIONS = { semantic: "word pairs (semantic)", knowledge: "knowledge", task: "tasks" };
  const store = () => window.MODULARITY_EXPLORER ?? {};
  const pending = new Map();

  /** An element with attributes and children; strings become text. */
  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  /** Load a script of data once; `version` tells an old copy in the browser's cache from a new one. */
  function load(key, file, version = "") {
    if (store()[key]) return Promise.resolve(store()[key]);
    if (!pending.has(key)) {
      pending.set(key, new Promise((resolve, reject) => {
        const script = make("script", { src: new URL(file + (version && `?v=${version}`), FOLDER).href });
        const fail = () => { pending.delete(key); script.remove(); reject(new Error(`${file} could not be loaded`)); };
        script.onload = () => (store()[key] ? resolve(store()[key]) : fail());
        script.onerror = fail;
        document.head.append(script);
      }));
    }
    return pending.get(key);
  }

  // ---- State: what the address says, made valid ----

  /** A name as a part of the address, which is letters, digits, - and _ only: the theme takes hashes for selectors. */
  const slug = (name) => name.replace(/[^A-Za-z0-9-]+/g, "--");

  function read(index) {
    const [name, asked, sub, open = ""] = location.hash.slice(1).split("_");
    const model = index.models.find((m) => slug(m.name) === name) ?? index.models[0];
    const layers = Object.keys(model.layers);
    const [, kind, number] = /^([ne])(\d+)$/.exec(open) ?? [];
    return {
      model,
      layer: layers.includes(asked) ? asked : layers[layers.length >> 1],
      sub: Math.max(0, index.subfunctions.findIndex(([of]) => slug(of) === sub)),
      neuron: kind === "n" ? Number(number) : null,
      expert: kind === "e" ? Number(number) : null,
    };
  }

  function address(index, state, changes = {}) {
    const { model, layer, sub, neuron, expert } = { ...state, ...changes };
    const words = [slug(model.name), layer, slug(index.subfunctions[sub][0])];
    if (neuron !== null) words.push(`n${neuron}`);
    if (expert !== null) words.push(`e${expert}`);
    return `#${words.join("_")}`;
  }

  // ---- The parts of the page ----

  const status = make("p", { class: "ex-status", role: "status" });
  const form = make("form", { class: "ex-form", "aria-label": "What is shown" });
  const list = make("div", { class: "ex-list" });
  const card = make("div", { class: "ex-cards" });
  form.addEventListener("submit", (event) => event.preventDefault());
  root.append(form, status, list, card);
  const selects = {};
  let index;
  let drawn = 0; // which drawing is the latest: a slow layer must not overwrite what was chosen after it
  let shown = ""; // the card that is open, as layer and title
  let last = { name: "", time: 0 };

  function select(name, label) {
    const field = make("select", { id: `ex-${name}`, autocomplete: "off" });
    field.addEventListener("change", () => choose(name, field.value));
    form.append(make("div", { class: `ex-field ex-field-${name}` }, make("label", { for: field.id }, label), field));
    return (selects[name] = field);
  }

  function option(value, text) {
    return make("option", { value }, text);
  }

  function choose(name, value) {
    const state = read(index);
    const changes = {
      model: { model: index.models.find((m) => m.name === value), layer: "", neuron: null, expert: null },
      layer: { layer: value, neuron: null, expert: null },
      sub: { sub: Number(value) },
    }[name];
    // Walking through a list with the arrow keys is one step for the back button.
    const walking = last.name === name && performance.now() - last.time < 1000;
    last = { name, time: performance.now() };
    history[walking ? "replaceState" : "pushState"](null, "", address(index, state, changes));
    draw(false);
  }

  const score = (value) => value.toFixed(3);

  /** A small chance: one digit and a power of ten where decimals say nothing. */
  function chance(value) {
    if (value >= 0.0995) return value.toFixed(2);
    if (value >= 0.00095) return value.toFixed(3);
    const [digits, power] = value.toExponential(0).split("e-");
    return `${digits} × 10⁻${[...power].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("")}`;
  }

  const many = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  function link(state, changes, text, attributes = {}) {
    const open = (changes.neuron ?? changes.expert ?? null) !== null;
    const href = address(index, state, open ? { neuron: null, expert: null, ...changes } : changes);
    return make("a", { href, ...attributes }, text);
  }

  const neuronLink = (state, n) => link(state, { neuron: n }, `neuron ${n}`);
  const expertLink = (state, e) => link(state, { expert: e }, `expert ${e}`);
  const subLink = (state, s) => link(state, { sub: s }, index.subfunctions[s][0]);

  function table(caption, head, rows) {
    const cells = (tag, row) => row.map((cell) => make(tag, tag === "th" ? { scope: "col" } : {}, cell));
    const body = rows.map((row) => make("tr", {}, ...cells("td", row)));
    return make("div", { class: "ex-table", tabindex: "0", role: "region", "aria-label": caption },
      make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...cells("th", head))), make("tbody", {}, ...body)));
  }

  function ranking(data, state) {
    const top = data.top[state.sub];
    const [median, best] = data.useless[state.sub];
    const name = index.subfunctions[state.sub][0];
    const short = (what, number) => link(state, { [what]: number }, String(number), { "aria-label": `${what} ${number}` });
    const rows = top.n.map((n, i) =>
      [String(i + 1), short("neuron", n), score(top.s[i]), chance(top.p[i]), chance(top.q[i]), short("expert", data.expert[n])]);
    const made = table(`Top ${many(top.n.length, "neuron")} of layer ${state.layer} for ${name}`, ["rank", "neuron", "predictivity", "p", "q", "expert"], rows);
    made.querySelectorAll("tbody tr").forEach((row, i) => {
      if (top.n[i] === state.neuron) row.querySelector("a").setAttribute("aria-current", "true");
    });
    const floor = `Half of all chance-level neurons reach ${score(median)} here; the best of ${data.expert.length.toLocaleString("en")} of them, as many as the layer has, reaches ${score(best)} on average.`;
    return [made, make("p", { class: "ex-note" }, floor)];
  }

  // ---- Cards ----

  /** Two rows of bars on one axis, label 1 upwards and label 0 downwards; the numbers are in its text alternative. */
  function histogram(counts) {
    const [least, most, ...rest] = counts;
    const bins = rest.length / 2;
    const zeros = rest.slice(0, bins);
    const ones = rest.slice(bins);
    const above = Math.max(...ones);
    const scale = 120 / Math.max(above + Math.max(...zeros), 1);
    const zero = above * scale;
    const svg = (tag, attributes, ...children) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      node.append(...children);
      return node;
    };
    const width = 320 / bins;
    const bar = (count, i, up) => {
      const height = count * scale;
      return svg("rect", { x: i * width + 1, y: up ? zero - height : zero + 2, width: width - 2, height, class: up ? "ex-one" : "ex-zero" });
    };
    const words = (of) => of.join(", ");
    const text = `Sentences in ${bins} equal steps of activation from ${least} to ${most}. Label 1: ${words(ones)}. Label 0: ${words(zeros)}.`;
    const picture = svg("svg", { viewBox: "0 0 320 122", role: "img", "aria-label": text, class: "ex-histogram" },
      ...ones.map((count, i) => bar(count, i, true)), ...zeros.map((count, i) => bar(count, i, false)),
      svg("line", { x1: 0, x2: 320, y1: zero + 1, y2: zero + 1, class: "ex-axis" }));
    const key = (name, label) => make("span", { class: "ex-key" }, make("span", { class: `ex-swatch ${name}` }), label);
    return make("figure", { class: "ex-figure" }, picture,
      make("figcaption", {}, make("span", { class: "ex-range" }, make("span", {}, String(least)), make("span", {}, "strongest activation"), make("span", {}, String(most))),
        key("ex-one", "label 1, upwards"), " ", key("ex-zero", "label 0, downwards")));
  }

  /** Where the neuron's histogram is: in the list of the chosen sub-function, or in the one where it scores highest. */
  function place(data, state, n) {
    const found = data.top.map((top, s) => ({ s, i: top.n.indexOf(n) })).filter(({ i }) => i >= 0);
    found.sort((a, b) => data.top[b.s].s[b.i] - data.top[a.s].s[a.i]);
    return found.find(({ s }) => s === state.sub) ?? found[0];
  }

  function items(...entries) {
    return make("ul", {}, ...entries.map((entry) => make("li", {}, ...[entry].flat())));
  }

  function section(title, ...content) {
    return make("section", {}, make("h4", {}, title), ...content);
  }

  function neuronCard(data, state) {
    const n = state.neuron;
    if (n >= data.expert.length) return [make("p", {}, `Layer ${state.layer} has no neuron ${n}; its neurons are 0 to ${data.expert.length - 1}.`)];
    const found = place(data, state, n);
    const own = data.cards[n];
    const made = [make("p", {}, "In ", expertLink(state, data.expert[n]), ".")];
    if (found) {
      const top = data.top[found.s];
      const where = index.subfunctions[found.s][0];
      made.push(section(`Activations for ${where}`,
        make("p", {}, `Number ${found.i + 1} of the layer: predictivity ${score(top.s[found.i])}, p ${chance(top.p[found.i])}, q ${chance(top.q[found.i])}.`,
          found.s === state.sub ? "" : ` It is not among the top neurons for ${index.subfunctions[state.sub][0]}.`),
        histogram(top.h[found.i])));
    } else {
      made.push(make("p", {}, "It is among the top neurons of no sub-function, so nothing more is kept of it."));
    }
    if (own) {
      const scored = ([s, value]) => [subLink(state, s), ` ${score(value)}`];
      made.push(
        section("Sentences that drive it most", make("ol", { class: "ex-sentences" }, ...own.drive.map(([before, token, after, value]) =>
          make("li", {}, before, make("mark", {}, token), after, make("span", { class: "ex-value" }, ` ${value}`))))),
        make("div", { class: "ex-columns" },
          section("Best sub-functions", items(...own.best.map(scored))),
          section("Worst sub-functions", items(...own.worst.map(scored))),
          section("Neighbours", items(...own.near.map(([m, cosine]) => [neuronLink(state, m), ` ${cosine.toFixed(2)}, `, expertLink(state, data.expert[m])])))));
    } else if (found) {
      made.push(make("p", { class: "ex-note" }, "Sentences and neighbours are kept for the best neuron of each sub-function and for those on most lists; this one is on few."));
    }
    return made;
  }

  function expertCard(data, state) {
    const e = state.expert;
    const expert = data.experts[e];
    if (!expert) return [make("p", {}, `Layer ${state.layer} has no expert ${e}; its experts are 0 to ${data.experts.length - 1}.`)];
    const members = data.expert.flatMap((of, n) => (of === e ? [n] : []));
    const names = [...new Set(index.subfunctions.map(([, name]) => name))];
    const head = ["function", "top neurons", "by chance", "p", "functional"];
    const routed = expert.routed.length > 0;
    const rows = expert.tests.map(([count, mean, p, yes], i) => [names[i], String(count), mean.toFixed(1), chance(p), yes ? "yes" : "no",
      ...(routed ? [`${(100 * expert.routed[i]).toFixed(1)} %`] : [])]);
    const shownHere = new Set(data.top[state.sub].n.filter((n) => data.expert[n] === e));
    const carded = members.filter((n) => data.cards[n]);
    return [
      make("p", {}, `${many(members.length, "neuron")} of ${data.expert.length.toLocaleString("en")}; ${shownHere.size} of them among the top neurons for ${index.subfunctions[state.sub][0]}.`),
      section("Functions", table(`Tests of expert ${e}`, routed ? [...head, "tokens routed to it"] : head, rows),
        make("p", { class: "ex-note" }, routed ? `If all ${data.experts.length} experts were used alike, each would get ${(100 / data.experts.length).toFixed(1)} % of the tokens.`
          : "This model has no router: every token goes through all its neurons.")),
      section("Sub-functions with most top neurons here", items(...expert.top.map(([s, count]) => [subLink(state, s), ` ${count}`]))),
      section("Its neurons with a card", make("p", { class: "ex-members" }, ...carded.flatMap((n, i) => [i ? " " : "", link(state, { neuron: n }, String(n), { "aria-label": `neuron ${n}` })]))),
    ];
  }

  // ---- Drawing ----

  async function draw(focus) {
    const mine = ++drawn;
    const state = read(index);
    selects.model.value = state.model.name;
    const layers = Object.keys(state.model.layers);
    if ([...selects.layer.options].map((o) => o.value).join() !== layers.join()) {
      selects.layer.replaceChildren(...layers.map((layer) => option(layer, layer)));
    }
    selects.layer.value = state.layer;
    selects.sub.value = state.sub;
    const key = `${state.model.name}/${state.layer}`;
    let data;
    try {
      if (!store()[key]) status.textContent = "Loading …";
      data = await load(key, `${state.model.name}-${state.layer}.js`, state.model.layers[state.layer]);
    } catch (error) {
      if (mine === drawn) status.textContent = `${error.message}. Reload the page to try again.`;
      return;
    }
    if (mine !== drawn) return;
    list.replaceChildren(...ranking(data, state));
    const title = state.neuron !== null ? `Neuron ${state.neuron}` : state.expert !== null ? `Expert ${state.expert}` : "";
    const open = title && `${key}:${title}`;
    card.replaceChildren();
    if (title) {
      const heading = make("h3", { tabindex: "-1", id: "ex-card" }, `${title} of layer ${state.layer}`);
      const href = address(index, state, { neuron: null, expert: null });
      const close = make("a", { href, "aria-label": `close the card of ${title.toLowerCase()}` }, "close");
      const content = state.neuron !== null ? neuronCard(data, state) : expertCard(data, state);
      card.append(make("article", { class: "ex-card", "aria-labelledby": "ex-card" }, make("header", {}, heading, close), ...content));
      if (focus && open !== shown) heading.focus();
    } else if (focus && shown) {
      const opener = shown.split(":")[1].toLowerCase();
      (list.querySelector(`a[aria-label="${opener}"]`) ?? list.querySelector("a"))?.focus();
    }
    shown = open;
    const said = `Layer ${state.layer} of ${state.model.name}, ${index.subfunctions[state.sub][0]}`;
    status.textContent = title ? `${said}: ${title.toLowerCase()}.` : `${said}. Choose a neuron or an expert to see its card.`;
  }

  async function start() {
    try {
      index = await load("index", "index.js");
    } catch (error) {
      status.textContent = `${error.message}. Reload the page to try again.`;
      return;
    }
    select("model", "Model").append(...index.models.map(({ name }) => option(name, name)));
    select("layer", "Layer");
    const groups = new Map();
    index.subfunctions.forEach(([name, of], i) => {
      if (!groups.has(of)) groups.set(of, make("optgroup", { label: FUNCTIONS[of] ?? of }));
      groups.get(of).append(option(i, name));
    });
    select("sub", "Sub-function").append(...groups.values());
    if (index.checked) root.append(make("p", { class: "ex-checked" }, index.checked));
    window.addEventListener("popstate", () => draw(true)); // links within the page, back, and an edited address
    await draw(false);
  }

  start();
})();
