"""What reading and perturbing the paper's models costs, from a small run of a model of their shape."""

import time

import pandas as pd
import torch
from transformers import AutoModelForSeq2SeqLM

from companion.experiments import answering, fewshot, fewshot_grid, lesion_grid
from companion.experiments.grids import Grid
from companion.functions import tracks
from companion.models import catalogue, hub
from modularity import capture

SHAPE = "google-t5/t5-base"  # a token costs a Switch-base as much: it visits one expert of T5's size
LEARNING = 3  # a step forward and backward costs about three passes
# Section 3 of the paper: pairs of senses, relations and tasks, and the sentences of each (of tasks at most).
SENTENCES = 529 * 200 + 39 * 400 + 8 * 2000
SPEEDS = (10, 100)  # 10^12 floating-point operations a second that a GPU is supposed to sustain


def reading(copies: int = 3, *, rows: int = 32, teraflops: tuple[float, ...] = SPEEDS) -> pd.DataFrame:
    """What scoring the neurons of the paper's models takes, trained and `copies` untrained, on all its sentences.

    The neurons of all experts are read on every token, so that a Switch costs more than a T5 of its width.

    Parameters
    ----------
    rows : sentences of this book that an untrained T5-base reads to measure; a Switch is taken to cost as much an
        operation.

    Returns
    -------
    model → ``sentences``, ``hours here``, and ``minutes at … TFLOP/s`` of the encoder's operations alone.
    """
    model = catalogue.load(SHAPE, untrained=True)
    sentences = [s for part in tracks.load("semantic")[:rows] for s in part.sentences[:1]]
    ids = capture.tokenize(model, sentences)
    capture.pooled_activations(model, sentences)  # once to warm up
    begun = time.perf_counter()
    capture.pooled_activations(model, sentences)
    seconds = (time.perf_counter() - begun) / len(sentences)
    tokens = sum(map(len, ids)) / len(sentences)
    work = {name: 2 * tokens * weights_read(name) for name in (SHAPE, "google/switch-base-16")}
    number = SENTENCES * (1 + copies)
    made = {}
    for name, operations in work.items():
        made[name] = {"sentences": number, "hours here": seconds * operations / work[SHAPE] * number / 3600}
        made[name] |= {f"minutes at {speed:g} TFLOP/s": operations * number / speed / 1e12 / 60 for speed in teraflops}
    return pd.DataFrame(made).T.rename_axis("model")


def weights_read(name: str) -> int:
    """Weights of the encoder that a token meets when all neurons are read: not W_O of experts it is not sent to."""
    with torch.device("meta"):  # shapes without memory
        module = AutoModelForSeq2SeqLM.from_config(hub.SHAPES[name])
    weights = {n: p.numel() for n, p in module.encoder.named_parameters() if "embed_tokens" not in n}
    closed = [n for n in weights if ".experts." in n and ".wo." in n and "expert_0." not in n]
    return sum(weights.values()) - sum(weights[n] for n in closed)


def passes(grid: Grid) -> int:
    """Rows that the model reads in all of a grid; a learning step counts three times."""
    plan = grid.plan
    if isinstance(plan, lesion_grid.Plan):
        masks = {name: 1 + len(lesion_grid.wanted(plan, name, grid.limit)) for name in lesion_grid.SETTINGS}
        return sum(masks[str(setting)] * plan.draws * plan.rows for _, setting, _ in grid.cells())
    settings = fewshot_grid.settings_of(grid.track, grid.limit)
    tunings = plan.draws * len(fewshot_grid.STRATEGIES)
    of_setting = {
        name: s.steps * fewshot.BATCH * LEARNING + 2 * plan.judged * (s.steps // s.every + 1)
        for name, s in settings.items()
    }
    return sum(tunings * of_setting[str(setting)] for _, setting, _ in grid.cells())


def estimate(grid: Grid, *, rows: int = 8, teraflops: tuple[float, ...] = SPEEDS) -> pd.Series:
    """Cost of `grid`: measured seconds a row of an untrained T5-base here, and its encoder's operations on a GPU.

    Parameters
    ----------
    rows : of the mini task qnli that are read to measure.
    teraflops : 10^12 floating-point operations a second that a GPU is supposed to sustain.
    """
    model = catalogue.load(SHAPE, untrained=True)
    table = tracks.task_table("qnli").head(rows)
    answering.predictions(model, "qnli", table)  # once to warm up
    begun = time.perf_counter()
    answering.predictions(model, "qnli", table)
    seconds = (time.perf_counter() - begun) / rows
    tokens = sum(len(model.tokenizer(" ".join(map(str, row)))["input_ids"]) for row in table.to_numpy()) / rows
    encoder = sum(p.numel() for p in model.encoder.parameters()) - model.module.shared.weight.numel()  # type: ignore[union-attr,operator]
    work = 2 * encoder * tokens * passes(grid)
    made: dict[str, float] = {"rows read": passes(grid), "seconds a row here": seconds}
    made["hours here"] = seconds * passes(grid) / 3600
    made |= {f"hours at {speed:g} TFLOP/s": work / speed / 1e12 / 3600 for speed in teraflops}
    return pd.Series(made)
