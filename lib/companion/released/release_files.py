"""What the authors' released result files hold, as arrays and tables, each checked for what it should be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments.lesion_orders import AVG, MOE, Order
from companion.released import release

LAYERS, NEURONS, CHECKPOINTS = 12, 3072, 40
MOE_LAYERS = tuple(range(1, LAYERS, 2))  # of Switch-base
SEEDS = 8
STRATEGIES = {"Original": "Original", "NoFunction": "No Function", "Function": "Function"}
TASKS = ("cola", "mnli", "mrpc", "rte", "qnli", "qqp", "sst2")
LEVELS = {"expert": "expert", "random_partition": "random", "neuron": "neuron"}
MODELS = {"T5_step": "t5", "switchT5_step": "switch"}
ORDERS = {"random": str(Order()), "ap_avg": str(AVG), "moe": str(MOE)}


@dataclass(frozen=True)
class Release:
    """What the files hold; layers are counted from 0.

    ``partitions``: 16 or 96 → expert of each neuron of T5-base, dims ``(layer, neuron)``. ``predictivity``: each
    neuron's, summed over eight task sub-functions, same dims. ``expert_sums``: of ``predictivity`` over the 96
    experts, as the authors stored it, dims ``(layer, expert)``. ``perturbed``: ``task, order, number`` (experts of
    96) ``, repeat, accuracy``. ``tuned``: ``task, strategy, seed, evaluation, accuracy``, and ``reported`` the
    accuracy that the authors took from each curve. ``stabilization``: ``model, function, level, layer, share``
    (of the run, at the later checkpoint) ``, value``.
    """

    partitions: dict[int, xr.DataArray]
    predictivity: xr.DataArray
    expert_sums: xr.DataArray
    perturbed: pd.DataFrame
    tuned: pd.DataFrame
    reported: pd.DataFrame
    stabilization: pd.DataFrame


def read(folder: Path, *, verify: bool = True) -> Release:
    """All result files of `folder`.

    Parameters
    ----------
    verify : ask for the very bytes of the pinned commit. Without it a folder that the authors' scripts wrote anew is
        read as well; what it holds is checked all the same.

    Raises
    ------
    FileNotFoundError, ValueError
        As `release.check` and `release.load`; or a file does not hold what it should.
    """
    release.check(folder, verify=verify)
    partitions = {
        16: _layers(_partition(folder / "MoEfication/T5.bin", 16)),
        96: _layers(_partition(folder / "Perturbation4T5/t5_encoder_cluster_96_weight.bin", 96)),
    }
    averages = [folder / f"Perturbation4T5/average_predictivity/{i}.bin" for i in range(LAYERS)]
    sums = folder / "Perturbation4T5/t5_96_task_expert.bin"
    return Release(
        partitions=partitions,
        predictivity=_layers(np.stack([_numbers(file, (NEURONS,)) for file in averages])),
        expert_sums=xr.DataArray(_numbers(sums, (LAYERS, 96)), {"layer": range(LAYERS)}, ("layer", "expert")),
        perturbed=_perturbed(folder / "Perturbation4T5/results.txt"),
        tuned=_tuned(folder / "Perturbation4SwitchTransformer/save"),
        reported=_reported(folder / "Perturbation4SwitchTransformer/save"),
        stabilization=_stabilization(folder / "Stabilization/Spearman"),
    )


def _layers(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, {"layer": range(LAYERS)}, ("layer", "neuron"))


def _numbers(file: Path, shape: Sequence[int] | None, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
    """The finite numbers of a file, of a known shape (any row where None) and range."""
    values = np.asarray(release.load(file))
    expected = f"{'x'.join(map(str, shape))} numbers" if shape else "a row of numbers"
    if values.dtype.kind not in "fi" or (
        values.shape != tuple(shape) if shape else values.ndim != 1 or not len(values)
    ):
        raise ValueError(f"{file} holds {values.dtype} of shape {values.shape}, expected {expected}; fetch it again")
    if not np.isfinite(values).all() or values.min() < low or values.max() > high:
        raise ValueError(f"{file} holds numbers outside {low} to {high}; fetch it again")
    return values


def _partition(file: Path, experts: int) -> np.ndarray:
    """The expert of every neuron of every layer, from a dict with a row a layer."""
    rows = release.load(file)
    names = [f"encoder.block.{i}.layer.1.DenseReluDense.wi.weight" for i in range(LAYERS)]
    if not isinstance(rows, dict) or list(rows) != names:
        raise ValueError(f"{file} holds no partition of the {LAYERS} encoder layers of T5-base; fetch it again")
    table = np.array(list(rows.values()))
    sizes = {n for row in table for n in np.bincount(row.ravel().astype(int), minlength=experts)}
    if table.shape != (LAYERS, NEURONS) or sizes != {NEURONS // experts}:
        raise ValueError(f"{file} deals neurons to experts of sizes {sorted(sizes)}, expected {experts} of equal size")
    return table.astype(np.int64)


def _perturbed(file: Path) -> pd.DataFrame:
    names = ["task", "how", "number", "repeat", "variance", "ranked_by", "accuracy"]
    try:
        table: Any = pd.read_csv(file, sep=" ", names=names, dtype={"accuracy": float, "number": int})
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{file} is no table of {', '.join(names)}: {error}; fetch it again") from error
    single = table["ranked_by"].map(lambda task: str(Order("neurons", str(task))))
    if not (known := table["how"].isin([*ORDERS, "ap"]) & table["accuracy"].between(0, 1)).all():
        raise ValueError(f"{file}:{int(np.argmin(known)) + 1} is no run of a known order with an accuracy")
    order = table["how"].map(ORDERS.get).fillna(single)
    return table.assign(order=order)[["task", "order", "number", "repeat", "accuracy"]]


def _tuned(folder: Path) -> pd.DataFrame:
    made = []
    for task in TASKS:
        for part, strategy in STRATEGIES.items():
            for seed in range(SEEDS):
                curve = _numbers(folder / f"{task}_128training/{part}/validation_{seed}.bin", None, 0, 1)
                rows = {"task": task, "strategy": strategy, "seed": seed}
                made.append(pd.DataFrame({**rows, "evaluation": np.arange(len(curve)), "accuracy": curve}))
    return pd.concat(made, ignore_index=True)


def _reported(folder: Path) -> pd.DataFrame:
    made = []
    for task in TASKS:
        for part, strategy in STRATEGIES.items():
            for seed in range(SEEDS):
                file = folder / f"{task}_128training/{part}/result_{seed}.txt"
                found = re.match(r"accuracy = (0?\.\d+|[01]\.\d*)\s", file.read_text(encoding="utf-8"))
                if not found:
                    raise ValueError(f"{file} does not begin with an accuracy; fetch it again")
                made.append((task, strategy, seed, float(found[1])))
    return pd.DataFrame(made, columns=["task", "strategy", "seed", "accuracy"])


def _stabilization(folder: Path) -> pd.DataFrame:
    share = np.arange(1, CHECKPOINTS + 1) / CHECKPOINTS
    made = []
    for part, model in MODELS.items():
        for kind, level in LEVELS.items():
            layers = MOE_LAYERS if model == "switch" and level != "neuron" else range(LAYERS)
            for function in ("semantic", "knowledge", "task"):
                for layer in layers:
                    values = _numbers(folder / part / kind / function / f"{layer}.bin", (CHECKPOINTS,), -1, 1)
                    rows = {"model": model, "function": function, "level": level, "layer": layer}
                    made.append(pd.DataFrame({**rows, "share": share, "value": values.astype(float)}))
    return pd.concat(made, ignore_index=True)
