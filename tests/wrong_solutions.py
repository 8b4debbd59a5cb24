"""Solutions of the implementing exercises that are wrong in a way that students are wrong, and what the check says.

Exercise → pairs of code and a part of the message. The code reads nothing but what the imports of its page bring.
"""

WRONG: dict[str, list[tuple[str, str]]] = {
    "reading-hook": [
        (
            # the model's own tensor, which ReLU changes
            "def outputs_of(module, run):\n"
            "    seen = []\n"
            "    handle = module.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))\n"
            "    try:\n"
            "        run()\n"
            "    finally:\n"
            "        handle.remove()\n"
            "    return seen",
            "a copy from before",
        ),
        (
            # not removed after an exception
            "def outputs_of(module, run):\n"
            "    seen = []\n"
            "    handle = module.register_forward_hook(lambda _m, _i, output: seen.append(output.detach().clone()))\n"
            "    run()\n"
            "    handle.remove()\n"
            "    return seen",
            "after an exception",
        ),
        (
            # never removed
            "def outputs_of(module, run):\n"
            "    seen = []\n"
            "    module.register_forward_hook(lambda _m, _i, output: seen.append(output.detach().clone()))\n"
            "    run()\n"
            "    return seen",
            "a hook is left",
        ),
        (
            # the input
            "def outputs_of(module, run):\n"
            "    seen = []\n"
            "    handle = module.register_forward_pre_hook(lambda _m, given: seen.append(given[0].detach().clone()))\n"
            "    run()\n"
            "    handle.remove()\n"
            "    return seen",
            "2 x 3 = 6",
        ),
        (
            # only the last call
            "def outputs_of(module, run):\n"
            "    seen = {}\n"
            "    handle = module.register_forward_hook(lambda _m, _i, output: seen.update(last=output.detach()))\n"
            "    run()\n"
            "    handle.remove()\n"
            "    return list(seen.values())",
            "one tensor a call",
        ),
        (
            # with gradients
            "def outputs_of(module, run):\n"
            "    seen = []\n"
            "    handle = module.register_forward_hook(lambda _m, _i, output: seen.append(output.clone()))\n"
            "    run()\n"
            "    handle.remove()\n"
            "    return seen",
            "detach",
        ),
        (
            # swallows the exception
            "def outputs_of(module, run):\n"
            "    seen = []\n"
            "    handle = module.register_forward_hook(lambda _m, _i, output: seen.append(output.detach().clone()))\n"
            "    try:\n"
            "        run()\n"
            "    except Exception:\n"
            "        pass\n"
            "    handle.remove()\n"
            "    return seen",
            "was caught",
        ),
    ],
    "real-maximum": [
        ("def real_maximum(activations, mask):\n    return activations.max(axis=1)", "the padding token counted"),
        (
            "def real_maximum(activations, mask):\n    return (activations * mask[:, :, None]).max(axis=1)",
            "padding counted as 0",
        ),
        (
            # the mean
            "def real_maximum(activations, mask):\n"
            "    return (activations * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)",
            "the larger of",
        ),
        (
            # a penalty, which does nothing to infinite activations
            "def real_maximum(activations, mask):\n    return (activations - 1e9 * (1 - mask[:, :, None])).max(axis=1)",
            "padding are inf",
        ),
        (
            # as if padding stood at the end
            "def real_maximum(activations, mask):\n"
            "    rows = zip(activations, mask.sum(axis=1))\n"
            "    return np.array([row[:length].max(axis=0) for row, length in rows])",
            "padding are -9.0",
        ),
        (
            # in place
            "def real_maximum(activations, mask):\n"
            "    activations[mask == 0] = -np.inf\n"
            "    return activations.max(axis=1)",
            "was changed",
        ),
    ],
    "precision-with-ties": [
        (
            # tied sentences one after another, in the order in which they stand
            "def sorted_ap(labels, activations):\n"
            "    ranked = labels[np.argsort(-activations, kind='stable')]\n"
            "    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)\n"
            "    return precision[ranked == 1].mean()",
            "depends on the order",
        ),
        (
            # tied sentences of class 1 first
            "def sorted_ap(labels, activations):\n"
            "    ranked = labels[np.lexsort((-labels, -activations))]\n"
            "    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)\n"
            "    return precision[ranked == 1].mean()",
            "ties enter together",
        ),
        (
            # lowest first
            "def sorted_ap(labels, activations):\n"
            "    ranked = labels[np.argsort(activations)]\n"
            "    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)\n"
            "    return precision[ranked == 1].mean()",
            "highest activation first",
        ),
        (
            # the mean over thresholds, not over sentences of class 1
            "def sorted_ap(labels, activations):\n"
            "    levels = np.unique(activations[labels == 1])\n"
            "    return np.mean([labels[activations >= level].mean() for level in levels])",
            "with ties",
        ),
        (
            # only sentences with a higher activation, not the tied ones
            "def sorted_ap(labels, activations):\n"
            "    above = [activations > a for a in activations[labels == 1]]\n"
            "    return np.mean([(labels[up].sum() + 1) / (up.sum() + 1) for up in above])",
            "ties enter together",
        ),
    ],
    "spearman-with-ties": [
        (
            # ties in the order in which they stand
            "def rank_correlation(x, y):\n"
            "    return np.corrcoef(*(np.argsort(np.argsort(v, kind='stable')) for v in (x, y)))[0, 1]",
            "mean rank",
        ),
        (
            # the formula for ranks without ties
            "def rank_correlation(x, y):\n"
            "    d = stats.rankdata(x) - stats.rankdata(y)\n"
            "    return 1 - 6 * (d**2).sum() / (len(x) * (len(x) ** 2 - 1))",
            "without ties only",
        ),
        ("def rank_correlation(x, y):\n    return np.corrcoef(x, y)[0, 1]", "are values ranked"),
        (
            # the lowest of the ranks, not their mean
            "def rank_correlation(x, y):\n"
            "    return np.corrcoef(*(stats.rankdata(v, method='min') for v in (x, y)))[0, 1]",
            "mean rank",
        ),
        (
            # positions in the order instead of ranks
            "def rank_correlation(x, y):\n    return np.corrcoef(np.argsort(x), np.argsort(y))[0, 1]",
            "mean rank",
        ),
        (
            # zero for what has no order
            "def rank_correlation(x, y):\n"
            "    if len(set(x)) == 1 or len(set(y)) == 1:\n"
            "        return 0.0\n"
            "    return stats.spearmanr(x, y).statistic",
            "`nan`",
        ),
    ],
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
