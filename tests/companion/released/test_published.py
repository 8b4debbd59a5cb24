"""The printed numbers are the paper's, under the names that this book gives."""

import pytest

from companion.released import published


@pytest.mark.parametrize(
    ("name", "printed"),
    [("t5-mini", "t5"), ("google-t5/t5-base", "t5"), ("switch-mini", "switch"), ("google/switch-base-16", "switch"),
     ("all-mpnet-base-v2", "t5"), ("all-MiniLM-L6-v2", "")],
)  # fmt: skip
def test_every_model_finds_what_it_stands_for(name, printed):
    assert published.counterpart(name) == printed
    assert len(published.of([name], published.table5())[name]) == (3 if printed else 0)


def test_some_numbers_as_printed():
    one = published.table1().set_index(["model", "pretrained", "partition", "function"])
    assert one.loc[("t5", True, "post-MoE", "task")].tolist() == [0.12, 3.276]
    assert one.loc[("t5", False, "random", "semantic")].tolist() == [0.016, 0.257]
    assert one.loc[("switch", False, "random", "task")].tolist() == [0.001, 0.018]
    assert len(one) == 18  # three functions of two models: own experts, random ones, and those of untrained copies
    four = published.table4().set_index(["model", "partition", "function"])
    assert four.loc[("switch", "pre-MoE", "knowledge")].tolist() == [0.101, 2.028]
    five = published.table5().set_index(["model", "function"])["average_ap"]
    assert five["t5", "semantic"] == 0.912
    tables = published.tables2_and_3().set_index(["task", "strategy"])
    assert tables.loc[("mnli", "Function")].tolist() == [56.24, 3.0]
    assert tables.loc[("avg", "No Function"), "mean"] == 72.78
    second = published.figure2().set_index(["panel", "order", "share"])["accuracy"]
    assert second["seen", "MoE (4)", 10 / 96] == 0.5480941896
    assert second["unseen", "neurons: sst2", 0.125] == 0.7023709091
    right = published.figure1_right().set_index(["model", "function", "other"])["value"]
    assert right["switch", "semantic", "knowledge"] == 0.017
    assert len(right) == 12
    left = published.figure1_left()
    assert sorted(left.query("model == 't5'")["layer"].unique()) == list(range(12))
