"""The directive ``hyperparameters PART``: what the paper sets, beside what this book's code sets.

The paper's values are typed, with where they stand; ours are read from the constants that the code runs with.
"""

import inspect
from collections.abc import Callable
from typing import NamedTuple, get_args

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from companion.experiments import fewshot, fewshot_grid, lesion_grid, shipped_readings
from companion.functions import tracks
from companion.models import catalogue
from companion.models.recipe import EARLY_STEPS, LATE_STEPS, RECIPES
from companion.sections import functional_expert_tables, intervals
from modularity import emergence, experts, moefication, nulls, specialists


class Row(NamedTuple):
    what: str
    paper: str  # with the section or appendix
    ours: str


def pretraining() -> list[Row]:
    t5, switch = RECIPES["t5-mini"], RECIPES["switch-mini"]
    decay = f"falls to 0 over the last {100 * t5.decay:g} % of the steps"
    return [
        Row("runs", "one of each model (6)", f"{len(catalogue.seeds('t5-mini'))} of each model, from as many seeds"),
        Row("encoder layers", "12, the base size (6)", f"{t5.layers}"),
        Row(
            "neurons of a layer",
            "3,072; of Switch 16 experts of 3,072, in every second layer (3)",
            f"{t5.d_ff:,}; of Switch {switch.experts} experts of {switch.d_ff}, in every second layer",
        ),
        Row(
            "text",
            "OpenWebText, 40 GB (A.2)",
            f"the shipped corpus, and {t5.facts} stated facts a step; t5-mini also {t5.tasks} task examples a step",
        ),
        Row(
            "objective",
            "masked language modelling, as T5 and Switch (A.2)",
            f"the same: {100 * t5.noise:g} % of the tokens hidden, in spans of {t5.span:g} on average",
        ),
        Row("steps", "200,000 (A.2)", f"{t5.steps:,}"),
        Row("batch", "512 sequences (A.2)", f"{t5.batch} windows of text"),
        Row("longest input", "encoder 512 tokens, decoder 256 (A.2)", f"encoder {t5.length} tokens"),
        Row(
            "learning rate",
            "1e-4; no schedule is named (A.2)",
            f"{t5.lr:g} of the root mean square of each matrix; rises over {t5.warmup} steps, {decay}",
        ),
        Row(
            "checkpoints",
            "one every 5,000 steps, 40 in all (A.2)",
            f"{len(t5.checkpoints())}: the start, {EARLY_STEPS} up to a tenth of training, "
            f"{LATE_STEPS} evenly spaced after it",
        ),
        Row("machine", "8 GPUs (A100), about three days (A.2)", "one CPU thread a run ([model card](data.md))"),
    ]


def grouping() -> list[Row]:
    starts, random = _default(moefication.experts, "starts"), _default(functional_expert_tables.by_chance, "draws")
    return [
        Row("experts of Switch", "its own 16 (3)", f"its own {RECIPES['switch-mini'].experts}"),
        Row(
            "experts of a dense model",
            "16, by MoEfication of T5 (3)",
            f"{moefication.EXPERTS}, by balanced k-means of normalised input weights, started {starts} time",
        ),
        Row("finer experts, to be perturbed", "96 of 32 neurons (5)", _fine("mini")),
        Row("experts over pre-training", "those of the last checkpoint (6)", "the same"),
        Row(
            "random partitions",
            "1,000, averaged (A.2)",
            f"{random:,} for Table 1; fewer over pre-training, as its page says",
        ),
    ]


def _default(function: Callable, parameter: str) -> int:
    # Not of the signature, in which autodoc puts the source's text where it has been before.
    return (inspect.unwrap(function).__kwdefaults__ or {})[parameter]


def _fine(track: tracks.Track) -> str:
    fine = lesion_grid.PLANS[track].fine
    return f"{fine} of {RECIPES['t5-mini'].d_ff // fine} neurons"


