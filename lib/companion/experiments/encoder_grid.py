"""The grid behind "Perturbing sentence encoders": what linear probes lose while a real model is perturbed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numcodecs import Zstd

from companion.experiments import encoder_masks, encoder_plan, lesions, read_outs
from companion.experiments.encoder_masks import ORDERS
from companion.experiments.encoder_plan import DRAWS, EVERY, FINE, MANY, PAIRS, PAIRS_READ, SETTINGS, Setting
from companion.experiments.experiment import Cell, available
from companion.experiments.lesions import Mask
from companion.experiments.shipped_readings import content
from companion.functions import tracks
from companion.models import catalogue
from modularity import identity, measure, moefication, neurons, perturb
from modularity.models import Model
from modularity.subfunction import SubFunction

READ_OUTS = ("probe", "similarity")


@dataclass(frozen=True)
class EncoderGrid:
    """Of a real sentence encoder: a cell is a setting and a sub-function, a probe one order and number of it.

    A difference is that of one read-out; answers on the edge fall to the other side on another processor.
    """

    model: str
    settings: tuple[str, ...] = field(default=tuple(SETTINGS), repr=False)
    subfunctions: tuple[SubFunction, ...] = field(default=(), repr=False)  # those of the plan if not given
    tolerance: float = field(default=0.04, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"perturbing_{self.model}"

    @property
    def judged(self) -> dict[str, SubFunction]:
        return {one.name: one for one in self.subfunctions or encoder_plan.judged()}

    def cells(self) -> list[Cell]:
        available(partial(catalogue.folder_of, self.model))
        encoder_masks.totals(self.model, [0])
        return [(setting, name) for setting in self.settings for name in self.judged]

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        model, fingerprint = _loaded(self.model)
        if fingerprint is None:
            return None
        setting, one = str(cell[0]), self.judged[str(cell[1])]
        return {
            "model": fingerprint,
            "cell": list(cell),
            "setting": [str(value) for value in SETTINGS[setting]],
            "draws": DRAWS,
            "read out": [read_outs.FOLDS, list(read_outs.STRENGTHS)],
            "described by": encoder_masks.sample(),
            "subfunction": content(one),
            "pairs": [str(v) for v in _table(one.name).to_numpy().ravel()] if one.name in PAIRS else [],
            "ranked": encoder_masks.totals(self.model, _layers(model, setting)).to_numpy(),
            "experts": self.experts().to_numpy(),
            **measure.key(),
        }

    def experts(self) -> xr.DataArray:
        return moefication.experts(_loaded(self.model)[0], FINE)

    def compute(self, cell: Cell) -> xr.Dataset:
        return self.piece(cell).to_dataset(name="value")

    def piece(
        self, cell: Cell, only: Sequence[tuple[str, int]] | None = None, groups: xr.DataArray | None = None
    ) -> xr.DataArray:
        """Read-outs of a cell, dims ``(read_out, order, number, draw)``; number 0 is the plain model, in all orders.

        What the setting has not, or is not asked for by `only`, is not a number.
        """
        setting, one = SETTINGS[str(cell[0])], self.judged[str(cell[1])]
        model, _ = _loaded(self.model)
        layers = _layers(model, str(cell[0]))
        described = _described(self.model, str(cell[0]))
        ranked = encoder_masks.totals(self.model, layers)
        groups = (self.experts() if groups is None else groups).sel(layer=layers)
        coordinates = {"read_out": list(READ_OUTS), "order": list(ORDERS), "number": sorted({0, *EVERY, *MANY})}
        result = xr.DataArray(np.nan, coordinates | {"draw": range(DRAWS)}, (*coordinates, "draw"), name="value")
        with lesions.remembered(model, range(layers[0])):
            judge = _judge(model, one)
            result.loc[{"number": 0}] = judge()[:, None, None]
            for order, number in setting.pairs if only is None else only:
                options: dict[str, Any] = {"ranked": ranked, "groups": groups, "described": described}
                found = encoder_masks.masks(ORDERS[order], number, draws=DRAWS, **options)
                for draw, mask in enumerate(found):
                    mask = _others(mask, ranked.sizes["neuron"]) if setting.kept else mask
                    with _perturbed(model, setting, mask, layers, described, draw):
                        result.loc[{"order": order, "number": number, "draw": draw}] = judge()
        return result

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """``value``, dims ``(setting, subfunction, …)``, not a number where a grid has none; and ``experts``."""
        ones = list(self.judged.values())
        rows = [xr.concat([made((s, name))["value"] for name in self.judged], "subfunction") for s in self.settings]
        whole = xr.concat(rows, "setting").astype(np.float32)
        whole = whole.assign_coords(
            setting=list(self.settings),
            subfunction=[one.name for one in ones],
            function=("subfunction", [one.function for one in ones]),
            content=("subfunction", [content(one) for one in ones]),
        )
        weights = identity.weights(_loaded(self.model)[0].module)
        data = xr.Dataset({"value": whole, "experts": self.experts()}).assign_attrs(weights=weights)
        packed = {"dtype": "uint16", "scale_factor": 1e-4, "_FillValue": 65_535, "compressors": [Zstd(level=19)]}
        return data, {"value": packed | {"chunks": whole.shape}}

    def provenance(self) -> Mapping[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        names, settings = (shipped[of].to_numpy().tolist() for of in ("subfunction", "setting"))
        return [(s, name, *pair) for s in settings for name in names for pair in SETTINGS[s].pairs]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        setting, name, order, number = probe
        model, _ = available(partial(_loaded, self.model))
        then = shipped["value"].sel(setting=setting, subfunction=name)
        same = content(self.judged[str(name)]) == then["content"].item()
        if not same or identity.weights(model.module) != shipped.attrs["weights"]:
            return float("nan")
        now = self.piece(probe[:2], [(str(order), int(number))], shipped["experts"])
        apart: xr.DataArray = abs(now - then).sel(order=order, number=number)
        return float(apart.to_numpy()[now.sel(order=order, number=number).notnull().to_numpy()].max())


SHIPPED = {name: EncoderGrid(name) for name in (catalogue.MPNET, catalogue.MINILM)}


@cache
def _loaded(name: str) -> tuple[Model, str | None]:
    model = catalogue.load(name)
    return model, model.fingerprint


@cache
def _described(name: str, setting: str) -> encoder_masks.Described:
    model, _ = _loaded(name)
    return encoder_masks.describe(model, _layers(model, setting), encoder_masks.sample())


def _layers(model: Model, setting: str) -> list[int]:
    return sorted(neurons.feed_forward(model)) if SETTINGS[setting].everywhere else lesions.last_third(model)


def _table(task: str) -> pd.DataFrame:
    return tracks.task_table(task).head(PAIRS_READ)


def _judge(model: Model, one: SubFunction) -> Callable[[], np.ndarray]:
    """What gives the read-outs of a sub-function by the model as it is when called; its probe is fitted now."""
    probe = read_outs.fit(read_outs.states(model, one.sentences), one.labels)
    table = _table(one.name) if one.name in PAIRS else None

    def judge() -> np.ndarray:
        found = [probe.accuracy(read_outs.states(model, one.sentences)), np.nan]
        if table is not None:
            first, second = (read_outs.states(model, table[column].tolist()) for column in PAIRS[one.name])
            found[1] = read_outs.similarity(first, second, table["label"].to_numpy())
        return np.array(found)

    return judge


def _others(mask: Mask, width: int) -> Mask:
    return {layer: np.setdiff1d(np.arange(width), chosen) for layer, chosen in mask.items()}


def _perturbed(
    model: Model, setting: Setting, mask: Mask, layers: Sequence[int], described: encoder_masks.Described, draw: int
):
    means, deviations = (dict(zip(layers, values, strict=True)) for values in (described.mean, described.deviation))
    return perturb.neurons(
        model,
        mask,
        how=setting.how,
        rng=np.random.default_rng([draw, 1]),
        means=means if setting.how == "mean" else None,
        deviations=deviations if setting.scaled else None,
    )
