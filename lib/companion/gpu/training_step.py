"""One step of training with static shapes: the losses of a batch, and rates that stay on the device."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from companion.models import corruption, router_losses
from companion.models.optimizer import EPS_RMS, RMSScaledAdamW
from companion.models.recipe import Recipe


class DeviceAdamW(RMSScaledAdamW):
    """The same steps with rates that stay on the device, so that no step waits for a number."""

    def scale(self, lr: float) -> None:
        matrices = [group["params"][0].detach() for group in self.param_groups]
        norms = torch._foreach_norm(matrices)  # type: ignore[reportPrivateImportUsage]
        torch._foreach_div_(norms, [matrix.numel() ** 0.5 for matrix in matrices])  # type: ignore[reportPrivateImportUsage]
        for group, norm in zip(self.param_groups, norms, strict=True):
            group["lr"] = norm.clamp_min(EPS_RMS) * lr


class Losses(NamedTuple):
    """Of one step, on the device: cross-entropies in nats as `pretrain` logs them, and the routers' losses."""

    total: torch.Tensor
    logged: dict[str, torch.Tensor]


def losses(model: nn.Module, batch: Mapping[str, torch.Tensor], recipe: Recipe, sparse: Sequence[nn.Module]) -> Losses:
    """Windows, facts and tasks as one batch; each of them counts as in `pretrain`.

    Two things differ: facts are averaged over all their tokens, not over those of two halves, and everything is padded
    to one length, so that one program serves all steps.
    """
    inputs, targets = batch["inputs"], batch["targets"]
    mask = (inputs != 0).long()
    logits = model(input_ids=inputs, attention_mask=mask, labels=targets, use_cache=False).logits
    each = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
    known = targets != -100
    edges = list(itertools.accumulate((recipe.batch, recipe.facts, recipe.tasks), initial=0))
    rows = dict(zip(("loss", "facts_loss", "task_loss"), itertools.pairwise(edges), strict=True))
    logged = {
        name: each[a:b].sum() / ((b - a) if name == "task_loss" else known[a:b].sum())
        for name, (a, b) in rows.items()
        if b > a
    }
    total = torch.stack(list(logged.values())).sum()
    if sparse:  # routers are balanced on full windows, as there
        balance, z = router_losses.losses(of_windows(sparse, recipe))
        total = total + recipe.balance * balance + recipe.z_loss * z
        logged |= {"balance_loss": balance, "z_loss": z}
    return Losses(total, logged)


def of_windows(sparse: Sequence[nn.Module], recipe: Recipe) -> list[torch.Tensor]:
    """What the routers made of windows of text, without padding: those of the encoder, then of the decoder."""
    raw, hidden, spans = corruption.raw_length(recipe.length, recipe.noise, recipe.span)
    encoder = recipe.layers // 2
    lengths = [raw - hidden + spans + 1] * encoder + [hidden + spans + 1] * (len(sparse) - encoder)
    return [part.logits[: recipe.batch, :length] for part, length in zip(sparse, lengths, strict=True)]  # type: ignore[index]


def step(
    model: nn.Module,
    optimizer: RMSScaledAdamW,
    batch: Mapping[str, torch.Tensor],
    recipe: Recipe,
    rate: float,
    sparse: Sequence[nn.Module],
    *,
    half: bool,
) -> Losses:
    """One step of training; with `half`, products are bfloat16."""
    optimizer.scale(rate)
    with torch.autocast(batch["inputs"].device.type, torch.bfloat16, enabled=half):
        made = losses(model, batch, recipe, sparse)
    made.total.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return Losses(made.total.detach(), {k: v.detach() for k, v in made.logged.items()})
