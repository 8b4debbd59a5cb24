"""When routers and the experts' words settle: an experiment, of a short run of switch-mini by its own recipe.

The checkpoints of the shipped runs are not kept, and their histories hold nothing of the routers. This run has the
recipe of switch-mini in every respect but the number of steps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int
from numcodecs import Zstd

from companion.experiments import emergence_order, histories, stored_scores
from companion.experiments.emergence_order import LEVELS, STEP
from companion.experiments.experiment import Cell, UnavailableError
from companion.experiments.shipped_readings import content
from companion.models import catalogue
from companion.models.recipe import RECIPES, Recipe
from modularity import capture, measure, moefication, neurons
from modularity.models import Model

STEPS = 1_500
EVERY = 2  # every second checkpoint is read, and the last
OFTEN = 20  # times that a word has to occur in the text that is routed
Routed = Int[np.ndarray, "layer token"]


@dataclass(frozen=True)
class RouterHistory:
    """A cell is a checkpoint of the run, a probe a sub-function at its start, which its seed makes. A difference is the
    largest of a sub-function's correlations of halves, or of the shares of tokens at the start."""

    model: str = "switch-mini"
    steps: int = STEPS
    seed: int = 0
    tolerance: float = field(default=0.01, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return "order_routers"

    @property
    def recipe(self) -> Recipe:
        return replace(RECIPES[self.model], steps=self.steps, seed=self.seed)

    @property
    def place(self) -> Path:
        return catalogue.runs_folder() / f"{self.model}-{self.steps}" / f"seed-{self.seed}"

    def chosen(self) -> list[int]:
        """The checkpoints that are read."""
        every = self.recipe.checkpoints()
        return sorted({*every[::EVERY], every[-1]})

    def cells(self) -> list[Cell]:
        """`UnavailableError` where the run is not on this machine."""
        if missing := set(self.chosen()) - set(catalogue.steps(self.place)):
            raise UnavailableError(
                f"{self.place} has no checkpoint of step {min(missing)}; python -m companion.models.pretrain "
                f"{self.model} --steps {self.steps} --seed {self.seed} --out {self.place} makes it"
            )
        return [(step,) for step in self.chosen()]

    def load(self, step: int) -> Model:
        return catalogue.load(str(self.place), step=step)

    def start(self) -> Model:
        """The first checkpoint, which the seed makes; checkpoints are kept in bfloat16."""
        tokenizer = catalogue.tokenizer()
        module = self.recipe.build(len(tokenizer)).to(torch.bfloat16).to(torch.float32)
        return Model(self.model, module.eval().requires_grad_(False), tokenizer, step=0)

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        read = [content(s) for s in emergence_order.asked()]
        return {"model": self.load(int(cell[0])).fingerprint, "subfunctions": read, **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        """``halves`` (half, subfunction, layer, neuron), and ``routed`` (router, token), the expert of each token."""
        model = self.load(int(cell[0]))
        halves = stored_scores.compute(model, emergence_order.asked(), halves=histories.SPLIT).astype(np.float32)
        return xr.Dataset({"halves": halves, "routed": (("router", "token"), routed(model, sentences()).astype("u1"))})

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """``with_end`` of `emergence_order.along`, and what `of_routers` returns, over ``moment``, the step."""
        steps = self.chosen()
        tokens = token_ids(self.start(), sentences())
        halves = {step: made((step,))["halves"].to_numpy() for step in steps}
        routes = {step: made((step,))["routed"].to_numpy() for step in steps}
        own = moefication.experts(self.start()).to_numpy()
        whole = of_routers(routes, tokens)
        whole["with_end"] = emergence_order.along(halves, own)
        whole = whole.assign_coords(
            subfunction=[s.name for s in emergence_order.asked()],
            function=("subfunction", [s.function for s in emergence_order.asked()]),
            content=("subfunction", [content(s) for s in emergence_order.asked()]),
        )
        packed = {"dtype": "i2", "scale_factor": STEP, "_FillValue": -(2**15), "compressors": [Zstd(level=22)]}
        return whole, {str(n): packed | {"chunks": whole[n].shape} for n in whole.data_vars}

    def provenance(self) -> Mapping[str, object]:
        return {"model": self.model, "steps": self.steps, "seed": self.seed}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(0, name) for name in shipped["subfunction"].to_numpy().tolist()]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        one = [s for s in emergence_order.asked() if s.name == probe[1]]
        then = shipped.sel(moment=0, subfunction=str(probe[1]))
        if not one or content(one[0]) != then["content"].item():
            return float("nan")
        start = self.start()
        halves = {0: stored_scores.compute(start, one, halves=histories.SPLIT).to_numpy()}
        now = emergence_order.along(halves, moefication.experts(start).to_numpy()).isel(subfunction=0, moment=0)
        off = np.abs(now - then["with_end"]).sel(pair="reliability", level=list(LEVELS)).to_numpy()
        text = sentences()
        words = of_routers({0: routed(start, text)}, token_ids(start, text)).isel(moment=0)
        return float(max(off.max(), np.abs(words["words"] - then["words"]).max()))


def sentences() -> list[str]:
    """The text that is routed: all sentences of the sub-functions, of which no model has been trained on those of
    words; each once."""
    return list(dict.fromkeys(s for one in emergence_order.asked() for s in one.sentences))


def token_ids(model: Model, text: Sequence[str]) -> Int[np.ndarray, "token"]:
    """The tokens of all sentences, one after another."""
    return np.concatenate([np.asarray(ids) for ids in capture.tokenize(model, text)])


@torch.inference_mode()
def routed(model: Model, text: Sequence[str], *, batch_tokens: int = 2048) -> Routed:
    """The expert that each router of the encoder chooses for each token, in the order of `token_ids`.

    Raises
    ------
    ValueError
        A model without routers.
    """
    parts = [part for part in neurons.feed_forward(model).values() if part.sparse is not None]
    if not parts:
        raise ValueError(f"{model.name} has no routers; expected a Switch")
    ids = capture.tokenize(model, text)
    made = [np.zeros((len(parts), len(one)), dtype=np.int64) for one in ids]
    taken: list[torch.Tensor] = []
    handles = [
        part.sparse.router.register_forward_hook(lambda _m, _i, output: taken.append(output[2].argmax(-1)))  # type: ignore[union-attr]
        for part in parts
    ]
    try:
        for chosen in capture.batches([len(one) for one in ids], batch_tokens):
            taken.clear()
            capture.encoded(model, ids, chosen)
            for row, i in enumerate(chosen):
                made[i][:] = [layer[row, : len(ids[i])].cpu().numpy() for layer in taken]
    finally:
        for handle in handles:
            handle.remove()
    return np.concatenate(made, axis=1)


def of_routers(routes: Mapping[int, Routed], tokens: Int[np.ndarray, "token"]) -> xr.Dataset:
    """How routes at each step go with the last ones, and with the tokens themselves.

    Returns
    -------
    Dims ``(moment, router)``:

    - ``saturation``: the share of tokens with the same expert as at the last step, above what the experts' loads give
      by chance (Cohen's kappa);
    - ``vocabulary``: the same of tokens' main experts, over the kinds of tokens that occur `OFTEN`;
    - ``words``: how much of the uncertainty about a token's expert its kind takes away, over the same tokens, minus the
      same where tokens are routed as they are, but kinds are shuffled among them.
    """
    kinds, of = np.unique(tokens, return_inverse=True)
    often = np.bincount(of) >= OFTEN
    known = often[of]
    end = routes[max(routes)]
    number = int(max(r.max() for r in routes.values())) + 1
    shuffled = np.random.default_rng(0).permutation(of[known])
    made = {"saturation": [], "vocabulary": [], "words": []}
    for route in routes.values():
        pairs = list(zip(route, end, strict=True))
        tables = [[_table(of[known], layer[known], len(kinds), number)[often] for layer in pair] for pair in pairs]
        made["saturation"].append([kappa(*pair, number) for pair in pairs])
        made["vocabulary"].append([kappa(*(t.argmax(1) for t in pair), number) for pair in tables])
        by_chance = [_table(shuffled, layer[known], len(kinds), number)[often] for layer, _ in pairs]
        made["words"].append([_explained(t[0]) - _explained(c) for t, c in zip(tables, by_chance, strict=True)])
    return xr.Dataset({n: (("moment", "router"), np.array(v)) for n, v in made.items()}, {"moment": list(routes)})


def kappa(one: Int[np.ndarray, "item"], other: Int[np.ndarray, "item"], number: int) -> float:
    """Cohen's kappa of two assignments of the same items to `number` classes; 1 if both are the same single class."""
    shares = [np.bincount(a, minlength=number) / len(a) for a in (one, other)]
    chance = float(shares[0] @ shares[1])
    return 1.0 if chance == 1 else float((np.mean(one == other) - chance) / (1 - chance))


def _table(kinds: np.ndarray, classes: np.ndarray, rows: int, columns: int) -> np.ndarray:
    return np.bincount(kinds * columns + classes, minlength=rows * columns).reshape(rows, columns)


def _explained(table: np.ndarray) -> float:
    """Mutual information of rows and columns as a share of the entropy of columns; 0 if there is none."""
    joint = table / table.sum()
    entropy = [-(p[p > 0] * np.log(p[p > 0])).sum() for p in (joint.sum(0), joint.sum(1), joint.ravel())]
    return float((entropy[0] + entropy[1] - entropy[2]) / entropy[0]) if entropy[0] > 0 else 0.0


SHIPPED = RouterHistory()
