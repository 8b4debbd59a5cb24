"""What the companion models are trained for: the losses of one batch, as scalars to be summed."""

import torch
from torch.nn import functional

from companion.models import router_losses, training_log
from companion.models.recipe import Recipe


def span_loss(
    model: torch.nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    recipe: Recipe,
    record: training_log.Record,
    name: str = "loss",
) -> torch.Tensor:
    """Cross-entropy of what is hidden, in nats a token; in Switch with the losses of its routers."""
    record.tokens += inputs.numel()
    windows = name == "loss"
    mask = None if windows else (inputs != 0).long()  # windows are full
    if not (recipe.experts and windows):  # routers are balanced on full windows: padding would be routed too
        loss = model(input_ids=inputs, attention_mask=mask, labels=targets).loss
        record.add(**{name: loss.item()})
        return loss
    output = model(input_ids=inputs, labels=targets, output_router_logits=True)
    # `output.loss` already holds the library's pooled router losses: the plain one is computed anew.
    loss = functional.cross_entropy(output.logits.float().flatten(0, 1), targets.flatten())
    logits = [x for part in (output.encoder_router_logits, output.decoder_router_logits) for x in part or ()]
    balance, z = router_losses.losses(logits)
    record.add(**{name: loss.item()}, balance_loss=balance.item(), z_loss=z.item())
    record.load = router_losses.expert_load(output.encoder_router_logits, recipe.capacity)
    return loss + recipe.balance * balance + recipe.z_loss * z


def task_loss(
    model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor, recipe: Recipe, record: training_log.Record
) -> torch.Tensor:
    """Cross-entropy of the answers, in nats an answer: a mean over tokens would be that of their easy ends."""
    record.tokens += inputs.numel()
    logits = model(input_ids=inputs, attention_mask=(inputs != 0).long(), labels=targets).logits
    total = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum")
    record.add(task_loss=total.item() / len(targets))
    return total / len(targets)
