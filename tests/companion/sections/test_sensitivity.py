"""Each choice is changed alone, and the check on the built model counts what it says."""

from companion.experiments import partitions, shipped_readings, variants
from companion.functions import tracks
from companion.models import catalogue
from companion.sections import functional_expert_tables, sensitivity
from modularity import specialists

SETTINGS = [("experts", 8), ("experts", 16), ("k-means seed", 0), ("k-means seed", 1)]


def inputs(model, subfunctions):
    reading = shipped_readings.read(model, subfunctions)
    parted = {s: partitions.compute(model, *s) for s in SETTINGS}
    read = {
        s: table.sel(setting=s)
        for p in variants.POOLINGS
        for table in [variants.read(model, subfunctions, p)]
        for s in variants.POOLINGS[p]
    }
    return reading, parted, {(choice, s): read[s] for s, choice in variants.SETTINGS.items()}


def test_choices_are_changed_one_at_a_time(untrained):
    subfunctions = tracks.load_all(per_class=8, limit=2)
    made = sensitivity.one_at_a_time(*inputs(untrained, subfunctions), draws=3)
    assert set(made["choice"]) == {"top neurons", "alpha", "experts", "k-means seed", "score", "pooling"}
    assert len(made) == 3 * (4 + 4 + 2 + 2 + 3 + 4)
    as_in_the_paper = [("top neurons", "1.0%"), ("alpha", "0.001"), ("experts", "16"), ("k-means seed", "0")]
    rows = made.set_index(["choice", "setting"])[["function", "proportion", "degree", "chance"]]
    first = rows.loc[as_in_the_paper[0]].reset_index(drop=True)
    for place in [*as_in_the_paper, ("score", "labels"), ("pooling", "max")]:
        assert rows.loc[place].reset_index(drop=True).equals(first)


def test_a_switch_keeps_its_experts():
    model = catalogue.load("switch-mini", untrained=True)
    reading = shipped_readings.read(model, tracks.load_all(per_class=8, limit=2))
    made = sensitivity.one_at_a_time(reading, {}, {}, draws=2, shares=(specialists.SHARE,))
    assert set(made["choice"]) == {"top neurons", "alpha", "score", "pooling"}


def test_the_planted_modules_are_counted():
    made = sensitivity.planted_check().set_index(["kind", "partition"])
    for null in functional_expert_tables.NULLS:
        assert made.loc[("blocks", "as built"), null] == made.loc[("blocks", "as built"), "planted"] == 12
        assert made.loc[("labels permuted", "as built"), null] <= 1
        assert made.loc[("shuffled", "as built"), null] <= 1
        assert made.loc[("rotated", "as built"), null] <= 1
    assert (made["tests"] == 96).all()
