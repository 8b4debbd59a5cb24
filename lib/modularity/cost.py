"""What perturbing the paper's models costs, from a small run of a model of their shape (Section 5)."""

import time

import pandas as pd

from modularity import answering, fewshot, fewshot_grid, functions, lesion_grid, models
from modularity.results import Grid

SHAPE = "google-t5/t5-base"  # a token costs a Switch-base as much: it visits one expert of T5's size
LEARNING = 3  # a step forward and backward costs about three passes


def passes(grid: Grid) -> int:
    """Rows that the model reads in all of a grid; a learning step counts three times."""
    plan = grid.plan
    if isinstance(plan, lesion_grid.Plan):
        masks = {setting: 1 + len(lesion_grid.wanted(plan, setting)) for setting in lesion_grid.SETTINGS}
        return sum(masks[setting] * plan.draws * plan.rows for _, setting, _ in grid.pieces())
    settings = fewshot_grid.SETTINGS[grid.track]
    tunings = plan.draws * len(fewshot_grid.STRATEGIES)
    of_setting = {
        name: s.steps * fewshot.BATCH * LEARNING + 2 * plan.judged * (s.steps // s.every + 1)
        for name, s in settings.items()
    }
    return sum(tunings * of_setting[setting] for _, setting, _ in grid.pieces())


def estimate(grid: Grid, *, rows: int = 8, teraflops: tuple[float, ...] = (10, 100)) -> pd.Series:
    """Cost of `grid`: measured seconds a row of an untrained T5-base here, and its encoder's operations on a GPU.

    Parameters
    ----------
    rows : of the mini task qnli that are read to measure.
    teraflops : 10^12 floating-point operations a second that a GPU is supposed to sustain.
    """
    model = models.load(SHAPE, untrained=True)
    table = functions.task_table("qnli").head(rows)
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
