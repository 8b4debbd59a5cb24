"""The neurons that are best at a sub-function, and how far two sub-functions share them (Section 4)."""

import numpy as np
import xarray as xr

SHARE = 0.01  # of the neurons of a layer, as in the paper


def number(neurons: int, share: float = SHARE) -> int:
    """How many neurons `share` of a layer is, rounded down: 30 of 3,072 and 491 of 49,152, as in the authors' code.

    Raises
    ------
    ValueError
        The share is not in (0, 1], or less than one neuron.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of top neurons is {share}, expected more than 0 and at most 1")
    top = int(share * neurons + 1e-9)  # 0.07 * 100 is a little more than 7
    if top < 1:
        raise ValueError(
            f"{share:.2%} of {neurons} neurons is less than one; take a share of at least {1 / neurons:.2g}"
        )
    return top


def top_neurons(scores: xr.DataArray, share: float = SHARE) -> xr.DataArray:
    """Which neurons have the highest predictivities of their layer, for each sub-function.

    Parameters
    ----------
    scores : dims ``(subfunction, layer, neuron)``, as `sweep.scores` returns them.
    share : of the neurons of a layer; among equals those of lower number are taken.

    Returns
    -------
    bool of the same dims and coordinates, exactly ``number(N, share)`` true in each row.

    Raises
    ------
    ValueError
        A predictivity that is no number, other dims, or a share that `number` refuses.
    """
    if scores.dims != ("subfunction", "layer", "neuron"):
        raise ValueError(f"scores have the dims {scores.dims}, expected ('subfunction', 'layer', 'neuron')")
    top = number(scores.sizes["neuron"], share)
    members = np.zeros(scores.shape, dtype=bool)
    for row, values in zip(members, scores.to_numpy(), strict=True):  # one sub-function at a time bounds the memory
        if np.isnan(values).any():
            layer, neuron = np.argwhere(np.isnan(values))[0]
            raise ValueError(f"the predictivity of neuron {neuron} in layer {layer} is not a number; score it again")
        row[:] = _best(values, top)
    return xr.DataArray(members, scores.coords, scores.dims, name="top")


def _best(values: np.ndarray, top: int) -> np.ndarray:
    """Which are the `top` highest values of each row, the first of equals."""
    least = np.partition(values, -top, axis=-1)[..., -top, None]
    chosen = values >= least
    surplus = chosen.sum(-1) - top
    for place in np.argwhere(surplus):  # more are equal to the least than there is room for
        row = tuple(place)
        equal = np.flatnonzero(values[row] == least[row])
        chosen[(*row, equal[-surplus[row] :])] = False
    return chosen


def overlap(members: xr.DataArray) -> xr.DataArray:
    """Share of the top neurons that two sub-functions have in common, dims ``(layer, subfunction, other)``.

    A sub-function has 1 with itself; by chance two of them share k / N of their k top neurons.
    """
    top = members.isel(subfunction=0, layer=0).sum().item()
    rows = members.transpose("layer", "subfunction", "neuron").to_numpy().astype(np.float32)
    names = members["subfunction"].to_numpy()
    return xr.DataArray(
        rows @ rows.swapaxes(1, 2) / top,
        {"layer": members["layer"].to_numpy(), "subfunction": names, "other": names},
        ("layer", "subfunction", "other"),
        name="overlap",
    )
