"""Which expert each neuron of a layer belongs to: by its input weights, by the router's experts, or by chance."""

import numpy as np
from jaxtyping import Float, Int


def by_weights(
    w_in: Float[np.ndarray, "neuron d_model"], n_experts: int, *, seed: int = 0, starts: int = 1
) -> Int[np.ndarray, "neuron"]:
    """Experts of exactly equal size: balanced k-means on the normalised rows of W_I (MoEfication, Zhang et al., 2022).

    Neurons whose weights point the same way respond to the same inputs. The result depends on `seed`; the best
    of `starts` is kept.

    Raises
    ------
    ValueError
        The neurons do not divide into `n_experts` experts of equal size, or a row of `w_in` is zero.
    """
    from k_means_constrained import KMeansConstrained  # brings ortools, which is large; nothing else here needs it

    size = expert_size(len(w_in), n_experts)
    rows = directions(w_in)
    means = KMeansConstrained(n_experts, size_min=size, size_max=size, n_init=starts, random_state=seed, n_jobs=1)
    return np.asarray(means.fit_predict(rows), dtype=np.int64)


def by_router(neurons: int, n_experts: int) -> Int[np.ndarray, "neuron"]:
    """The experts of a Switch layer, whose neurons stand expert after expert."""
    return np.repeat(np.arange(n_experts), expert_size(neurons, n_experts))


def at_random(neurons: int, n_experts: int, *, rng: np.random.Generator) -> Int[np.ndarray, "neuron"]:
    """Experts of equal size that neurons are dealt to by chance."""
    return rng.permutation(by_router(neurons, n_experts))


def directions(w_in: Float[np.ndarray, "neuron d_model"]) -> Float[np.ndarray, "neuron d_model"]:
    """The rows of W_I at length 1; a `ValueError` if one of them is zero."""
    norms = np.linalg.norm(w_in, axis=1, keepdims=True)
    if not norms.all():
        raise ValueError(f"neuron {int(np.argmin(norms))} has zero input weights, so no direction to be grouped by")
    return np.asarray(w_in / norms, dtype=np.float64)


def expert_size(neurons: int, n_experts: int) -> int:
    """Neurons of an expert; a `ValueError` if they do not divide into experts of equal size."""
    if n_experts < 1 or neurons % n_experts:
        raise ValueError(f"{neurons} neurons do not divide into {n_experts} experts of equal size; choose a divisor")
    return neurons // n_experts
