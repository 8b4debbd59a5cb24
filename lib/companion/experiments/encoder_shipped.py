"""The grids of sentence encoders that this book ships, and how a page gets one, or another than these."""

from collections.abc import Sequence
from dataclasses import replace

import xarray as xr

from companion.experiments import encoder_masks, experiment, judged
from companion.experiments.encoder_grid import EncoderGrid
from companion.experiments.encoder_plan import DECISIVE, SETTINGS
from companion.experiments.experiment import Checked, Recompute
from companion.models import catalogue
from modularity import perturb

SHIPPED = {grid.model: grid for grid in (EncoderGrid(catalogue.MPNET, DECISIVE), EncoderGrid(catalogue.MINILM))}


def known(name: str) -> str:
    """The name of a sentence encoder of this book.

    Raises
    ------
    ValueError
        Another model: none of it is shipped by which neurons could be ranked.
    """
    if (found := catalogue.known_as(name)) not in SHIPPED:
        raise ValueError(
            f"{found!r} is no sentence encoder of this book, whose shipped readings rank the neurons that are "
            f"perturbed; give {' or '.join(SHIPPED)}"
        )
    return found


def obtain(
    name: str,
    recompute: Recompute = "slice",
    *,
    settings: Sequence[str] = (),
    variance: float = perturb.VARIANCE,
    layers: Sequence[int] = (),
    per_function: int = 0,
    seed: int = -1,
) -> tuple[xr.Dataset, Checked]:
    """The grid of a model: shipped and rechecked, or computed where it is another one than this book's.

    Parameters
    ----------
    settings, variance, layers : those of `EncoderGrid`; if no settings are named, those that are shipped of the model.
    per_function : of each function's sub-functions, the first; 0 for all.
    seed : of the choice of what is computed again; negative for another one each time.

    Raises
    ------
    ValueError
        Another model, an unknown setting, a negative number of sub-functions, and what the grid raises.
    """
    experiment.check(recompute)
    if unknown := [setting for setting in settings if setting not in SETTINGS]:
        raise ValueError(f"unknown setting {unknown[0]!r}; known: {', '.join(SETTINGS)}")
    if per_function < 0:
        raise ValueError(f"got {per_function} sub-functions of each function, expected 1 or more, or 0 for all")
    usual = SHIPPED[known(name)]
    every = judged.judged()
    some = [[one for one in every if one.function == f][: per_function or None] for f in encoder_masks.FUNCTIONS]
    asked = replace(
        usual,
        settings=tuple(settings) or usual.settings,
        subfunctions=tuple(one for of_function in some for one in of_function),
        variance=variance,
        layers=tuple(layers),
    )
    same = (variance, tuple(layers)) == (usual.variance, usual.layers) and {*asked.settings} <= {*usual.settings}
    if not same or recompute == "full" or not experiment.is_shipped(usual):
        return experiment.obtain(asked, "full")
    made, said = experiment.obtain(usual, recompute, cells=1, seed=seed)
    return made.sel(setting=list(asked.settings), subfunction=list(asked.asked)), said