def perturbing() -> list[Row]:
    plan, settings = lesion_grid.PLANS["mini"], lesion_grid.SETTINGS
    variances = " and ".join(f"{settings[name].variance:g}" for name in ("text", "strong"))
    layers = RECIPES["t5-mini"].layers
    return [
        Row("layers", "the last 4 of 12 (5)", f"the last third: {-(-layers // 3)} of {layers}"),
        Row("noise", "Gaussian, variance 4 (A.2)", f"Gaussian, variance {variances}; and the code's shuffling"),
        Row("repeats", "5 (A.2)", f"{plan.draws} draws of rows, noise and random orders"),
        Row("perturbed at most", "12 of 96 experts in the figure", f"{plan.reach} of {plan.fine} experts"),
        Row("neurons ranked by", "the sum over four seen data sets (5)", "the same, and the code's sum over eight"),
        Row("rows", "the validation sets", f"{plan.rows} of a task in each draw"),
    ]


def tuning() -> list[Row]:
    plan, settings = fewshot_grid.PLANS["mini"], fewshot_grid.SETTINGS["mini"]
    usual, more = settings["code"], settings["more"]
    epochs = usual.steps * fewshot.BATCH / usual.examples
    return [
        Row("examples", "128 (A.2)", f"{usual.examples}; {more.examples:,} for two tasks"),
        Row("tuned", "output weights of the last 4 layers, and routers (A.2)", "the same of the last third"),
        Row("optimiser", "Adam (A.2)", "Adam"),
        Row("learning rate", "2e-4 (A.2)", f"{plan.rate:g}"),
        Row("batch", "16 (A.2)", f"{fewshot.BATCH}"),
        Row("epochs", "50 to 300, by data set (A.2)", f"{epochs:g}, that is {usual.steps} steps"),
        Row("seeds", "8 (A.2)", f"{plan.draws}"),
        Row("allowed experts", "the functional ones (5)", f"these, and at least {plan.least} in a layer"),
        Row(
            "accuracy that counts",
            "the best on the validation set (A.2)",
            f"that, and at the step that is best on other rows; {plan.judged} rows each",
        ),
    ]


def statistics() -> list[Row]:
    ours = {name: tracks.load(name) for name in get_args(tracks.Function)}
    sizes = {name: sorted(int(min(s.labels.sum(), (1 - s.labels).sum())) for s in made) for name, made in ours.items()}
    fewest, most = sizes["knowledge"][0], sizes["knowledge"][-1]
    return [
        Row(
            "sub-functions",
            "529 semantic (100 for Switch in Section 6), 39 knowledge, 8 task (3)",
            ", ".join(f"{len(made)} {name}" for name, made in ours.items()),
        ),
        Row(
            "sentences of a class",
            "100 of a sense, 200 true and 200 false triples, at most 1,000 of a label (3)",
            f"{sizes['semantic'][0]} of a noun, {fewest} to {most} true and as many false triples, "
            f"{sizes['task'][0]:,} of a label",
        ),
        Row("top neurons of a layer", "1 % (4)", f"{100 * specialists.SHARE:g} %"),
        Row("untrained copies", "3 (A.2)", f"{shipped_readings.COPIES}"),
        Row("a functional expert has p of at most", "0.001 (5)", f"{experts.ALPHA:g}"),
        Row("null hypothesis", "binomial (5, footnote 3)", ", ".join(get_args(nulls.Null))),
        Row("a curve has settled above", "0.9 (6)", f"{emergence.LEVEL:g}"),
        Row("intervals", "none; standard deviations in Table 3", f"{100 * intervals.CONFIDENCE:g} %"),
    ]


PARTS: dict[str, Callable[[], list[Row]]] = {
    "pre-training": pretraining,
    "experts": grouping,
    "perturbing": perturbing,
    "tuning": tuning,
    "statistics": statistics,
}


class Hyperparameters(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        part = self.arguments[0]
        if part not in PARTS:
            raise self.error(f"unknown part {part!r}; known: {', '.join(PARTS)}")
        lines = [
            "| setting | the paper | this book |",
            "|---|---|---|",
            *(f"| {' | '.join(row)} |" for row in PARTS[part]()),
        ]
        made = nodes.container()
        self.state.nested_parse(StringList(lines, __file__), self.content_offset, made)
        return [made]


def setup(app: Sphinx) -> dict:
    app.add_directive("hyperparameters", Hyperparameters)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
