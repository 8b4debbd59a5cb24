"""The explorer: its data are what the library computes, and its page is used by keyboard, link and back button."""

import json
import os
import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from axe_playwright_python.base import AXE_SCRIPT
from browsing import THE_REST, run_axe
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.experiments import example, experiment, stored_scores
from companion.experiments.shipped_readings import asked
from companion.explorer import cards as explorer_cards
from companion.explorer import data as explorer
from companion.explorer import layers, pages, uses
from companion.functions import shipped_chance, tracks
from companion.models import catalogue
from modularity import capture, chance, experts, identity, moefication, neurons, specialists, stored_file

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


@pytest.fixture(scope="module")
def few():
    """Six sub-functions of twelve sentences."""
    return tracks.load_all(per_class=6, limit=2)


@pytest.fixture(scope="module")
def made(untrained, few, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODULARITY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield of_model(untrained, few, draws=3000), stored_scores.of_model(untrained, few)


def of_model(model, subfunctions, **options):
    """What the page shows of a model whose experts are judged by the same sub-functions."""
    members = specialists.top_neurons(stored_scores.of_model(model, subfunctions))
    return layers.shown(model, dict(enumerate(subfunctions)), moefication.experts(model), members, **options)


# The data


def test_the_list_is_a_direct_computation(made, few):
    data, scores = made
    assert list(data) == [0, 1, 2, 3]
    null = np.sort(shipped_chance.chance_level(6, 6, draws=3000))
    for layer, s in np.ndindex(4, len(few)):
        row = scores.to_numpy()[s, layer]
        top = np.argsort(-row, kind="stable")[:12]
        p = (1 + (null[:, None] >= row - chance.ROUNDING).sum(0)) / 3001
        q = chance.q_values(p)
        listed = data[layer]["top"][s]
        assert listed["n"] == top.tolist()
        for key, values in (("s", row), ("p", p), ("q", q)):
            np.testing.assert_allclose(listed[key], values[top], rtol=0.006)
        assert sorted(listed["q"]) == listed["q"]
        assert data[layer]["useless"][s][0] == pytest.approx(np.median(null), abs=0.001)


def test_histograms_count_every_sentence(made, few, untrained):
    data, _ = made
    bins = explorer_cards.BINS
    pooled = capture.pooled_activations(untrained, few[0].sentences).sel(layer=2).to_numpy()
    listed = data[2]["top"][0]
    for n, (least, most, *counts) in zip(listed["n"], listed["h"], strict=True):
        assert sum(counts[:bins]) == sum(counts[bins:]) == 6
        assert (least, most) == pytest.approx((pooled[:, n].min(), pooled[:, n].max()), rel=0.006)


def test_a_histogram_by_hand():
    counts = explorer_cards.histogram(np.array([0, 0, 1, 0.95, 0.5]), np.array([0, 1, 1, 1, 0]))
    assert counts == [0, 1, *[1, 0, 0, 0, 0, 1, 0, 0, 0, 0], *[1, 0, 0, 0, 0, 0, 0, 0, 0, 2]]
    assert explorer_cards.histogram(np.zeros(4), np.array([0, 1, 1, 1]))[:3] == [0, 0, 1]  # a neuron that never fires


def test_the_sentences_are_those_of_the_highest_activations(made, few, untrained):
    texts = layers.sentences(few)
    assert texts == list(dict.fromkeys(text for s in few for text in s.sentences))
    pooled = capture.pooled_activations(untrained, texts)
    for layer, of_layer in made[0].items():
        for n, card in list(of_layer["cards"].items())[::9]:
            column = pooled.sel(layer=layer)[:, n].to_numpy()
            np.testing.assert_allclose([value for *_, value in card["drive"]], np.sort(column)[::-1][:3], rtol=0.006)
            np.testing.assert_allclose(
                column[[k for k, *_ in card["drive"]]], [value for *_, value in card["drive"]], rtol=0.006
            )


def test_the_driving_token_is_a_part_of_its_sentence(made, few, untrained):
    texts = layers.sentences(few)
    for card in list(made[0][1]["cards"].values())[::9]:
        for k, start, length, name, value in card["drive"]:
            text = explorer_cards.spelt(texts[k], untrained.gap)
            before, token, after, shown = explorer_cards.cut(text, start, length, name, value)
            assert token
            assert shown == value
            assert max(len(before), len(after)) <= explorer_cards.WINDOW + 1
            assert before.removeprefix("…") + ("" if name else token) + after.removesuffix("…") in text


def test_a_sentence_is_cut_around_its_token():
    assert explorer_cards.cut("The cat sat.", 4, 3, "", 2.5) == ["The ", "cat", " sat.", 2.5]
    assert explorer_cards.cut("The cat sat.", 12, 0, "</s>", 1) == ["The cat sat.", "</s>", "", 1]
    long = "a" * 70 + "token" + "b" * 70
    assert explorer_cards.cut(long, 70, 5, "", 1) == ["…" + "a" * 60, "token", "b" * 60 + "…", 1]


def test_of_equal_sentences_the_first_is_kept():
    most, where = np.full((2, 2), -np.inf, np.float32), np.full((2, 2), -1)
    layers.keep_strongest(most, where, np.array([[1, 5], [3, 4], [3, 4]], np.float32), np.array([7, 8, 9]))
    assert most.tolist() == [[3, 5], [3, 4]]
    assert where.tolist() == [[8, 7], [9, 8]]
    layers.keep_strongest(most, where, np.array([[3, 6]], np.float32), np.array([10]))
    assert where.tolist() == [[8, 10], [9, 7]]  # not the equal one that comes later


def test_cards_are_bounded_and_name_the_best_the_worst_and_the_neighbours(made, untrained):
    data, scores = made
    weights = neurons.layers(untrained)[1].input_weights.numpy()
    cards = data[1]["cards"]
    assert {top["n"][0] for top in data[1]["top"].values()} <= set(cards)
    assert len(cards) <= explorer_cards.CARDS
    n, card = next(iter(cards.items()))
    column = scores.to_numpy()[:, 1, n]
    assert [s for s, _ in card["best"]] == np.argsort(-column, kind="stable")[:5].tolist()
    assert column[card["worst"][0][0]] == column.min()
    cosine = (weights @ weights[n]) / np.linalg.norm(weights, axis=1) / np.linalg.norm(weights[n])
    cosine[n] = -1
    assert [m for m, _ in card["near"]] == np.argsort(-cosine)[:5].tolist()


def test_without_others_only_the_best_neurons_have_cards(untrained, few):
    data = of_model(untrained, few[:2], draws=300, others=0)
    for of_layer in data.values():
        assert set(of_layer["cards"]) == {top["n"][0] for top in of_layer["top"].values()}


def test_sub_functions_keep_their_numbers(made, untrained, few):
    members = specialists.top_neurons(stored_scores.of_model(untrained, few))
    data = layers.shown(untrained, {4: few[4]}, moefication.experts(untrained), members, draws=3000, others=0)
    for layer, of_layer in data.items():
        assert of_layer["top"] == {4: made[0][layer]["top"][4]}
        assert of_layer["experts"] == made[0][layer]["experts"]  # judged by all, not only by what is read
        assert {s for card in of_layer["cards"].values() for s, _ in card["best"]} == {4}


def test_carded_are_the_best_first_and_then_the_frequent():
    assert explorer_cards.carded(np.array([[5, 1, 2], [9, 2, 7], [5, 2, 8]]), 3) == [2, 5, 9]
    assert explorer_cards.carded(np.array([[5, 1, 2], [9, 2, 7]]), 1) == [5, 9]  # never less than the best


def test_experts_are_those_of_the_permutation_null(made, untrained):
    data, scores = made
    groups = moefication.experts(untrained)
    tested = experts.functional_experts(specialists.top_neurons(scores), groups, null="permutation")
    for layer in data:
        assert data[layer]["expert"] == groups.sel(layer=layer).to_numpy().tolist()
        for e, shown in enumerate(data[layer]["experts"]):
            here = tested.sel(layer=layer).isel(expert=e)
            assert [row[0] for row in shown["tests"]] == here["count"].to_numpy().tolist()
            assert [row[3] for row in shown["tests"]] == here["functional"].to_numpy().astype(int).tolist()
            assert shown["routed"] == []


def test_every_function_routes_all_its_tokens(few):
    routed = explorer_cards.shares_of_experts(catalogue.load("switch-mini"), few)
    assert list(routed) == [1, 3]
    for of_layer in routed.values():
        assert list(of_layer) == ["semantic", "knowledge", "task"]
        assert all(sum(shares) == pytest.approx(1, abs=0.01) for shares in of_layer.values())


@pytest.fixture(scope="module")
def shipped(made, few):
    """The data of one model as they are shipped, of six sub-functions."""
    cards = explorer.Cards(models=("t5-mini",), subfunctions=tuple(few))
    data = json.loads(json.dumps(made[0]))
    text = np.frombuffer(json.dumps(data).encode(), np.uint8)
    whole, _ = cards.assemble(lambda _cell: xr.Dataset({"data": ("byte", text)}))
    return cards, whole, data


def test_the_shipped_file_has_everything(shipped, tmp_path):
    cards, whole, data = shipped
    text = np.frombuffer(json.dumps(data).encode(), np.uint8)
    _, encoding = cards.assemble(lambda _cell: xr.Dataset({"data": ("byte", text)}))
    stored_file.write(tmp_path / "x.zarr.zip", whole, {}, encoding)
    read = stored_file.read_dataset(tmp_path / "x.zarr.zip")
    assert explorer.unpacked(read, "t5-mini") == data
    assert read["gap"].sel(model="t5-mini") == "<extra_id_0>"


@pytest.fixture
def recheck(shipped, few, untrained, monkeypatch):
    """How far the data, changed by a function, are off, for a sub-function."""
    cards, whole, data = shipped
    drawn = shipped_chance.chance_level(6, 6, draws=3000)
    monkeypatch.setattr(shipped_chance, "chance_level", lambda *_sizes: drawn)
    monkeypatch.setattr(catalogue, "load", lambda _name: untrained)
    digest = identity.weights(untrained.module)

    def off(change=lambda _data: None, i=0):
        copied = json.loads(json.dumps(data))
        change(copied)
        now = explorer.packed("t5-mini", copied).assign_coords(whole.coords)
        return cards.again(now.assign_coords(weights=("model", [digest])), ("t5-mini", few[i].name, i))

    return off


def test_a_model_that_is_not_here_is_not_rechecked(shipped, few, monkeypatch):
    cards, whole, _ = shipped

    def missing(_name):
        raise FileNotFoundError("t5-mini is not installed; run `make base`")

    monkeypatch.setattr(catalogue, "load", missing)
    checked = experiment.recheck(cards, whole, cards.probes(whole))
    assert (
        str(checked)
        == "explorer: shipped, not rechecked; not rechecked here: t5-mini is not installed; run `make base`"
    )


def test_shipped_data_are_found_again(recheck, few):
    assert max(recheck(i=i) for i in range(len(few))) < 0.005


def put(path, value):
    """A change of one value of layer 1."""

    def change(data):
        *way, last = path
        place = data["1"]
        for step in way:
            place = place[step] if step != "card" else place["cards"][str(data["1"]["top"]["0"]["n"][0])]
        place[last] = value

    return change


@pytest.mark.parametrize(
    "path",
    [
        ("top", "0", "s", 0),
        ("top", "0", "s", -1),
        ("top", "0", "p", -1),
        ("top", "0", "q", 3),
        ("top", "0", "h", 2, 4),
        ("card", "near", 1, 1),
        ("card", "drive", 0, 4),
    ],
)
def test_whatever_is_wrong_is_found(recheck, path):
    assert recheck(put(path, 9 if "h" in path else 0.321)) > explorer.Cards().tolerance


def test_bins_of_a_neuron_that_stays_off_are_let_pass(recheck):
    """They count rounding errors, which another processor makes otherwise."""

    def off(data):
        _, _, *counts = data["1"]["top"]["0"]["h"][2]
        data["1"]["top"]["0"]["h"][2] = [0.0, 5e-5, *counts[::-1]]
        assert counts != counts[::-1]

    assert recheck(off) < 0.005


def test_a_neuron_that_is_left_out_is_found(recheck):
    def leave_out(data):
        top = data["1"]["top"]["0"]
        for values in top.values():
            values[0] = values[-1]

    assert recheck(leave_out) > explorer.Cards().tolerance


def test_data_of_another_model_or_of_other_sentences_are_found(shipped, few):
    cards, whole, _ = shipped
    other = whole.assign_coords(weights=("model", ["another"]))
    assert np.isnan(cards.again(other, ("t5-mini", few[0].name, 0)))
    turned = replace(cards, subfunctions=tuple(few[::-1]))
    assert np.isnan(turned.again(whole, ("t5-mini", few[0].name, 0)))


def slug(name):
    """As the page's script writes names into the address."""
    return re.sub(r"[^A-Za-z0-9-]+", "--", name)


def test_no_two_names_are_one_in_the_address():
    for names in ([s.name for s in tracks.load_all(per_class=1)], explorer.MODELS):
        assert len({slug(name) for name in names}) == len(names)


def test_the_books_data_are_small():
    files = sorted((ROOT / "executed/explorer").glob("*.js"))
    if not files:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the explorer has no data: run make book")
    assert max(file.stat().st_size for file in files) < 600_000
    assert sum(file.stat().st_size for file in files) < 12_000_000


# The page


@pytest.fixture(scope="module")
def data(few, tmp_path_factory):
    """The data of two models, and what they hold."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODULARITY_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(
            shipped_chance, "chance_level", lambda p, n, draws: np.sort(np.random.default_rng(0).uniform(0.4, 0.9, 999))
        )
        shown = {}
        for name in catalogue.MINI:
            model = catalogue.load(name)
            of_layers = json.loads(json.dumps(of_model(model, few)))
            shown[name] = pages.Shown(of_layers, dict(enumerate(few)), model.gap)
        pages.write(folder, shown, few, "explorer: shipped and rechecked")
    read = {}
    for file in folder.glob("*.js"):
        key, text = re.fullmatch(r'\(window\.\w+ \?\?= {}\)\["(.+?)"\] = (.*);\n', file.read_text("utf-8")).groups()
        read[key] = json.loads(text)
    return folder, read


def build(source, folder):
    """A book of two pages with the extension: where its pages are, and the warnings."""
    (source / "book").mkdir(parents=True)
    (source / "conf.py").write_text(
        f"extensions = ['myst_parser', 'explorer']\nhtml_static_path = [{str(ROOT / 'book/_static')!r}]\n"
        "exclude_patterns = ['executed']\nhtml_theme = 'basic'\n"
    )
    (source / "index.md").write_text("# Book\n\n```{toctree}\nbook/explorer\n```\n")
    page = (ROOT / "book/explorer.md").read_text(encoding="utf-8")
    (source / "book/explorer.md").write_text(re.sub(r"\[\]\((\.\./notebooks/\w+\.ipynb|data\.md)\)", "a page", page))
    if folder:
        shutil.copytree(folder, source / "executed/explorer")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "book/_ext"))
        # In a namespace: what a build registers would be there for the next test.
        with (source / "warnings").open("w+") as log, docutils_namespace():
            app = Sphinx(source, source, source / "html", source / "trees", "html", status=None, warning=log)
            app.build(force_all=True)
            log.seek(0)
            warnings = log.read()
    sys.modules.pop("explorer", None)
    return source / "html", warnings


@pytest.fixture(scope="module")
def html(data, tmp_path_factory):
    pages, warnings = build(tmp_path_factory.mktemp("site") / "source", data[0])
    assert warnings == ""
    return pages


def test_only_the_explorers_page_has_its_script(html):
    page = (html / "book/explorer.html").read_text()
    scripts = re.findall(r'<script src="[^"]*?(explorer[\w/]*\.js)', page)
    assert scripts == ["explorer/index.js", "explorer_pictures.js", "explorer.js"]  # what it needs before it
    assert len(re.findall(r"explorer[\w/]*\.js\?v=\w+", page)) == 3  # an old copy in a browser's cache is not taken
    assert "explorer.css" in page
    assert not re.search(r"explorer\.(js|css)", (html / "index.html").read_text())
    assert (html / "_static/explorer/t5-mini-2.js").is_file()


def test_missing_data_are_warned_of(tmp_path):
    _, warnings = build(tmp_path / "source", None)
    assert "the explorer has no data: make book makes it" in warnings


@pytest.fixture
def errors():
    """What scripts complain of; a test that provokes it takes it out again."""
    return []


@pytest.fixture
def page(browser, html, errors):
    """The page, opened from disk; at its end it has asked nobody else and made no error."""
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto((html / "book/explorer.html").as_uri())
    page.wait_for_selector("#explorer article")
    yield page
    assert [r for r in requests if not r.startswith(("file:", "data:"))] == []
    assert errors == []
    context.close()


def state(page):
    """What the address holds behind #."""
    return page.evaluate("location.hash.slice(1)")


def shown(data, page, sub=0):
    """What the data have of the layer and sub-function that the page shows."""
    model, layer = state(page).split("_")[:2] if state(page) else ("t5-mini", "2")
    return data[1][f"{model}/{layer}"], str(sub)


def test_the_table_shows_the_data(page, data):
    of_layer, sub = shown(data, page)
    top = of_layer["top"][sub]
    page.locator("#explorer summary").click()
    head = page.locator("#explorer .ex-all th").all_inner_texts()
    rows = [row.locator("td").all_inner_texts() for row in page.locator("#explorer .ex-all tbody tr").all()]
    columns = dict(zip(head, zip(*rows, strict=True), strict=True))
    assert columns["neuron"] == tuple(str(n) for n in top["n"])
    assert columns["predictivity"] == tuple(f"{s:.3f}" for s in top["s"])
    assert columns["expert"] == tuple(str(of_layer["expert"][n]) for n in top["n"])


def test_a_column_of_equal_chances_is_a_sentence(page):
    page.evaluate("""() => {
        const top = window.MODULARITY_EXPLORER["t5-mini/2"].top[0];
        top.p.fill(1e-6);
        top.q = top.q.map((_, i) => 0.01 * (i + 1));
        location.hash = "t5-mini_2_y";
    }""")
    page.wait_for_selector("#explorer .ex-note:has-text('For each of them p is 1 × 10⁻⁶.')", state="attached")
    page.locator("#explorer summary").click()
    assert page.locator("#explorer .ex-all th").all_inner_texts() == ["rank", "neuron", "predictivity", "q", "expert"]
    cells = page.locator("#explorer .ex-all td:nth-child(4)").all_inner_texts()
    assert cells[:3] == ["0.010", "0.020", "0.030"]


def test_the_page_opens_with_the_best_neuron(page, data):
    of_layer, sub = shown(data, page)
    top = of_layer["top"][sub]
    name = data[1]["index"]["subfunctions"][0][0]
    best = top["n"][0]
    assert page.locator("#explorer h2").inner_text() == f"Neuron {best}, the best of layer 2 for {name}"
    card = of_layer["cards"][str(best)]
    texts = page.locator("#explorer .ex-sentences li").all_inner_texts()
    for text, (before, token, after, value) in zip(texts, card["drive"], strict=True):
        assert text.split() == f"{before}{token}{after} {value}".split()
    assert not page.locator("#explorer .ex-all").evaluate("details => details.open")


def numbers(page, selector, *attributes):
    """The numbers that elements of a picture are drawn from, a row an element."""
    script = "(nodes, names) => nodes.map(node => names.map(name => Number(node.getAttribute(name))))"
    return np.array(page.locator(selector).evaluate_all(script, list(attributes)))


def test_dots_and_lines_are_where_the_data_say(page, data):
    of_layer, sub = shown(data, page)
    top = of_layer["top"][sub]
    drawn = numbers(page, "#explorer .ex-dot", "cx", "cy")
    ticks = numbers(page, "#explorer line.ex-grid", "x1")[:, 0]
    names = page.locator("#explorer .ex-ranking > text").all_text_contents()
    values = [float(name) for name in names if re.fullmatch(r"\d\.\d+", name)]
    scale = np.polyfit(ticks, values, 1)  # of the axis, from its own marks
    assert len(values) == len(ticks) > 1
    np.testing.assert_allclose(np.polyval(scale, drawn[:, 0]), top["s"], atol=1e-6)
    assert (np.diff(drawn[:, 1]) > 0).all()
    for name, value in zip(("ex-median", "ex-best"), of_layer["useless"][sub], strict=True):
        (at,) = numbers(page, f"#explorer line.{name}", "x1")
        np.testing.assert_allclose(np.polyval(scale, at), value, atol=1e-6)
        assert f"{value:.3f}" in page.locator("#explorer figcaption").nth(1).inner_text()
    box = [float(v) for v in page.locator("#explorer .ex-ranking").get_attribute("viewBox").split()]
    inside = np.concatenate([drawn[:, 0], ticks])
    assert box[0] <= inside.min()
    assert inside.max() <= box[2]
    assert drawn[:, 1].max() < box[3]


def test_bars_are_as_high_as_their_counts(page, data):
    of_layer, sub = shown(data, page)
    _, _, *counts = of_layer["top"][sub]["h"][0]
    bins = explorer_cards.BINS
    zero, one = counts[:bins], counts[bins:]
    up, down = (numbers(page, f"#explorer rect.ex-{name}", "y", "height") for name in ("one", "zero"))
    heights = np.concatenate([up[:, 1], down[:, 1]])
    np.testing.assert_allclose(heights / heights.sum(), np.array([*one, *zero]) / sum(counts), atol=1e-9)
    ends = up.sum(axis=1)
    np.testing.assert_allclose(ends, ends[0])  # all upward bars stand on one line
    assert (down[:, 0] > ends[0]).all()
    alternative = page.locator("#explorer .ex-histogram").get_attribute("aria-label")
    assert ", ".join(map(str, one)) in alternative
    assert ", ".join(map(str, zero)) in alternative


def test_a_click_on_a_dot_opens_its_neuron(page, data):
    of_layer, sub = shown(data, page)
    third = of_layer["top"][sub]["n"][2]
    page.locator("#explorer .ex-row").nth(2).click()
    page.wait_for_selector(f"h2:has-text('Neuron {third} of layer 2')")
    assert state(page).endswith(f"_n{third}")
    marked = page.locator("#explorer .ex-row", has=page.locator(".ex-chosen"))
    assert marked.get_attribute("data-neuron") == str(third)
    page.locator("#explorer header a").click()
    page.wait_for_selector("h2:has-text('the best of layer 2')")


def test_a_card_links_to_the_figures_that_use_it(page, data):
    links = page.locator("#explorer section", has_text="Where the book uses it").locator("a")
    found = [link.get_attribute("href") for link in links.all()]
    assert found == [
        "../notebooks/04_specialization.html#fig-figure1-left",
        "../notebooks/04_specialization.html#fig-figure1-right",
        "../notebooks/05_functional_experts.html#fig-functional",
    ]
    second = shown(data, page)[0]["top"]["0"]["n"][1]
    page.evaluate("address => { location.hash = address }", f"t5-mini_2_x_n{second}")
    page.wait_for_selector(f"h2:has-text('Neuron {second} of')")
    assert [link.get_attribute("href") for link in links.all()] == found[1:]  # not the best: not in the first figure


@pytest.mark.parametrize(
    "use", dict.fromkeys(use for of in uses.OF_MODELS.values() for use in of), ids=lambda use: use.figure
)
def test_every_figure_that_a_card_links_to_is_in_its_section(use):
    text = (ROOT / f"notebooks/{use.page}.py").read_text(encoding="utf-8")
    assert f'"figure": {{"name": "{use.figure}"' in text
    assert use.subfunction in ("", *(s.name for s in asked()["semantic"]))


def test_the_page_opens_with_the_neuron_of_section_3():
    first = next(use for use in uses.OF_MODELS[pages.START["model"]] if use.figure == "fig-activation")
    assert (first.subfunction, str(first.layer)) == (pages.START["subfunction"], pages.START["layer"])
    text = (ROOT / "notebooks/03_functionality.py").read_text(encoding="utf-8")
    for name, value in (("model", pages.START["model"]), ("subfunction", example.SUBFUNCTION)):
        assert f'{name}: str = "{value}"' in text
    assert f"layer: int = {example.LAYER} " in text
    assert example.SUBFUNCTION in {s.name for s in explorer.read_by(pages.START["model"]).values()}


def test_a_sub_function_that_a_model_has_not_read_is_said(page, data):
    page.evaluate("window.MODULARITY_EXPLORER.index.models[1].subfunctions = [1, 2, 3]")
    first, second = (data[1]["index"]["subfunctions"][i][0] for i in (0, 1))
    page.evaluate("address => { location.hash = address }", f"switch-mini_1_{slug(first)}")
    page.wait_for_selector(f"#explorer :text('{first} is not among the sub-functions that switch-mini has read')")
    assert page.locator("#ex-sub option").count() == 3
    assert page.locator("#explorer h2").inner_text().endswith(f"the best of layer 1 for {second}")
    page.locator("#ex-model").select_option("t5-mini")
    page.wait_for_selector(f"h2:has-text('for {first}')")  # it is shown again where it was read


def test_the_page_says_what_was_rechecked(page):
    assert page.locator("#explorer .ex-checked").inner_text() == "explorer: shipped and rechecked"


def test_by_keyboard_alone(page, data):
    page.locator("label", has_text="Model").click()  # focuses what it labels
    page.keyboard.press("s")
    page.wait_for_function("location.hash.startsWith('#switch-mini_')")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    name = data[1]["index"]["subfunctions"][1][0]
    page.wait_for_function(f"location.hash.endsWith('_{slug(name)}')")
    page.wait_for_selector(f"h2:has-text('{name}')")
    page.locator("#explorer summary").focus()
    page.keyboard.press("Enter")  # opens the table
    page.keyboard.press("Tab")  # the table, which can be scrolled
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # of each row a neuron and an expert
    page.keyboard.press("Enter")
    layer = state(page).split("_")[1]
    top = data[1][f"switch-mini/{layer}"]["top"]["1"]
    page.wait_for_selector(f"h2:has-text('Neuron {top['n'][1]} of')")
    assert state(page).endswith(f"_n{top['n'][1]}")
    assert page.evaluate("document.activeElement.textContent") == f"Neuron {top['n'][1]} of layer {layer}"
    assert page.locator("#explorer .ex-all").evaluate("details => details.open")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # back to the best
    best = f"Neuron {top['n'][0]}, the best of layer {layer} for {name}"
    page.wait_for_selector(f"h2:has-text('{best}')")
    assert page.evaluate("document.activeElement.textContent") == best


def test_a_link_holds_the_state(page, browser):
    page.locator("#explorer summary").click()
    page.locator("#explorer .ex-all a").nth(4).click()
    page.wait_for_function("location.hash.includes('_n')")
    card = page.locator("article.ex-card").inner_text()
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_selector("article.ex-card")
    assert other.locator("article.ex-card").inner_text() == card
    other.reload()
    other.wait_for_selector("article.ex-card")
    assert other.locator("article.ex-card").inner_text() == card
    other.close()


def test_back_and_forward(page):
    page.locator("#ex-layer").select_option("0")
    page.wait_for_selector("h2:has-text('layer 0')")
    page.locator("#explorer .ex-row").nth(3).click()
    page.wait_for_selector("h2:not(:has-text('the best'))")
    page.go_back()
    page.wait_for_selector("h2:has-text('the best of layer 0')")
    page.go_back()
    page.wait_for_selector("h2:has-text('layer 2')")
    assert page.locator("#ex-layer").input_value() == "2"
    page.go_forward()
    page.wait_for_selector("h2:has-text('layer 0')")


def test_a_card_shows_the_data_as_text(page, data):
    _, read = data
    n, card = next(iter(read["t5-mini/2"]["cards"].items()))
    page.evaluate(
        """n => {
            window.MODULARITY_EXPLORER["t5-mini/2"].cards[n].drive[0][1] = "<img src=x onerror=alert(1)>";
            location.hash = `t5-mini_2_x_n${n}`;
        }""",
        n,
    )
    page.wait_for_selector("article mark:has-text('img')")
    marks = page.locator("article.ex-card mark").all_inner_texts()
    assert marks[0] == "<img src=x onerror=alert(1)>"
    assert marks[1:] == [token.strip() for _, token, _, _ in card["drive"][1:]]
    assert page.locator("article.ex-card img").count() == 0


def test_an_experts_card_shows_its_routing(page, data):
    _, read = data
    page.evaluate("location.hash = 'switch-mini_3_x_e4'")
    page.wait_for_selector("h2:has-text('Expert 4')")
    told = page.locator("article.ex-card tbody tr td:last-child").all_inner_texts()
    assert told == [f"{100 * share:.1f} %" for share in read["switch-mini/3"]["experts"][4]["routed"]]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("nothing_9_none_x", "Layer 2 of t5-mini"),
        ("t5-mini_1_x_n99999", "has no neuron 99999"),
        ("t5-mini_1_x_e99", "has no expert 99"),
    ],
)
def test_an_address_that_is_wrong_is_made_right_or_said(page, address, says):
    page.evaluate("address => { location.hash = address }", address)
    page.wait_for_selector(f"#explorer :text('{says}')")


