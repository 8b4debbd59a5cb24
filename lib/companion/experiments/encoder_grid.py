"""The grid behind "Perturbing sentence encoders": what linear probes lose while a real model is perturbed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import zip_longest
from typing import Any

import numpy as np
import xarray as xr
from numcodecs import Zstd

from companion.experiments import encoder_masks, judged, lesions, read_outs
from companion.experiments.encoder_masks import ORDERS
from companion.experiments.encoder_plan import DRAWS, EVERY, FINE, MANY, SETTINGS
from companion.experiments.experiment import Cell, available
from companion.experiments.judged import Judged
from companion.experiments.lesions import Mask
from companion.models import catalogue
from modularity import identity, measure, moefication, neurons, perturb
from modularity.models import Model

READ_OUTS = ("accuracy", "area", "similarity")  # of the probe, the area under its ROC curve, and that of the cosine


@dataclass(frozen=True)
class EncoderGrid:
    """Of a real sentence encoder: a cell is a setting and a sub-function, a probe one order and number of it.

    A difference is that of one read-out; answers on the edge fall to the other side on another processor.
    """

    model: str
    settings: tuple[str, ...] = field(default=tuple(SETTINGS), repr=False)
    subfunctions: tuple[Judged, ...] = field(default=(), repr=False)  # those of `judged` if not given
    variance: float = perturb.VARIANCE  # of noise
    layers: tuple[int, ...] = ()  # perturbed, where a setting does not perturb all; the last third if not given
    tolerance: float = field(default=0.04, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"perturbing_{self.model}"

    @property
    def asked(self) -> dict[str, Judged]:
        return {one.name: one for one in self.subfunctions or judged.judged()}

    def cells(self) -> list[Cell]:
        available(partial(catalogue.folder_of, self.model))
        encoder_masks.totals(self.model, [0])
        functions = {f: [n for n, one in self.asked.items() if one.function == f] for f in encoder_masks.FUNCTIONS}
        in_turn = [name for names in zip_longest(*functions.values()) for name in names if name is not None]
        return [(setting, name) for name in in_turn for setting in self.settings]  # a probe is fitted once

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        model, fingerprint = _loaded(self.model)
        if fingerprint is None:
            return None
        setting, one = str(cell[0]), self.asked[str(cell[1])]
        return {
            "model": fingerprint,
            "cell": list(cell),
            "setting": [str(value) for name, value in SETTINGS[setting]._asdict().items() if name != "unseen"],
            "draws": DRAWS,
            "read out": [read_outs.FOLDS, list(read_outs.STRENGTHS)],
            "described by": encoder_masks.sample(),
            "subfunction": one.content,
            "variance": self.variance,
            "layers": self.perturbed(model, setting),
            "ranked": self.ranked(setting, self.perturbed(model, setting)).to_numpy(),  # also by what is unseen
            "experts": self.experts().to_numpy(),
            **measure.key(),
        }

    def perturbed(self, model: Model, setting: str) -> list[int]:
        """The layers of which neurons are perturbed.

        Raises
        ------
        ValueError
            One that the model has not.
        """
        every = sorted(neurons.feed_forward(model))
        if unknown := sorted(set(self.layers) - set(every)):
            raise ValueError(f"{self.model} has no encoder layer {unknown[0]}; its layers are 0 to {every[-1]}")
        return every if SETTINGS[setting].everywhere else sorted(self.layers) or lesions.last_third(model)

    def ranked(self, setting: str, layers: Sequence[int]) -> xr.DataArray:
        return encoder_masks.totals(self.model, layers, unseen=SETTINGS[setting].unseen)

    def experts(self) -> xr.DataArray:
        return moefication.experts(_loaded(self.model)[0], FINE)

    def compute(self, cell: Cell) -> xr.Dataset:
        return self.piece(cell).to_dataset(name="value")

    def piece(
        self,
        cell: Cell,
        only: Sequence[tuple[str, int]] | None = None,
        groups: xr.DataArray | None = None,
        ranked: xr.DataArray | None = None,
    ) -> xr.DataArray:
        """Read-outs of a cell, dims ``(read_out, order, number, draw)``; number 0 is the plain model, in all orders.

        What the setting has not, or is not asked for by `only`, is not a number.
        """
        setting, one = SETTINGS[str(cell[0])], self.asked[str(cell[1])]
        model, _ = _loaded(self.model)
        layers = self.perturbed(model, str(cell[0]))
        described = _described(self.model, tuple(layers))
        ranked = self.ranked(str(cell[0]), layers) if ranked is None else ranked.sel(layer=layers)
        groups = (self.experts() if groups is None else groups).sel(layer=layers)
        coordinates = {"read_out": list(READ_OUTS), "order": list(ORDERS), "number": sorted({0, *EVERY, *MANY})}
        result = xr.DataArray(np.nan, coordinates | {"draw": range(DRAWS)}, (*coordinates, "draw"), name="value")
        means, deviations = (dict(zip(layers, v, strict=True)) for v in (described.mean, described.deviation))
        noise: dict[str, Any] = {"how": setting.how, "variance": self.variance}
        noise["means"] = means if setting.how == "mean" else None
        noise["deviations"] = deviations if setting.scaled else None
        probe = judged.probe(model, one)
        with lesions.remembered(model, range(layers[0]), before_neurons_of=layers[0]):
            result.loc[{"number": 0}] = judged.judge(model, one, probe)[:, None, None]
            for order, number in setting.pairs if only is None else only:
                options: dict[str, Any] = {"ranked": ranked, "groups": groups, "described": described}
                found = encoder_masks.masks(ORDERS[order], number, draws=DRAWS, **options)
                for draw, mask in enumerate(found):
                    mask = _others(mask, ranked.sizes["neuron"]) if setting.kept else mask
                    with perturb.neurons(model, mask, rng=np.random.default_rng([draw, 1]), **noise):
                        result.loc[{"order": order, "number": number, "draw": draw}] = judged.judge(model, one, probe)
        return result

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """``value``, dims ``(setting, subfunction, …)``, not a number where a grid has none; ``experts``; ``written``,
        dims ``(perturbed, neuron)``, of `encoder_masks.Described` in the layers that are perturbed; and ``by_others``,
        dims ``(of, layer, neuron)``, of `encoder_masks.totals` where neurons are ranked by what is not judged."""
        ones = list(self.asked.values())
        rows = [xr.concat([made((s, name))["value"] for name in self.asked], "subfunction") for s in self.settings]
        whole = xr.concat(rows, "setting").astype(np.float32)
        whole = whole.assign_coords(
            setting=list(self.settings),
            subfunction=[one.name for one in ones],
            function=("subfunction", [one.function for one in ones]),
            content=("subfunction", [one.content for one in ones]),
        )
        model, _ = _loaded(self.model)
        layers = self.perturbed(model, self.settings[0])
        written = _described(self.model, tuple(layers)).written.astype(np.float32)
        data = xr.Dataset(
            {"value": whole, "experts": self.experts()}, attrs={"weights": identity.weights(model.module)}
        )
        data["written"] = xr.DataArray(written, {"perturbed": layers}, ("perturbed", "neuron"))
        packed = {"dtype": "uint16", "_FillValue": 65_535, "compressors": [Zstd(level=19)]}
        encoding = {"value": packed | {"scale_factor": 1e-4, "chunks": whole.shape}}
        if any(SETTINGS[setting].unseen for setting in self.settings):
            others = encoder_masks.totals(self.model, self.experts()["layer"].to_numpy().tolist(), unseen=True)
            data["by_others"] = others.drop_vars("function", errors="ignore").rename(subfunction="of")
            encoding["by_others"] = packed | {"scale_factor": 1 / 65_534, "chunks": others.shape}
        return data, encoding

    def provenance(self) -> Mapping[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        names, settings = (shipped[of].to_numpy().tolist() for of in ("subfunction", "setting"))
        return [(s, name, *pair) for s in settings for name in names for pair in SETTINGS[s].pairs]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        setting, name, order, number = probe
        model, _ = available(partial(_loaded, self.model))
        then = shipped["value"].sel(setting=setting, subfunction=name)
        same = self.asked[str(name)].content == then["content"].item()
        if not same or identity.weights(model.module) != shipped.attrs["weights"]:
            return float("nan")
        others = shipped["by_others"].rename(of="subfunction") if SETTINGS[str(setting)].unseen else None
        now = self.piece(probe[:2], [(str(order), int(number))], shipped["experts"], others)
        apart: xr.DataArray = abs(now - then).sel(order=order, number=number)
        return float(apart.to_numpy()[now.sel(order=order, number=number).notnull().to_numpy()].max())


@cache
def _loaded(name: str) -> tuple[Model, str | None]:
    model = catalogue.load(name)
    return model, model.fingerprint


@cache
def _described(name: str, layers: tuple[int, ...]) -> encoder_masks.Described:
    return encoder_masks.describe(_loaded(name)[0], layers, encoder_masks.sample())


def _others(mask: Mask, width: int) -> Mask:
    return {layer: np.setdiff1d(np.arange(width), chosen) for layer, chosen in mask.items()}
