// Neurons and experts one by one. What is shown is in the address, behind #; data come as scripts, one a layer, from
// the folder beside this one, so that the page works from disk too. All text of the data is inserted as text.
"use strict";
(() => {
  const FOLDER = new URL("explorer/", document.currentScript.src);
  const FUNCTIONS = { semantic: "word pairs (semantic)", knowledge: "knowledge", task: "tasks" };
  const store = () => window.MODULARITY_EXPLORER ?? {};
  const pending = new Map();

  /** Load a script of data once; `version` tells an old copy in the browser's cache from a new one. */
  function load(key, file, version = "") {
    if (store()[key]) return Promise.resolve(store()[key]);
    if (!pending.has(key)) {
      pending.set(key, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(file + (version && `?v=${version}`), FOLDER).href;
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

  /** What the address says; where it says nothing of the kind, what the page opens with, or the middle layer. */
  function read(index) {
    const { start } = index;
    const [name, asked, sub, open = ""] = location.hash.slice(1).split("_");
    const called = (wanted) => index.models.find((m) => m.name === wanted);
    const model = index.models.find((m) => slug(m.name) === name) ?? called(start.model) ?? index.models[0];
    const layers = Object.keys(model.layers);
    const usual = model.name === start.model && layers.includes(start.layer) ? start.layer : layers[layers.length >> 1];
    const [, kind, number] = /^([ne])(\d+)$/.exec(open) ?? [];
    const wanted = index.subfunctions.findIndex(([of]) => slug(of) === sub);
    const first = index.subfunctions.findIndex(([of]) => of === start.subfunction);
    const known = (s) => model.subfunctions.includes(s);
    return {
      model,
      layer: layers.includes(asked) ? asked : usual,
      sub: [wanted, first].find(known) ?? model.subfunctions[0],
      unread: wanted >= 0 && !known(wanted) ? wanted : null,
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

  let make, key, histogram, ranking; // of explorer_pictures.js
  let form, status, card, all;
  const selects = {};
  let index;
  let drawn = 0; // which drawing is the latest: a slow layer must not overwrite what was chosen after it
  let shown = ""; // the card that is open
  let last = { name: "", time: 0 };

  function parts(root) {
    status = make("p", { class: "ex-status", role: "status" });
    form = make("form", { class: "ex-form", "aria-label": "What is shown" });
    card = make("div", { class: "ex-cards" });
    all = make("details", { class: "ex-all" }, make("summary"), make("div"));
    form.addEventListener("submit", (event) => event.preventDefault());
    root.append(form, status, card, all);
  }

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
    const kept = state.unread ?? state.sub; // a model that reads it may be chosen next
    const changes = {
      model: { sub: kept, model: index.models.find((m) => m.name === value), layer: "", neuron: null, expert: null },
      layer: { layer: value, neuron: null, expert: null },
      sub: { sub: Number(value), neuron: null },
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

  /** The picture's numbers, with a link to each neuron's and expert's card; a column of equal chances is one sentence. */
  function ranked(data, state) {
    const top = data.top[state.sub];
    const name = index.subfunctions[state.sub][0];
    const short = (what, number) => link(state, { [what]: number }, String(number), { "aria-label": `${what} ${number}` });
    const chances = ["p", "q"].map((which) => [which, top[which].map(chance)]);
    const columns = chances.filter(([, values]) => new Set(values).size > 1);
    const equal = chances.filter(([, values]) => new Set(values).size === 1).map(([which, [value]]) => `${which} is ${value}`);
    const rows = top.n.map((n, i) =>
      [String(i + 1), short("neuron", n), score(top.s[i]), ...columns.map(([, values]) => values[i]), short("expert", data.expert[n])]);
    const caption = `Top ${many(top.n.length, "neuron")} of layer ${state.layer} for ${name}`;
    const made = table(caption, ["rank", "neuron", "predictivity", ...columns.map(([which]) => which), "expert"], rows);
    made.querySelectorAll("tbody tr").forEach((row, i) => {
      if (top.n[i] === state.neuron) row.querySelector("a").setAttribute("aria-current", "true");
    });
    return equal.length ? [made, make("p", { class: "ex-note" }, `For each of them ${equal.join(" and ")}.`)] : [made];
  }

  /** The layer's ranking, with the neuron marked that is shown, or those of the expert. */
  function picture(data, state) {
    const top = data.top[state.sub];
    const [median, best] = data.useless[state.sub];
    const neurons = data.expert.length.toLocaleString("en");
    const open = (n) => { location.hash = address(index, state, { neuron: n, expert: null }).slice(1); };
    const inside = (n) => state.expert !== null && data.expert[n] === state.expert;
    const dots = ranking(top, [median, best], neurons, { chosen: state.neuron, inside, open });
    return make("figure", { class: "ex-figure" }, dots, make("figcaption", {},
      `The ${many(top.n.length, "top neuron")} of layer ${state.layer}, the best on top. `,
      key("ex-best", `${score(best)}, what the best of ${neurons} chance-level neurons, as many as the layer has, reaches on average`), " ",
      key("ex-median", `${score(median)}, what half of all chance-level neurons reach`)));
  }

  // ---- Cards ----

  /** What the labels 0 and 1 stand for. */
  function labels(sub) {
    const [name, of] = index.subfunctions[sub];
    const [one, zero] = name.split("/");
    if (of === "semantic") return [`${zero} hidden (label 0)`, `${one} hidden (label 1)`];
    return of === "knowledge" ? ["false statement (label 0)", "true statement (label 1)"] : ["label 0", "label 1"];
  }

  /** Where the neuron's histogram is: in the list of the chosen sub-function, or in the one where it scores highest. */
  function listing(data, state, n) {
    const found = Object.entries(data.top).map(([s, top]) => ({ s: Number(s), i: top.n.indexOf(n) })).filter(({ i }) => i >= 0);
    found.sort((a, b) => data.top[b.s].s[b.i] - data.top[a.s].s[a.i]);
    return found.find(({ s }) => s === state.sub) ?? found[0];
  }

  function items(...entries) {
    return make("ul", {}, ...entries.map((entry) => make("li", {}, ...[entry].flat())));
  }

  function section(title, ...content) {
    return make("section", {}, make("h3", {}, title), ...content);
  }

  /** Links to the figures of the book that have this neuron or expert in them. */
  function uses(state, isOf, found) {
    const [name, of] = found ? index.subfunctions[found.s] : ["", ""];
    const fits = (wanted, value) => wanted === "" || wanted === value;
    const figures = state.model.uses.filter((use) => isOf.includes(use.of)
      && fits(use.layer, state.layer) && fits(use.function, of) && fits(use.subfunction, name));
    if (!figures.length) return null;
    return section("Where the book uses it", items(...figures.map((use) => [make("a", { href: use.address }, use.title), `: ${use.says}.`])));
  }

  /** A neuron's card: what is beside the ranking, and what is below. */
  function neuronCard(data, state) {
    const n = state.neuron;
    if (n >= data.expert.length) return [[make("p", {}, `Layer ${state.layer} has no neuron ${n}; its neurons are 0 to ${data.expert.length - 1}.`)], []];
    const found = listing(data, state, n);
    const own = data.cards[n];
    const beside = [];
    if (found) {
      const top = data.top[found.s];
      const where = index.subfunctions[found.s][0];
      const here = found.s === state.sub;
      beside.push(make("p", {}, here ? "" : `It is not among the top neurons for ${index.subfunctions[state.sub][0]}. `,
        `Number ${found.i + 1} of the layer for ${where}: predictivity ${score(top.s[found.i])}, q ${chance(top.q[found.i])}. In `, expertLink(state, data.expert[n]), "."));
      beside.push(histogram(top.h[found.i], labels(found.s)));
    } else {
      beside.push(make("p", {}, "It is among the top neurons of no sub-function, so nothing more is kept of it. In ", expertLink(state, data.expert[n]), "."));
    }
    const below = [];
    if (own) {
      const scored = ([s, value]) => [subLink(state, s), ` ${score(value)}`];
      beside.push(section("Sentences that drive it most", make("ol", { class: "ex-sentences" }, ...own.drive.map(([before, token, after, value]) =>
        make("li", {}, before, make("mark", {}, token), after, make("span", { class: "ex-value" }, ` ${value}`))))));
      below.push(
        make("div", { class: "ex-columns" },
          section("Best sub-functions", items(...own.best.map(scored))),
          section("Worst sub-functions", items(...own.worst.map(scored))),
          section("Neighbours", items(...own.near.map(([m, cosine]) => [neuronLink(state, m), ` ${cosine.toFixed(2)}, `, expertLink(state, data.expert[m])])))));
    } else if (found) {
      beside.push(make("p", { class: "ex-note" }, "Sentences and neighbours are kept for fewer neurons than are ranked, and not for this one."));
    }
    if (found) below.unshift(uses(state, found.i === 0 ? ["best", "top"] : ["top"], found));
    return [beside, below];
  }

  function expertCard(data, state) {
    const e = state.expert;
    const expert = data.experts[e];
    if (!expert) return [[make("p", {}, `Layer ${state.layer} has no expert ${e}; its experts are 0 to ${data.experts.length - 1}.`)], []];
    const members = data.expert.flatMap((of, n) => (of === e ? [n] : []));
    const names = [...new Set(index.subfunctions.map(([, name]) => name))];
    const head = ["function", "top neurons", "by chance", "p", "functional"];
    const routed = expert.routed.length > 0;
    const rows = expert.tests.map(([count, mean, p, yes], i) => [names[i], String(count), mean.toFixed(1), chance(p), yes ? "yes" : "no",
      ...(routed ? [`${(100 * expert.routed[i]).toFixed(1)} %`] : [])]);
    const shownHere = new Set(data.top[state.sub].n.filter((n) => data.expert[n] === e));
    const carded = members.filter((n) => data.cards[n]);
    const held = ([s, count]) => [state.model.subfunctions.includes(s) ? subLink(state, s) : index.subfunctions[s][0], ` ${count}`];
    return [
      [
        make("p", {}, `${many(members.length, "neuron")} of ${data.expert.length.toLocaleString("en")}; ${shownHere.size} of them among the top neurons for ${index.subfunctions[state.sub][0]}.`),
        section("Functions", table(`Tests of expert ${e}`, routed ? [...head, "tokens routed to it"] : head, rows),
          make("p", { class: "ex-note" }, routed ? `If all ${data.experts.length} experts were used alike, each would get ${(100 / data.experts.length).toFixed(1)} % of the tokens.`
            : "This model has no router: every token goes through all its neurons.")),
      ],
      [
        uses(state, ["expert"], null),
        section("Sub-functions with most top neurons here", items(...expert.top.map(held))),
        section("Its neurons with a card", make("p", { class: "ex-members" }, ...carded.flatMap((n, i) => [i ? " " : "", link(state, { neuron: n }, String(n), { "aria-label": `neuron ${n}` })]))),
      ],
    ];
  }

  // ---- Drawing ----

  /** Put what can be chosen into a list, unless it is there already. */
  function offer(field, ...options) {
    const flat = (nodes) => nodes.flatMap((node) => (node.tagName === "OPTGROUP" ? [...node.children] : [node])).map((node) => node.value).join();
    if (flat([...field.children]) !== flat(options)) field.replaceChildren(...options);
  }

  function grouped(numbers) {
    const groups = new Map();
    for (const i of numbers) {
      const [name, of] = index.subfunctions[i];
      if (!groups.has(of)) groups.set(of, make("optgroup", { label: FUNCTIONS[of] ?? of }));
      groups.get(of).append(option(i, name));
    }
    return groups.values();
  }

  async function draw(focus) {
    const mine = ++drawn;
    const asked = read(index);
    selects.model.value = asked.model.name;
    offer(selects.layer, ...Object.keys(asked.model.layers).map((layer) => option(layer, layer)));
    offer(selects.sub, ...grouped(asked.model.subfunctions));
    selects.layer.value = asked.layer;
    selects.sub.value = asked.sub;
    const file = `${asked.model.name}/${asked.layer}`;
    let data;
    try {
      if (!store()[file]) status.textContent = "Loading …";
      data = await fetched(asked);
    } catch (error) {
      if (mine === drawn) status.textContent = `${error.message}. Reload the page to try again.`;
      return;
    }
    if (mine !== drawn) return;
    const best = data.top[asked.sub].n[0];
    const state = asked.expert === null ? { ...asked, neuron: asked.neuron ?? best } : asked;
    const name = index.subfunctions[state.sub][0];
    const title = state.expert !== null ? `Expert ${state.expert}` : `Neuron ${state.neuron}`;
    const [beside, below] = state.expert !== null ? expertCard(data, state) : neuronCard(data, state);
    const isBest = state.neuron === best;
    const heading = make("h2", { tabindex: "-1", id: "ex-card" }, isBest ? `${title}, the best of layer ${state.layer} for ${name}` : `${title} of layer ${state.layer}`);
    const back = isBest ? null : link(state, { neuron: null, expert: null }, `the best neuron for ${name}`);
    card.replaceChildren(make("article", { class: "ex-card", "aria-labelledby": "ex-card" }, make("header", {}, heading, back),
      make("div", { class: "ex-picture" }, make("div", {}, ...beside), picture(data, state)), ...below.filter(Boolean)));
    all.firstElementChild.textContent = `The ${many(data.top[state.sub].n.length, "top neuron")} as a table, with their experts`;
    all.lastElementChild.replaceChildren(...ranked(data, state));
    const open = `${file}:${title}`;
    if (focus && (open !== shown || document.activeElement === document.body)) heading.focus();
    shown = open;
    const unread = state.unread === null ? "" : `${index.subfunctions[state.unread][0]} is not among the sub-functions that ${state.model.name} has read for this page. `;
    status.textContent = `${unread}Layer ${state.layer} of ${state.model.name}, ${name}: ${title.toLowerCase()}${isBest ? ", the best" : ""}.`;
    // What benchmarks/bench_explorer.py reads: the end of the frame in which the first picture is.
    if (mine === 1) requestAnimationFrame(() => setTimeout(() => performance.mark("explorer-drawn")));
  }

  const fetched = ({ model, layer }) => load(`${model.name}/${layer}`, `${model.name}-${layer}.js`, model.layers[layer]);

  /** The part of the page that is filled, once it is there: this script runs before; null on another page. */
  function place() {
    const found = () => document.getElementById("explorer");
    return new Promise((resolve) => {
      if (found() || document.readyState !== "loading") return resolve(found());
      const watch = new MutationObserver(() => found() && (watch.disconnect(), resolve(found())));
      watch.observe(document, { childList: true, subtree: true });
      document.addEventListener("DOMContentLoaded", () => resolve(found()));
    });
  }

  async function start() {
    const loaded = Promise.all([load("pictures", "../explorer_pictures.js"), load("index", "index.js")]);
    loaded.then(([, listed]) => fetched(read(listed))).catch(() => {}); // said where it is waited for
    const root = await place();
    if (!root) return;
    try {
      [{ make, key, histogram, ranking }, index] = await loaded;
    } catch (error) {
      root.append(`${error.message}. Reload the page to try again.`);
      return;
    }
    parts(root);
    select("model", "Model").append(...index.models.map(({ name }) => option(name, name)));
    select("layer", "Layer");
    select("sub", "Sub-function");
    if (index.checked) root.append(make("p", { class: "ex-checked" }, index.checked));
    window.addEventListener("popstate", () => draw(true)); // links within the page, back, and an edited address
    await draw(false);
  }

  start();
})();
