"""Which expert each neuron of a layer belongs to: by its input weights, by the router's experts, or by chance."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import kmeans_plusplus


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

    size = _size(len(w_in), n_experts)
    rows = _directions(w_in)
    means = KMeansConstrained(n_experts, size_min=size, size_max=size, n_init=starts, random_state=seed, n_jobs=1)
    return np.asarray(means.fit_predict(rows), dtype=np.int64)


def by_assignment(
    w_in: Float[np.ndarray, "neuron d_model"], n_experts: int, *, seed: int = 0, rounds: int = 100
) -> Int[np.ndarray, "neuron"]:
    """As `by_weights` where k-means-constrained is not installed: other experts, about as tight (tested to 1 %).

    Each round gives every expert as many places as it has neurons and fills them at the least cost in all (Kuhn, 1955),
    then moves the experts' means, until nothing changes or for so many `rounds`.

    Raises
    ------
    ValueError
        What `by_weights` raises.
    """
    size = _size(len(w_in), n_experts)
    rows = _directions(w_in)
    means, _ = kmeans_plusplus(rows, n_experts, random_state=seed)
    found = np.full(len(rows), -1)
    for _ in range(rounds):
        far = (means**2).sum(1) - 2 * rows @ means.T  # squared distances, but for the row's own length
        _, place = linear_sum_assignment(np.repeat(far, size, axis=1))
        before, found = found, place // size
        if (found == before).all():
            break
        means = np.stack([rows[found == expert].mean(0) for expert in range(n_experts)])
    return found


def by_router(neurons: int, n_experts: int) -> Int[np.ndarray, "neuron"]:
    """The experts of a Switch layer, whose neurons stand expert after expert."""
    return np.repeat(np.arange(n_experts), _size(neurons, n_experts))


def at_random(neurons: int, n_experts: int, *, rng: np.random.Generator) -> Int[np.ndarray, "neuron"]:
    """Experts of equal size that neurons are dealt to by chance."""
    return rng.permutation(by_router(neurons, n_experts))


def _directions(w_in: Float[np.ndarray, "neuron d_model"]) -> Float[np.ndarray, "neuron d_model"]:
    norms = np.linalg.norm(w_in, axis=1, keepdims=True)
    if not norms.all():
        raise ValueError(f"neuron {int(np.argmin(norms))} has zero input weights, so no direction to be grouped by")
    return np.asarray(w_in / norms, dtype=np.float64)


def _size(neurons: int, n_experts: int) -> int:
    if n_experts < 1 or neurons % n_experts:
        raise ValueError(f"{neurons} neurons do not divide into {n_experts} experts of equal size; choose a divisor")
    return neurons // n_experts
