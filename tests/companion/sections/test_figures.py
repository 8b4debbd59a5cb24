"""What the first sections draw is what they are given: every model, function and start with its own numbers."""

import numpy as np
import pandas as pd
import pytest
from drawn import across, alike, around, band, bars, dots, line, lines, said, shows, table, titles, upright, where
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from companion.sections import functionality_figures, models_figures, specialization_figures
from companion.sections.figures import COLOURS, FUNCTIONS

pytestmark = pytest.mark.usefixtures("figures")
BLUE, RED = COLOURS["trained"], COLOURS["untrained"]


def test_a_histogram_counts_both_classes_in_the_same_bins(rng):
    activations, labels = rng.normal(size=60), np.repeat([1, 0], [20, 40])
    ax = functionality_figures.activation_by_label(activations, labels, ("cat", "dog"), 0.753)
    edges = np.histogram_bin_edges(activations, bins=24)
    for value, colour in ((1, BLUE), (0, RED)):
        heights = [bar.get_height() for bar in ax.patches if alike(bar.get_facecolor(), colour)]
        assert heights == np.histogram(activations[labels == value], edges)[0].tolist()
    legend = ax.get_legend()
    colours = [to_hex(handle.get_facecolor()) for handle in legend.legend_handles]
    names = [text.get_text() for text in legend.get_texts()]
    assert dict(zip(names, colours, strict=True)) == {"cat": to_hex(BLUE), "dog": to_hex(RED)}
    assert "0.75" in ax.get_title()


def test_the_best_of_more_useless_neurons_lies_further_right(rng):
    best = {1000: rng.normal(0.7, 0.01, 200), 10: rng.normal(0.6, 0.01, 200)}
    ax = functionality_figures.null_of_best(rng.normal(0.5, 0.01, 200), best)
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["one neuron", "best of 10", "best of 1,000"]
    (filled,) = [c for c in ax.collections if isinstance(c, PolyCollection)]
    corners = filled.get_paths()[0].vertices
    assert corners[corners[:, 1].argmax(), 0] == pytest.approx(0.5, abs=0.02)
    for handle, middle in zip(legend.legend_handles[1:], (0.6, 0.7), strict=True):
        x, density = line(ax, handle.get_color()).T
        assert x[density.argmax()] == pytest.approx(middle, abs=0.02)


def test_figure_1_has_a_row_a_model_and_a_column_a_function():
    ours = table("value", model=["a", "b"], kind=["trained", "untrained", "null"], function=FUNCTIONS, layer=[0, 1, 2])
    paper = table("value", model=["a", "b"], kind=["paper"], function=FUNCTIONS, layer=range(5))
    rows = pd.concat([around(ours, "value"), paper])
    axes = specialization_figures.figure1_left(rows)
    assert titles(axes[0]) == list(FUNCTIONS)
    for i, model in enumerate("ab"):
        assert axes[i, 0].get_ylabel().startswith(f"{model}\n")
        for function, ax in zip(FUNCTIONS, axes[i], strict=True):
            here = {"model": model, "function": function}
            found = line(ax, COLOURS["paper"])
            assert found[:, 0].tolist() == [0, 0.5, 1, 1.5, 2]  # five layers on the width of three
            assert found[:, 1].tolist() == where(paper, **here)["value"].tolist()
            for kind in ("trained", "untrained"):
                assert shows(ax, where(rows, kind=kind, **here), "layer", "value", COLOURS[kind])
            for kind in ("trained", "untrained", "null"):
                part = where(rows, kind=kind, **here)
                assert np.allclose(list(band(ax, COLOURS[kind]).values()), part[["low", "high"]])
            assert len(ax.lines) == 3, "three kinds of line a panel"
    assert said(axes[0, 0].figure) == {
        "trained": to_hex(BLUE),
        "untrained": to_hex(RED),
        "best of N chance-level neurons": to_hex(COLOURS["null"]),
        "trained, printed": to_hex(COLOURS["paper"]),
    }


def test_a_model_that_stands_for_none_of_the_paper_has_no_printed_curve():
    rows = table("value", model=["a"], kind=["trained", "untrained", "null"], function=FUNCTIONS, layer=[0, 1, 2])
    (axes,) = specialization_figures.figure1_left(around(rows, "value"))
    assert [len(ax.lines) for ax in axes] == [2, 2, 2]


def test_overlaps_within_functions_come_before_those_between():
    rows = around(table("value", model=["a", "b"], init=["trained", "untrained", "paper"], pair=range(4)), "value")
    pairs = [("semantic", "task"), ("semantic", "semantic"), ("task", "task"), ("knowledge", "knowledge")]
    rows[["function", "other"]] = [pairs[i] for i in rows["pair"]]
    rows["chance"] = np.where(rows["model"] == "a", 0.01, 0.02)
    axes = specialization_figures.overlaps(rows)
    assert titles(axes) == ["a", "b"]
    order = ["semantic", "task", "knowledge", "semantic – task"]
    assert [t.get_text() for t in axes[0].get_yticklabels()] == order
    for model, ax in zip("ab", axes, strict=True):
        for init in ("trained", "untrained", "paper"):
            part = where(rows, model=model, init=init).set_index("pair").loc[[1, 2, 3, 0]]
            found, ends = bars(ax, COLOURS[init])
            places = np.argsort(found[:, 1])
            assert np.round(found[places, 1]).tolist() == [0, 1, 2, 3]
            assert found[places, 0].tolist() == part["value"].tolist()
            assert np.allclose(ends[places, :, 0], part[["low", "high"]])
        assert upright(ax) == [{"a": 0.01, "b": 0.02}[model]]
        assert ax.get_xscale() == "log"


