"""The neurons that are best at a sub-function, and how far two sub-functions share them (Section 4)."""

import numpy as np
import xarray as xr

SHARE = 0.01  # of the neurons of a layer, as in the paper
HALVES = ("first", "second")  # of the sentences of a sub-function, in a reading


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


def top_neurons(scores: xr.DataArray | xr.Dataset, share: float = SHARE, *, half: str | None = None) -> xr.DataArray:
    """Which neurons have the highest predictivities of their layer, for each sub-function.

    Parameters
    ----------
    scores : a reading (`readings.read`), or all scores with the dims ``(subfunction, layer, neuron)``.
    share : of the neurons of a layer; among equals those of lower number are taken.
    half : of a reading, ``first`` or ``second``: scored on only these sentences, of which 1 % are kept; all sentences
        if not given.

    Returns
    -------
    bool of dims ``(subfunction, layer, neuron)``, exactly ``number(N, share)`` true in each row.

    Raises
    ------
    ValueError
        A predictivity that is no number, other dims, a share that `number` refuses, or a larger one than was kept.
    """
    if isinstance(scores, xr.Dataset):
        ranked = scores["top"] if half is None else scores["half_top"].sel(half=half).rename(place="rank")
        return _of_reading(ranked, scores.attrs["neurons"], share)
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


def best(reading: xr.Dataset) -> xr.DataArray:
    """Predictivity of the best neuron of a reading, dims ``(subfunction, layer)``."""
    return reading["score"].isel(rank=0)


def _of_reading(ranked: xr.DataArray, neurons: int, share: float) -> xr.DataArray:
    top = number(neurons, share)
    if top > ranked.sizes["rank"]:
        raise ValueError(
            f"the reading has kept the best {ranked.sizes['rank']} of {neurons} neurons, fewer than a share of "
            f"{share:g}; read again with kept={share:g}"
        )
    members = np.zeros((*ranked.shape[:-1], neurons), dtype=bool)
    np.put_along_axis(members, ranked.to_numpy()[..., :top].astype(np.intp), True, axis=-1)
    dims = ("subfunction", "layer", "neuron")
    coordinates = {k: v for k, v in ranked.coords.items() if set(v.dims) <= set(dims) and v.dims}
    return xr.DataArray(members, coordinates, dims, name="top")


def _best(values: np.ndarray, top: int) -> np.ndarray:
    """Which are the `top` highest values of each row, the first of equals."""
    places = np.argsort(-values, axis=-1, kind="stable")[..., :top]
    chosen = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(chosen, places, True, axis=-1)
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
