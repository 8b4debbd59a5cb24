"""Build data/results/null.parquet: predictivities of chance-level neurons for the class sizes that pages need.

A chance-level neuron ranks the sentences at random, so its score depends on nothing but the class sizes. For each of
them a million are drawn, or a quarter of it where there are more than 600 sentences, whose scores stray less. Of the
draws in order the file keeps the best ones and, below, each that is 2 % further from the top, between which
`shipped_chance.chance_level` interpolates.

Run `python data/build/null.py` from the repository root; it takes five minutes and needs no package.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from companion.functions import shipped_chance
from modularity import chance, predictivity
from packing import write_table

OUT = Path(__file__).parents[1] / "results" / "null.parquet"
OWN = [(n, n) for n in (50, 60, 70, 80, 90, 100, 118, 200, 1000)]  # of the shipped sub-functions
SEED = 0


def main() -> None:
    sizes = sorted(
        {shipped_chance.size(*s) for s in [*OWN, *(s for of in shipped_chance.PAPER.values() for s, _ in of)]}
    )
    tables = []
    for few, many in tqdm(sizes, desc="null", unit="size"):
        draws = chance.DRAWS if few + many <= 600 else chance.DRAWS // 4
        rng = np.random.default_rng([SEED, few, many])
        drawn = np.sort(predictivity.best_of_null(few, many, 1, draws=draws, rng=rng))
        kept = shipped_chance.kept(draws)
        tables.append(pd.DataFrame({"few": few, "many": many, "draw": kept, "predictivity": drawn[kept]}))
    table = pd.concat(tables, ignore_index=True)
    types = {"few": "int16", "many": "int16", "draw": "int32", "predictivity": "float32"}
    write_table(table.astype(types), OUT)
    print(f"{OUT.name}: {len(sizes)} pairs of class sizes, {OUT.stat().st_size / 2**10:.0f} KiB")


if __name__ == "__main__":
    main()
