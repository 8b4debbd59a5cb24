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
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.experiments import stored_scores
from companion.explorer import cards as explorer_cards
from companion.explorer import data as explorer
from companion.explorer import layers
from companion.functions import shipped_chance, tracks
from companion.models import catalogue
from modularity import capture, chance, experts, identity, moefication, neurons, specialists

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


@pytest.fixture(scope="module")
def few():
    """Six sub-functions of twelve sentences."""
    return tracks.load_all(per_class=6, limit=2)


@pytest.fixture(scope="module")
def made(untrained, few, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODULARITY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield layers.layers(untrained, few, draws=3000), stored_scores.of_model(untrained, few)


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
    texts = list(dict.fromkeys(text for s in few for text in s.sentences))
    pooled = capture.pooled_activations(untrained, texts)
    for layer, of_layer in made[0].items():
        for n, card in list(of_layer["cards"].items())[::9]:
            values = np.sort(pooled.sel(layer=layer)[:, n].to_numpy())[::-1][:3]
            np.testing.assert_allclose([value for *_, value in card["drive"]], values, rtol=0.006)
            for before, token, after, _ in card["drive"]:
                assert token
                assert max(len(before), len(after)) <= explorer_cards.WINDOW + 1


def test_cards_are_bounded_and_name_the_best_the_worst_and_the_neighbours(made, untrained):
    data, scores = made
    weights = neurons.layers(untrained)[1].input_weights.numpy()
    cards = data[1]["cards"]
    assert {top["n"][0] for top in data[1]["top"]} <= set(cards)
    assert len(cards) <= explorer_cards.CARDS
    n, card = next(iter(cards.items()))
    column = scores.to_numpy()[:, 1, n]
    assert [s for s, _ in card["best"]] == np.argsort(-column, kind="stable")[:5].tolist()
    assert column[card["worst"][0][0]] == column.min()
    cosine = (weights @ weights[n]) / np.linalg.norm(weights, axis=1) / np.linalg.norm(weights[n])
    cosine[n] = -1
    assert [m for m, _ in card["near"]] == np.argsort(-cosine)[:5].tolist()


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
    data = made[0]
    text = np.frombuffer(json.dumps(data).encode(), np.uint8)
    whole, encoding = cards.assemble(lambda _cell: xr.Dataset({"data": ("byte", text)}))
    return cards, whole, encoding, data


@pytest.fixture
def recheck(shipped, few, untrained, monkeypatch):
    """How far the data, changed by a function, are off, for a sub-function."""
    cards, whole, _, data = shipped
    drawn = shipped_chance.chance_level(6, 6, draws=3000)
    monkeypatch.setattr(shipped_chance, "chance_level", lambda *_sizes: drawn)
    monkeypatch.setattr(catalogue, "load", lambda _name: untrained)
    digest = identity.weights(untrained.module)

    def off(change=lambda _data: None, i=0):
        copied = json.loads(json.dumps(data))
        change(copied)
        text = np.frombuffer(json.dumps(copied).encode(), np.uint8)
        now = xr.Dataset({"t5-mini": ("byte", text)}, whole.coords).assign_coords(weights=("model", [digest]))
        return cards.again(now, ("t5-mini", few[i].name, i))

    return off


def test_shipped_data_are_found_again(recheck, few):
    assert max(recheck(i=i) for i in range(len(few))) < 0.005


def put(path, value):
    """A change of one value of layer 1."""

    def change(data):
        *way, last = path
        place = data["1"]
        for step in way:
            place = place[step] if step != "card" else place["cards"][str(data["1"]["top"][0]["n"][0])]
        place[last] = value

    return change


@pytest.mark.parametrize(
    "path",
    [
        ("top", 0, "s", 0),
        ("top", 0, "s", -1),
        ("top", 0, "p", -1),
        ("top", 0, "q", 3),
        ("top", 0, "h", 2, 4),
        ("card", "near", 1, 1),
        ("card", "drive", 0, 3),
    ],
)
def test_whatever_is_wrong_is_found(recheck, path):
    assert recheck(put(path, 9 if "h" in path else 0.321)) > explorer.Cards().tolerance


def test_a_neuron_that_is_left_out_is_found(recheck):
    def leave_out(data):
        top = data["1"]["top"][0]
        for values in top.values():
            values[0] = values[-1]

    assert recheck(leave_out) > explorer.Cards().tolerance


def test_data_of_another_model_or_of_other_sentences_are_found(shipped, few):
    cards, whole, _, _ = shipped
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
    assert sum(file.stat().st_size for file in files) < 5_000_000


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
        shown = {name: layers.layers(catalogue.load(name), few) for name in catalogue.MINI}
        explorer.write(folder, shown, few, "explorer: shipped and rechecked")
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
    (source / "book/explorer.md").write_text(re.sub(r"\[\]\(\.\./notebooks/\w+\.ipynb\)", "a section", page))
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
    assert "explorer.js" in (html / "book/explorer.html").read_text()
    assert "explorer.css" in (html / "book/explorer.html").read_text()
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
    page.wait_for_selector("#explorer table")
    yield page
    assert [r for r in requests if not r.startswith(("file:", "data:"))] == []
    assert errors == []
    context.close()


def state(page):
    """What the address holds behind #."""
    return page.evaluate("location.hash.slice(1)")


def test_the_table_shows_the_data(page, data):
    top = data[1]["t5-mini/2"]["top"][0]
    rows = page.locator("#explorer .ex-list tbody tr").all()
    assert [row.locator("td").nth(1).inner_text() for row in rows] == [str(n) for n in top["n"]]
    assert [row.locator("td").nth(2).inner_text() for row in rows] == [f"{s:.3f}" for s in top["s"]]


def test_the_page_says_what_was_rechecked(page):
    assert page.locator("#explorer .ex-checked").inner_text() == "explorer: shipped and rechecked"


def test_by_keyboard_alone(page, data):
    page.locator("label", has_text="Model").click()  # focuses what it labels
    page.keyboard.press("s")
    page.wait_for_function("location.hash.startsWith('#switch-mini_')")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    second = slug(data[1]["index"]["subfunctions"][1][0])
    page.wait_for_function(f"location.hash.endsWith('_{second}')")
    page.wait_for_selector(f"caption:has-text('{data[1]['index']['subfunctions'][1][0]}')")
    page.keyboard.press("Tab")  # the table, which can be scrolled
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("article.ex-card")
    layer = state(page).split("_")[1]
    first = data[1][f"switch-mini/{layer}"]["top"][1]["n"][0]
    assert state(page).endswith(f"_n{first}")
    assert page.evaluate("document.activeElement.textContent") == f"Neuron {first} of layer {layer}"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # close
    page.wait_for_selector("article.ex-card", state="detached")
    assert page.evaluate("document.activeElement.textContent") == str(first)


def test_a_link_holds_the_state(page, browser, data):
    page.locator("#explorer .ex-list a").first.click()
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
    page.wait_for_selector("caption:has-text('layer 0')")
    page.locator("#explorer .ex-list a").first.click()
    page.wait_for_selector("article.ex-card")
    page.go_back()
    page.wait_for_selector("article.ex-card", state="detached")
    assert page.locator("caption").inner_text().count("layer 0")
    page.go_back()
    page.wait_for_selector("caption:has-text('layer 2')")
    assert page.locator("#ex-layer").input_value() == "2"
    page.go_forward()
    page.wait_for_selector("caption:has-text('layer 0')")


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
    page.wait_for_selector("article.ex-card")
    marks = page.locator("article.ex-card mark").all_inner_texts()
    assert marks[0] == "<img src=x onerror=alert(1)>"
    assert marks[1:] == [token.strip() for _, token, _, _ in card["drive"][1:]]
    assert page.locator("article.ex-card img").count() == 0
    assert "Label 1: " in page.locator("article.ex-card svg").get_attribute("aria-label")


def test_an_experts_card_shows_its_routing(page, data):
    _, read = data
    page.evaluate("location.hash = 'switch-mini_3_x_e4'")
    page.wait_for_selector("article.ex-card")
    shown = page.locator("article.ex-card tbody tr td:last-child").all_inner_texts()
    assert shown == [f"{100 * share:.1f} %" for share in read["switch-mini/3"]["experts"][4]["routed"]]


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


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_no_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    for card in ("n5", "e3"):
        page.evaluate("card => { location.hash = 't5-mini_2_x_' + card }", card)
        page.wait_for_selector("article.ex-card")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
