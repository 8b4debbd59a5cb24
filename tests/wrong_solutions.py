"""Solutions of the implementing exercises that are wrong in a way that students are wrong, and what the check says.

Exercise → pairs of code and a part of the message. The code reads nothing but what the imports of its page bring.
"""

WRONG: dict[str, list[tuple[str, str]]] = {
    "permutation-by-simulation": [
        (
            # more than `count`, not `count` or more
            "def simulated_p(hits, size, count, draws, rng):\n"
            "    counts = np.array([rng.permutation(hits)[:size].sum() for _ in range(draws)])\n"
            "    return (1 + (counts > count).sum()) / (1 + draws)",
            "exactly `count` counts too",
        ),
        (
            # without the observed group
            "def simulated_p(hits, size, count, draws, rng):\n"
            "    counts = np.array([rng.permutation(hits)[:size].sum() for _ in range(draws)])\n"
            "    return (counts >= count).mean()",
            "not 0",
        ),
        (
            # with replacement
            "def simulated_p(hits, size, count, draws, rng):\n"
            "    counts = np.array([rng.choice(hits, size).sum() for _ in range(draws)])\n"
            "    return (1 + (counts >= count).sum()) / (1 + draws)",
            "`size` different neurons",
        ),
        (
            # each count by itself, as if no neuron served two sub-functions
            "def simulated_p(hits, size, count, draws, rng):\n"
            "    counts = rng.binomial(hits.sum(), size / len(hits), draws)\n"
            "    return (1 + (counts >= count).sum()) / (1 + draws)",
            "exactly `count` counts too",
        ),
        (
            # each count by itself, but drawn without replacement
            "def simulated_p(hits, size, count, draws, rng):\n"
            "    most = max(hits.max(), 1)\n"
            "    counts = rng.hypergeometric(hits.sum(), len(hits) * most - hits.sum(), size * most, draws)\n"
            "    return (1 + (counts >= count).sum()) / (1 + draws)",
            "a neuron brings all of its `hits`",
        ),
        (
            # shuffles the argument
            "def simulated_p(hits, size, count, draws, rng):\n"
            "    counts = []\n"
            "    for _ in range(draws):\n"
            "        rng.shuffle(hits)\n"
            "        counts.append(hits[:size].sum())\n"
            "    return (1 + (np.array(counts) >= count).sum()) / (1 + draws)",
            "was changed",
        ),
        (
            # another source of randomness
            "def simulated_p(hits, size, count, draws, rng):\n"
            "    own = np.random.default_rng()\n"
            "    counts = np.array([own.permutation(hits)[:size].sum() for _ in range(draws)])\n"
            "    return (1 + (counts >= count).sum()) / (1 + draws)",
            "the same seed",
        ),
    ],
    "balanced-assignment": [
        ("def balanced(distances):\n    return distances.argmin(axis=1)", "as many points"),
        (
            # point after point, each to the nearest centre that has a free place
            "def balanced(distances):\n"
            "    points, groups = distances.shape\n"
            "    chosen, taken = [], np.zeros(groups, int)\n"
            "    for row in distances:\n"
            "        free = np.where(taken < points // groups, row, np.inf)\n"
            "        chosen.append(int(free.argmin()))\n"
            "        taken[chosen[-1]] += 1\n"
            "    return np.array(chosen)",
            "gives way",
        ),
        (
            # the smallest distance of all first
            "def balanced(distances):\n"
            "    points, groups = distances.shape\n"
            "    chosen, left = np.full(points, -1), distances.astype(float)\n"
            "    while (chosen < 0).any():\n"
            "        point, group = np.unravel_index(left.argmin(), left.shape)\n"
            "        chosen[point], left[point] = group, np.inf\n"
            "        if (chosen == group).sum() == points // groups:\n"
            "            left[:, group] = np.inf\n"
            "    return chosen",
            "gives way",
        ),
        (
            # the places of the groups in turn, read as if those of one group stood together
            "from scipy.optimize import linear_sum_assignment\n\n\n"
            "def balanced(distances):\n"
            "    size = len(distances) // distances.shape[1]\n"
            "    return linear_sum_assignment(np.tile(distances, size))[1] // size",
            "sum of 10",
        ),
    ],
    "hypergeometric-count": [
        (
            # more than `count`
            "def hypergeometric_tail(count, neurons, top, size):\n"
            "    return stats.hypergeom.sf(count, neurons, top, size)",
            "`count` or more",
        ),
        (
            # exactly `count`
            "def hypergeometric_tail(count, neurons, top, size):\n"
            "    return stats.hypergeom.pmf(count, neurons, top, size)",
            "`count` or more",
        ),
        (
            # with replacement
            "def hypergeometric_tail(count, neurons, top, size):\n"
            "    return stats.binom.sf(count - 1, size, top / neurons)",
            "no neuron twice",
        ),
        (
            # one minus the rest, which leaves no digits of a small tail
            "from math import comb\n\n\n"
            "def hypergeometric_tail(count, neurons, top, size):\n"
            "    below = range(min(count, top + 1, size + 1))\n"
            "    ways = [comb(top, r) * comb(neurons - top, size - r) / comb(neurons, size) for r in below]\n"
            "    return 1 - sum(ways)",
            "minus",
        ),
    ],
    "silencing-hook": [
        (
            # in place
            "def silence(w_out, chosen):\n"
            "    def hook(_, inputs):\n"
            "        inputs[0][..., chosen] = 0\n\n"
            "    return w_out.register_forward_pre_hook(hook)",
            "passed to `w_out` was changed",
        ),
        (
            # what comes out instead of what goes in
            "def silence(w_out, chosen):\n"
            "    return w_out.register_forward_hook(lambda _module, _inputs, output: output * 0)",
            "301",
        ),
        (
            # tokens instead of neurons
            "def silence(w_out, chosen):\n"
            "    def hook(_, inputs):\n"
            "        activations = inputs[0].clone()\n"
            "        activations[chosen] = 0\n"
            "        return (activations,)\n\n"
            "    return w_out.register_forward_pre_hook(hook)",
            "the last dimension",
        ),
        (
            # the others are silenced
            "def silence(w_out, chosen):\n"
            "    def hook(_, inputs):\n"
            "        activations = torch.zeros_like(inputs[0])\n"
            "        activations[..., chosen] = inputs[0][..., chosen]\n"
            "        return (activations,)\n\n"
            "    return w_out.register_forward_pre_hook(hook)",
            "301",
        ),
        (
            # the weights, which stay changed
            "def silence(w_out, chosen):\n"
            "    w_out.weight.data[:, chosen] = 0\n"
            "    return w_out.register_forward_pre_hook(lambda _module, inputs: inputs)",
            "after `remove`",
        ),
        (
            # computes, but returns no handle
            "def silence(w_out, chosen):\n    w_out.register_forward_pre_hook(lambda _module, inputs: inputs)",
            "returns a handle",
        ),
    ],
}
