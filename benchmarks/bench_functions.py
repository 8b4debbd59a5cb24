"""Loading all mini sub-functions, checked and with prompts, against merely reading the same tables."""

import time

import pandas as pd

from companion.functions import sources, tracks

FILES = ("semantic", "knowledge", "task")


def best_of(times: int, action) -> float:
    """Seconds of the fastest of several runs: the others were disturbed."""
    measured = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        measured.append(time.perf_counter() - start)
    return min(measured)


def main() -> None:
    load = best_of(5, lambda: [tracks.load(f) for f in FILES])
    floor = best_of(5, lambda: [pd.read_parquet(sources.data_folder() / f"functions/{f}.parquet") for f in FILES])
    number = sum(len(tracks.load(f)) for f in FILES)
    print(f"all {number} mini sub-functions: {load:.2f} s, {load / floor:.1f}x the time of reading the tables alone")
    print(f"target, under 1 s: {'met' if load < 1 else 'missed'}")


if __name__ == "__main__":
    main()
