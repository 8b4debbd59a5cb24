"""The numbers that the paper prints, each table with where it stands; nothing here is computed."""

import pandas as pd

from modularity import sources


def figure1_left() -> pd.DataFrame:
    """Figure 1, left: mean over sub-functions of the best predictivity in a layer.

    Returns
    -------
    Columns ``model`` (T5, SwitchTransformer), ``function``, ``init`` (pretrained, random_init), ``layer``
    (0-based, the figure counts from 1), ``mean_best_ap``; read off the vector figure to six digits.
    """
    table = pd.read_csv(sources.path("published/figure1_left.csv"), comment="#")
    return table.assign(layer=table["layer"] - 1)
