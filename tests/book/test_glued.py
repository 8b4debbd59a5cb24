"""Published numbers do not move unnoticed."""

import copy

import nbformat
import pytest

from companion import glued
from companion.rerun import NOTEBOOKS

EXECUTED = NOTEBOOKS.parent / "executed"


@pytest.mark.skipif(not any(EXECUTED.glob("*.ipynb")), reason="the book is not built")
def test_every_glued_number_is_the_one_that_was_published(capsys):
    assert glued.main([str(EXECUTED)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        (0.5, 0.5004, False),
        (0.5, 0.51, True),
        (400.0, 400.5, False),
        (3, 4, True),
        ("holds", "weaker", True),
        ("nan", "nan", False),
        ([{"low": 0.1}], [{"low": 0.1001}], False),
        ([{"low": 0.1}], [{"low": 0.2}], True),
        ([{"low": 0.1}], [{"high": 0.1}], True),
        ([{"low": 0.1}], [], True),
    ],
)
def test_what_is_more_than_rounding_has_moved(before, after, differs):
    assert glued.moved(before, after) is differs


def page(folder, **values):
    outputs = [
        nbformat.v4.new_output(
            "display_data",
            {"application/papermill.record/text/plain": repr(value)},
            metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}},
        )
        for name, value in values.items()
    ]
    cell = nbformat.v4.new_code_cell("glue()", outputs=outputs)
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "01_one.ipynb")


def test_what_has_moved_is_named_and_can_be_published(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MODULARITY_DATA", str(tmp_path))
    (tmp_path / "registry.txt").write_text("")
    (tmp_path / glued.FILE).write_text("{}")
    values = {"gain": 0.25, "verdict": "holds", "cost_cpu": 3.0, "evidence": '[{"claim": "a", "low": NaN}]'}
    page(tmp_path / "executed", **values)
    assert glued.main([str(tmp_path / "executed"), "--write"]) == 0
    assert set(glued.published()) == {"01_one::gain", "01_one::verdict", "01_one::evidence"}
    page(tmp_path / "executed", **(values | {"gain": 0.3, "cost_cpu": 9.0}))
    capsys.readouterr()
    assert glued.main([str(tmp_path / "executed")]) == 1
    assert capsys.readouterr().out.startswith("01_one::gain: 0.25 → 0.3\n")
    page(tmp_path / "executed", **{k: v for k, v in values.items() if k != "verdict"})
    assert glued.main([str(tmp_path / "executed")]) == 1
    assert "01_one::verdict: holds → not there" in capsys.readouterr().out
    assert glued.main([str(tmp_path / "nowhere")]) == 2


def test_a_value_is_compared_in_every_part():
    before = [{"claim": "a", "low": 0.1, "high": 0.2}]
    for key in ("low", "high"):
        after = copy.deepcopy(before)
        after[0][key] += 0.1
        assert glued.moved(before, after)


def test_two_pages_that_say_what_the_best_evaluation_raises_say_the_same():
    known = glued.published()
    assert known["A_choices::d19_level"] == pytest.approx(known["05_perturbing_switch::flattery"], abs=1e-4)