def test_the_balance_of_classes_is_one_less_zero():
    rows = table("length frequency", function=["task", "semantic"], subfunction=["x", "y"], label=[0, 1])
    axes = functionality_figures.class_balance(rows)
    keyed = rows.set_index(["label", "function", "subfunction"]).sort_index()
    for ax, measure in zip(axes, ("length", "frequency"), strict=True):
        difference = keyed.loc[1, measure] - keyed.loc[0, measure]
        found = dots(ax)
        for place, function in enumerate(("task", "semantic")):
            here = found[np.round(found[:, 1]) == place, 0]
            assert sorted(here) == pytest.approx(sorted(difference[function]))
        low, high = ax.get_xlim()
        assert -low == high > difference.abs().max()
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["task", "semantic"]


def test_baselines_keep_their_colour_and_function():
    rows = table("words length vectors", function=["task", "semantic"], subfunction=["x", "y", "z"])
    ax = functionality_figures.baselines(rows)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["task", "semantic"]
    assert upright(ax) == [0.5, functionality_figures.TOO_EASY]
    legend = ax.get_legend()
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["words", "length", "vectors"]
    for name, handle in zip(names, legend.legend_handles, strict=True):
        found = dots(ax, handle.get_color())
        for place, function in enumerate(("task", "semantic")):
            here = found[np.round(found[:, 1]) == place, 0]
            assert sorted(here) == pytest.approx(sorted(where(rows, function=function)[name]))


def test_every_run_has_its_line_in_the_colour_of_its_model():
    rows = table("loss facts_loss task_loss", model=["switch", "t5"], seed=[0, 1], step=[1, 10, 100])
    rows.loc[rows["model"] == "switch", "task_loss"] = np.nan
    axes = models_figures.training(rows)
    colours = {"switch": COLOURS["other"], "t5": BLUE}
    for ax, measure in zip(axes, ("loss", "facts_loss", "task_loss"), strict=True):
        for model, colour in colours.items():
            runs = [part[["step", measure]].to_numpy() for _, part in where(rows, model=model).groupby("seed")]
            if measure == "task_loss" and model == "switch":
                assert not lines(ax, colour)
            else:
                assert np.allclose(lines(ax, colour), runs)
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    (legend,) = axes[0].figure.legends
    found = [to_hex(handle.get_color()) for handle in legend.legend_handles]
    assert dict(zip([t.get_text() for t in legend.get_texts()], found, strict=True)) == {
        name: to_hex(colour) for name, colour in colours.items()
    }


def test_routers_are_shown_seed_by_seed_and_layer_by_layer():
    logs = table("z_loss", seed=[0, 1], step=[1, 10])
    entropy = table("entropy", seed=[0, 1], layer=[1, 3], step=[1, 10])
    share = table("share", seed=[0, 1], layer=[1, 3], expert=range(8))
    axes = models_figures.router_load(logs, entropy, share)
    runs = [part[["step", "z_loss"]].to_numpy() for _, part in logs.groupby("seed")]
    assert np.allclose(lines(axes[0], COLOURS["other"]), runs)
    legend = axes[1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["1", "3"]
    assert across(axes[1]) == [models_figures.EVEN]
    assert axes[1].get_ylim()[0] <= entropy["entropy"].min()
    for layer, handle in zip((1, 3), legend.legend_handles, strict=True):
        part = where(entropy, layer=layer)
        runs = [run[["step", "entropy"]].to_numpy() for _, run in part.groupby("seed")]
        assert np.allclose(lines(axes[1], handle.get_color()), runs)
        found, given = dots(axes[2], handle.get_color()), where(share, layer=layer)
        for expert in range(8):
            here = found[np.round(found[:, 0]) == expert, 1]
            assert sorted(here) == pytest.approx(sorted(where(given, expert=expert)["share"]))
    assert across(axes[2]) == [1 / 8]


def test_the_start_stands_left_of_the_end():
    rows = around(table("value", function=FUNCTIONS, model=["a", "b"], init=["trained", "untrained"]), "value")
    for function, ax in zip(FUNCTIONS, axes := models_figures.start_and_end(rows), strict=True):
        assert ax.get_title() == function
        assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b"]
        for init, shift in (("untrained", -0.1), ("trained", 0.1)):
            part = where(rows, function=function, init=init)
            found, ends = bars(ax, COLOURS[init])
            assert np.allclose(found, np.column_stack([np.arange(2) + shift, part["value"]]))
            assert np.allclose(ends[:, :, 1], part[["low", "high"]])
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["untrained", "trained"]


def test_accuracies_stand_over_their_task_with_its_chance():
    rows = table("accuracy", task=["sst2", "mnli"], seed=[0, 1, 2])
    rows = rows.assign(chance=rows["task"].map({"sst2": 0.5, "mnli": 1 / 3}))
    ax = models_figures.accuracies(rows)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["sst2", "mnli"]
    found = dots(ax, BLUE)
    for place, (task, chance) in enumerate({"sst2": 0.5, "mnli": 1 / 3}.items()):
        here = found[np.round(found[:, 0]) == place, 1]
        assert sorted(here) == pytest.approx(sorted(where(rows, task=task)["accuracy"]))
        assert np.allclose(lines(ax, COLOURS["null"])[place], [[place - 0.3, chance], [place + 0.3, chance]])
