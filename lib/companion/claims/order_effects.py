"""What runs say of which comes first in time, experts or neurons: a question that the paper leaves open."""

import pandas as pd
import xarray as xr

from companion.claims import effects as evidence
from companion.sections import emergence_order_tables as section

FUNCTION = "semantic"
NEURONS = "random"  # groups of random neurons: single neurons, averaged as experts are


def first_in_time(times: xr.DataArray, path: xr.DataArray, name: str) -> pd.DataFrame:
    """Two effects for word meanings, from the same draws of runs and sub-functions.

    - ``experts-first-in-time``: the time at which neurons reach half of their final order minus that of experts.
    - ``experts-first-beyond-rate``: the same minus what it is on a random path with the same ends.

    Parameters
    ----------
    times, path : of `emergence_order_tables.half_times` and `path_times`, by the same weights.
    """
    of_runs, of_path = (section.later(t).sel(function=[FUNCTION], level=[NEURONS]) for t in (times, path))
    found = {"experts-first-in-time": of_runs, "experts-first-beyond-rate": of_runs - of_path}
    rows = [(claim, name, *section.summary(t).loc[0, ["time", "low", "high"]]) for claim, t in found.items()]
    return evidence.as_table(rows)
