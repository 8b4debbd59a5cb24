"""The task `sst2`: sentiment of snippets of film reviews.

Fifteen or more people rated each from -4 to 4 (Hutto and Gilbert, 2014). Only clear cases are kept, so that a
label is what most readers would say: a mean of 1 or more, and four raters in five on its side.
"""

import ast
import html
import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd

from packages import fetch

SEED = 0
VALIDATION, TRAIN = 1000, 4000  # instances of each label, at most
MEAN, AGREEMENT = 1.0, 0.8  # of the ratings of a snippet; the share of raters on the side of the mean
SNIPPET_WORDS = range(3, 31)


def snippets(package: Path) -> pd.DataFrame:
    """Snippets with the columns source, text_1, mean, agreement."""
    with tarfile.open(package) as archive:
        inner = archive.extractfile("vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz")
        assert inner is not None
        with tarfile.open(fileobj=io.BytesIO(inner.read())) as files:
            tables = []
            for name in ("GroundTruth", "anonDataRatings"):
                member = next(m for m in files.getmembers() if m.name.endswith(f"/movieReviewSnippets_{name}.txt"))
                file = files.extractfile(member)
                assert file is not None
                tables.append([line.split("\t") for line in file.read().decode("utf-8").splitlines()])
    ratings = {row[0]: np.array(ast.literal_eval(row[-1])) for row in tables[1]}
    rows = []
    for number, mean, text in tables[0]:
        agreement = (np.sign(ratings[number]) == np.sign(float(mean))).mean()
        rows.append((f"movieReviewSnippets:{number}", clean(text), float(mean), agreement))
    return pd.DataFrame(rows, columns=["source", "text_1", "mean", "agreement"])


def clean(text: str) -> str:
    """The snippet with plain quote marks and single spaces."""
    for old, new in (("''", '"'), ("``", '"'), ("`", "'"), ("’", "'")):
        text = text.replace(old, new)
    return re.sub(r"\s+([.,;:?!])", r"\1", " ".join(html.unescape(text).split()))


def build(packages: Path) -> pd.DataFrame:
    """The clear cases, equally many of each label, in the columns of task.py."""
    table = snippets(fetch("vaderSentiment-3.3.2.tar.gz", packages))
    words = table["text_1"].str.split().str.len()
    clear = (table["mean"].abs() >= MEAN) & (table["agreement"] >= AGREEMENT)
    new = ~table["text_1"].str.lower().duplicated()
    table = table.loc[clear & new & words.isin(SNIPPET_WORDS)]
    table = table.sample(frac=1, random_state=np.random.default_rng(SEED))
    label = (table["mean"] > 0).astype(int)
    rank = label.groupby(label).cumcount()
    part = np.where(rank < VALIDATION, "validation", "train")
    table = table.assign(task="sst2", part=part, label=label, text_2="", kind="snippet")
    return table.loc[rank < min(label.value_counts().min(), VALIDATION + TRAIN)]
