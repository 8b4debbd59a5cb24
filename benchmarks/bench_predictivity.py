"""Predictivity of all neurons against scikit-learn's loop and against sorting alone, in one run.

Claims: 300 times faster than the loop at 200 sentences × 3,072 neurons and 100 times at 2,000 × 49,152, at most
6 times as long as `np.sort` of the same matrix along the sentences, and equal to 1e-12. The loop is timed on some
of the neurons, drawn at random, and scaled up.
"""

import time

import numpy as np
from sklearn.metrics import average_precision_score

from modularity.predictivity import predictivity


def activations(sentences: int, neurons: int, rng: np.random.Generator) -> np.ndarray:
    """Maxima of a ReLU over tokens: positive mostly, some neurons silent on many sentences."""
    shift = rng.uniform(-0.5, 2.5, neurons).astype(np.float32)
    return np.maximum(rng.standard_normal((sentences, neurons), dtype=np.float32) + shift, 0)


def median_seconds(action, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    rng = np.random.default_rng(0)
    for sentences, neurons, sample, target in ((200, 3072, 400, 300), (2000, 49152, 200, 100)):
        a = activations(sentences, neurons, rng)
        y = (np.arange(sentences) % 2).astype(int)
        chosen = rng.choice(neurons, sample, replace=False)
        columns = np.ascontiguousarray(a[:, chosen].T)

        def loop(y=y, columns=columns) -> list[float]:
            return [max(average_precision_score(y, c), average_precision_score(1 - y, c)) for c in columns]

        ours = median_seconds(lambda a=a, y=y: predictivity(a, y), 5)
        peer = median_seconds(loop, 1) / sample * neurons
        floor = median_seconds(lambda a=a: np.sort(a, axis=0), 3)
        error = np.abs(predictivity(a, y)[chosen] - loop()).max()
        print(
            f"{sentences} x {neurons} ({(a == 0).mean():.0%} zeros): "
            f"{peer / ours:.0f} times the loop (target {target}), "
            f"{ours / floor:.2f} times the sort (at most 6), greatest difference {error:.1e} (below 1e-12); "
            f"{ours * 1000:.1f} ms, loop {peer:.1f} s, sort {floor * 1000:.1f} ms"
        )


if __name__ == "__main__":
    main()
