"""The runner refuses what papermill would let pass, and leaves no half-written notebook under a final name."""

import subprocess
import sys

import nbformat
import papermill
import pytest
import yaml

from modularity import rerun

PROFILES = yaml.safe_load((rerun.NOTEBOOKS / rerun.PROFILES).read_text(encoding="utf-8"))
REAL = sorted(p.stem for p in rerun.NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A folder with one notebook of two parameters, which fails when asked to."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    cells = [
        nbformat.v4.new_code_cell(
            'seed: int = 0  # of every draw\nmodel: str = "a"  # which', metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell("assert seed != 13, 'unlucky'\nprint(seed + 1, model)"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "x.ipynb")
    (folder / rerun.PROFILES).write_text("small: {x: {seed: 4, model: b}}\nwrong: {x: {sed: 4}}\nother: {y: {}}\n")
    monkeypatch.setattr(rerun, "NOTEBOOKS", folder)
    return folder


def test_a_parameter_reaches_the_notebook(notebooks, tmp_path):
    out = rerun.rerun("x", tmp_path / "out.ipynb", {"seed": 4}, progress=False)
    assert "5 a" in nbformat.read(out, 4).cells[-1].outputs[0].text
    cost = nbformat.read(out, 4).metadata["cost"]
    assert cost["minutes"] >= 0
    assert cost["peak_mib"] > 10
    assert cost["computed"] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sed", r"no parameter 'sed' \(did you mean 'seed'\?\); it has: seed = 0 # of every draw; model"),
        ("zz", "'zz'; it has"),
    ],
)
def test_an_unknown_parameter_lists_the_known(notebooks, tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        rerun.rerun("x", tmp_path / "out.ipynb", {name: 1}, progress=False)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_failed_run_does_not_get_the_final_name(notebooks, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="unlucky"):
        rerun.rerun("x", tmp_path / "out.ipynb", {"seed": 13}, progress=False)
    assert not (tmp_path / "out.ipynb").exists()
    assert (tmp_path / "out.failed.ipynb").exists()


def test_an_unknown_notebook_lists_the_known(notebooks, tmp_path):
    with pytest.raises(ValueError, match="unknown notebook 'y'; known: x"):
        rerun.rerun("y", tmp_path / "out.ipynb", {})


def test_an_output_beside_the_sources_is_refused(notebooks):
    with pytest.raises(ValueError, match="lies beside the sources"):
        rerun.rerun("x", notebooks / "out.ipynb", {})


def test_the_command_line_ends_non_zero_and_says_why():
    command = [sys.executable, "-m", "modularity.rerun", "04_specialization", "-p", "modle", "t5-mini"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no parameter 'modle' (did you mean 'model'?)" in done.stderr


def test_a_profile_sets_parameters_and_p_wins(notebooks, tmp_path, capsys):
    output = tmp_path / "out.ipynb"
    assert rerun.main(["x", "--profile", "small", "-p", "model", "c", "-o", str(output)]) == 0
    assert capsys.readouterr().out.strip() == str(output)
    assert "5 c" in nbformat.read(output, 4).cells[-1].outputs[0].text


def test_an_output_is_named_after_its_profile(notebooks, tmp_path, capsys):
    assert rerun.main(["x", "--profile", "small"]) == 0
    assert (tmp_path / "executed" / "x.small.ipynb").is_file()  # with a dot: the ledger does not count it


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("tiny", "unknown profile 'tiny'; known: small, wrong, other"),
        ("other", "profile 'other' does not name 'x'; it has: y"),
        ("wrong", "x has no parameter 'sed' (did you mean 'seed'?); it has: seed = 0"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused(notebooks, tmp_path, capsys, profile, message):
    assert rerun.main(["x", "--profile", profile, "-o", str(tmp_path / "out.ipynb")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_names_only_what_is_there(profile):
    assert set(PROFILES[profile]) <= set(REAL)
    for notebook, parameters in PROFILES[profile].items():
        known = papermill.inspect_notebook(str(rerun.NOTEBOOKS / f"{notebook}.ipynb"))
        types = {"int": int, "float": float, "str": str, "bool": bool}
        for name, value in parameters.items():
            assert type(value) is types[known[name]["inferred_type_name"]]


def test_the_profiles_are_those_of_the_tracks():
    assert list(PROFILES) == ["mini", "smoke", "paper"]
    assert list(PROFILES["mini"]) == list(PROFILES["smoke"]) == REAL
    assert not any(PROFILES["mini"].values())  # what is published is the default
