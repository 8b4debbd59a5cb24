"""The grid behind "Perturbing sentence encoders": what linear probes lose while a real model is perturbed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numcodecs import Zstd

from companion.experiments import encoder_masks, lesions, read_outs
from companion.experiments.encoder_masks import CURVES, EXPERTS, FAIR, FUNCTIONS, NEURONS, ORDERS
from companion.experiments.experiment import Cell, UnavailableError
from companion.experiments.lesion_orders import Order
from companion.experiments.lesions import Mask
from companion.experiments.shipped_readings import Readings, content
from companion.functions import tracks
from companion.models import catalogue
from modularity import identity, measure, moefication, neurons, perturb
from modularity.models import Model
from modularity.subfunction import SubFunction

FINE = 96  # experts a layer, as the paper perturbs them
EVERY = (1, 2, 3, 4, 6, 8, 10, 12, 15, 19)  # of them, up to a fifth
SOME = (5, 10, 19)
FIFTH = 19
TWO = (10, FIFTH)
MANY = (*SOME, 29, 48)  # up to a half
KEPT = (5, 10, 19, 48)
SUBFUNCTIONS = 8  # of each function, at most
PER_CLASS = {"semantic": 50, "knowledge": 150, "task": 100}  # sentences; those of knowledge are short, and probes weak
PAIRS_READ = 150  # of a data set of paraphrases
DRAWS = 3  # of random neurons and permuted partitions; what is not drawn has one, which has noise of its own
PAIRS = {"mrpc": ("sentence1", "sentence2"), "qqp": ("question1", "question2")}  # judged by similarity too
READ_OUTS = ("probe", "similarity")
MAIN = [Order(), *EXPERTS, *NEURONS]


class Setting(NamedTuple):
    """What is perturbed, how, and by which orders at which numbers of experts."""

    how: perturb.How
    pairs: tuple[tuple[str, int], ...]
    scaled: bool = False  # the noise of a neuron is in units of its own standard deviation
    everywhere: bool = False  # all layers, not the last third
    kept: bool = False  # all other neurons are perturbed


def _pairs(*parts: tuple[Sequence[Order], Sequence[int]]) -> tuple[tuple[str, int], ...]:
    return tuple(
        dict.fromkeys((str(order), number) for orders, numbers in parts for order in orders for number in numbers)
    )


SETTINGS: Mapping[str, Setting] = {
    "scaled": Setting("gaussian", _pairs((CURVES, EVERY), (FAIR, TWO), (MAIN, MANY)), scaled=True),
    "zero": Setting("zero", _pairs((MAIN, MANY))),
    "zero, all layers": Setting("zero", _pairs((MAIN, MANY), (FAIR, (FIFTH,))), everywhere=True),
    "scaled, all layers": Setting("gaussian", _pairs((MAIN, SOME)), scaled=True, everywhere=True),
    "text": Setting("gaussian", _pairs(([Order(), *EXPERTS], (1, *SOME)))),  # Section 5 and Appendix A.2
    "mean": Setting("mean", _pairs((MAIN, SOME))),
    "code": Setting("shuffle", _pairs(([Order(), *EXPERTS], SOME))),  # the authors' code
    "kept": Setting("zero", _pairs((MAIN, KEPT)), kept=True),
    "kept, all layers": Setting("zero", _pairs((MAIN, KEPT)), everywhere=True, kept=True),
}


@cache
def judged() -> tuple[SubFunction, ...]:
    """The sub-functions whose probes are judged: of each function some, spread evenly over its list."""
    made: list[SubFunction] = []
    for function in FUNCTIONS:
        every = tracks.load(function)  # type: ignore[arg-type]
        chosen = np.unique(np.linspace(0, len(every) - 1, min(SUBFUNCTIONS, len(every))).round().astype(int))
        made += [tracks.first(every[i], PER_CLASS[function]) for i in chosen]
    return tuple(made)


@dataclass(frozen=True)
class EncoderGrid:
    """Of a real sentence encoder: a cell is a setting and a sub-function, a probe one order and number of it.

    A difference is that of one read-out; answers on the edge fall to the other side on another processor.
    """

    model: str
    tolerance: float = field(default=0.04, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"perturbing_{self.model}"

    def cells(self) -> list[Cell]:
        Readings(self.model).cells()  # of the same model, by whose reading neurons are ranked
        encoder_masks.totals(self.model, [0])
        return [(setting, one.name) for setting in SETTINGS for one in judged()]

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        model, fingerprint = _loaded(self.model)
        if fingerprint is None:
            return None
        setting, one = str(cell[0]), _named(cell)
        return {
            "model": fingerprint,
            "cell": list(cell),
            "setting": [str(value) for value in SETTINGS[setting]],
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
        setting, one = SETTINGS[str(cell[0])], _named(cell)
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
        ones = judged()
        rows = [xr.concat([made((setting, one.name))["value"] for one in ones], "subfunction") for setting in SETTINGS]
        whole = xr.concat(rows, "setting").astype(np.float32)
        whole = whole.assign_coords(
            setting=list(SETTINGS),
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
        names = shipped["subfunction"].to_numpy().tolist()
        return [(setting, name, *pair) for setting, of in SETTINGS.items() for name in names for pair in of.pairs]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        setting, name, order, number = probe
        try:
            model, _ = _loaded(self.model)
        except FileNotFoundError as error:
            raise UnavailableError(str(error)) from error
        then = shipped["value"].sel(setting=setting, subfunction=name)
        if (
            identity.weights(model.module) != shipped.attrs["weights"]
            or content(_named(probe)) != then["content"].item()
        ):
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
    return encoder_masks.describe(model, _layers(model, setting))


def _layers(model: Model, setting: str) -> list[int]:
    return sorted(neurons.feed_forward(model)) if SETTINGS[setting].everywhere else lesions.last_third(model)


def _named(cell: Cell) -> SubFunction:
    return {one.name: one for one in judged()}[str(cell[1])]


def _table(task: str):
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