def test_data_that_do_not_load_are_said(page, errors):
    page.evaluate("window.MODULARITY_EXPLORER.index.models[0].layers = {7: 'x'}")
    page.evaluate("location.hash = 't5-mini_7_x'")
    page.wait_for_selector("#explorer :text('t5-mini-7.js could not be loaded')")
    assert "ERR_FILE_NOT_FOUND" in errors.pop()


@pytest.mark.parametrize("address", ["t5-mini_2_x", "switch-mini_3_x_e4"])
def test_what_is_drawn_is_accessible(page, address):
    """But for contrast, which the book's theme decides and the tests of the built pages measure."""
    page.locator("#explorer summary").click()
    page.evaluate("address => { location.hash = address }", address)
    page.wait_for_selector("h2:has-text('Expert')" if "_e" in address else "h2:has-text('layer 2')")
    page.evaluate(AXE_SCRIPT)
    assert run_axe(page, "'#explorer'", THE_REST) == []


@pytest.mark.parametrize("width", [328, 358, 700])  # that the book's theme leaves of screens of 360, 390 and 1280
def test_what_is_drawn_is_no_wider_than_its_place(page, width):
    page.set_viewport_size({"width": width + 32, "height": 800})
    page.evaluate("width => { document.getElementById('explorer').style.width = `${width}px` }", width)
    page.locator("#explorer summary").click()
    for address, title in (("", "the best"), ("_n5", "Neuron 5 of"), ("_e3", "Expert 3")):
        page.evaluate("address => { location.hash = address }", f"t5-mini_2_x{address}")
        page.wait_for_selector(f"h2:has-text('{title}')")
        assert page.locator("#explorer").evaluate("place => place.scrollWidth") == width
