"""Choices about predictivities (Sections 3 and 4): rows D1 to D7 of the audit."""

import copy
from dataclasses import replace

import numpy as np
from tokenizers.processors import TemplateProcessing

from companion.choices.choice_setup import Effect, Setup, mean_best, paired
from companion.experiments import stored_scores
from companion.functions import tracks
from companion.models import catalogue
from companion.sections import intervals, specialization_tables
from modularity import readings, specialists
from modularity.models import Model

GAIN = "trained minus untrained, semantic"
FIRST = 30  # sub-functions of random models that the authors' figure takes
CODE_SHARE = 32 / 3072  # of the neurons, in the authors' Figure 1; 512 / 49,152 is the same


def average_precision(setup: Setup) -> Effect:
    """D1: of −a, or with the labels inverted? The gain of training under both."""
    parts = {}
    for score in ("signs", "labels"):
        pair = [mean_best(stored_scores.of_model(m, setup.semantic, score=score)) for m in (setup.loaded, setup.fresh)]
        parts[score] = pair[0] - pair[1]
    what = "gain of the best predictivity by training, semantic"
    return paired(what, parts["signs"], parts["labels"], scale=parts["labels"].mean(), of=GAIN)


def useless(setup: Setup) -> Effect:
    """D2: is a chance-level neuron at 0.5? The best of a layer of them is not, and the best is what is reported."""
    width = setup.trained.sizes["neuron"]
    row = specialization_tables.floor(setup.semantic, width, seed=setup.seed).iloc[0]
    value, low, high = (float(row[column]) for column in ("value", "low", "high"))
    what = f"best predictivity of {width:,} chance-level neurons"
    return Effect(what, 0.5, value, setup.gain, GAIN, low - 0.5, high - 0.5)


def mnli_order(setup: Setup) -> Effect:
    """D3: premise and hypothesis as in Raffel et al. (2020), or exchanged. By run of the model and sub-function."""
    sides = []
    for order in ("paper", "authors"):
        asked = [s for s in tracks.load("task", mnli=order) if s.name.startswith("mnli")]
        cut = [tracks.first(s, setup.per_class) for s in asked]
        sides.append(
            np.concatenate([mean_best(stored_scores.of_model(m, cut)) for m in catalogue.load_runs(setup.model, 3)])
        )
    return paired("best predictivity, MNLI", *sides, scale=setup.gain, of=GAIN)


def first_subfunctions(setup: Setup) -> Effect:
    """D4: all semantic sub-functions of an untrained model, or as many of the first as the authors' figure takes."""
    values = mean_best(setup.untrained)
    number = min(FIRST, max(1, len(values) // 2))
    error = values.std(ddof=1) * np.sqrt(1 / number - 1 / len(values))
    difference = values[:number].mean() - values.mean()
    reach = intervals.REACH * error
    what = f"best predictivity, untrained, of {len(values)} sub-functions or the first {number}"
    sides = (float(values.mean()), float(values[:number].mean()))
    return Effect(what, *sides, setup.gain, GAIN, float(difference - reach), float(difference + reach))


def initialisations(setup: Setup) -> Effect:
    """D5: three random initialisations, or the start of one's own run. By sub-function, from the shipped histories."""
    histories = setup.histories["t5-mini"]
    chosen = np.flatnonzero(histories[0]["function"].to_numpy() == "semantic")
    tables = [h["best"].isel(subfunction=chosen).mean("layer") for h in histories]
    starts = np.array([t.sel(step=0).to_numpy() for t in tables])
    ends = np.array([t.isel(step=-1).to_numpy() for t in tables])
    of = "end of the run minus its start, semantic"
    return paired("best predictivity at the start", starts.mean(0), starts[0], scale=(ends - starts).mean(), of=of)


def unended(model: Model) -> Model:
    """The same model, which reads sentences without their end mark.

    The authors mask the last end mark and give it the id of padding, which nothing attends to: as if it were not there.
    """
    tokenizer = copy.deepcopy(model.tokenizer)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", special_tokens=[])  # type: ignore[attr-defined]
    return replace(model, tokenizer=tokenizer)


def end_mark(setup: Setup) -> Effect:
    """D6: sentences with their end mark, as T5 reads them, or without."""
    without = mean_best(stored_scores.of_model(unended(setup.loaded), setup.semantic))
    return paired(
        "best predictivity, semantic", mean_best(setup.trained)[: len(without)], without, scale=setup.gain, of=GAIN
    )


def top_share(setup: Setup) -> Effect:
    """D7: the top 1 % rounded down, or one neuron in 96."""
    rows = [
        specialization_tables.overlaps([readings.of_scores(setup.trained)], share).iloc[0]
        for share in (specialists.SHARE, CODE_SHARE)
    ]
    text, other = (float(row["value"]) for row in rows)
    what = "overlap of the top neurons of two semantic sub-functions"
    return Effect(what, text, other, text - float(rows[0]["chance"]), "overlap minus chance")
