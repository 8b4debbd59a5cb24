"""The optimizer of the companion models: AdamW with steps relative to each matrix's size."""

import torch

EPS_RMS = 1e-3  # the smallest scale a weight matrix is stepped by, as in Adafactor (Shazeer & Stern, 2018)


class RMSScaledAdamW(torch.optim.AdamW):
    """AdamW whose step is relative to each matrix's root mean square, as Adafactor's.

    A T5 starts with embeddings of size 1 and projections far smaller; one absolute step size suits not both,
    and a small model stays on the plateau where it ignores the encoder. Gradients are not clipped: in a
    trial of 400 steps that slowed the start. The scale follows the weights, so noise makes them grow by a
    factor of about exp(lr² / 2) a step: a high rate held for long ends in weights hundreds of times too
    large (measured: 3e-2 for 9,000 steps), which is why the rate falls from early on.
    """

    def __init__(self, parameters, **options) -> None:
        groups = [{"params": [p]} for p in parameters]
        super().__init__(groups, betas=(0.9, 0.98), weight_decay=0.0, **options)

    def scale(self, lr: float) -> None:
        """Set each matrix's rate to `lr` times its root mean square."""
        matrices = [group["params"][0].detach() for group in self.param_groups]
        norms = torch.stack(torch._foreach_norm(matrices)).tolist()  # type: ignore[reportPrivateImportUsage]
        for group, norm in zip(self.param_groups, norms, strict=True):
            group["lr"] = lr * max(norm / group["params"][0].numel() ** 0.5, EPS_RMS)
