"""The runner refuses what papermill would let pass, and leaves no half-written notebook under a final name."""

import ast
import datetime
import importlib.util
import json
import subprocess
import sys

import nbformat
import papermill
import pytest
import yaml
from jupyter_client.kernelspec import KernelSpecManager

from companion import glued, rerun
from companion.models import catalogue
from companion.tools import plain_markdown

PROFILES = yaml.safe_load((rerun.NOTEBOOKS / rerun.PROFILES).read_text(encoding="utf-8"))
REAL = sorted(p.stem for p in rerun.NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture
def notebooks(tmp_path):
    """A folder with one notebook of a few parameters, which fails when asked to."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    declared = 'seed: int = 0  # of every draw\nname: str = "a"  # which\nalpha: float = 0.5\nfirst: list[str] = []'
    cells = [
        nbformat.v4.new_code_cell(declared, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import sys\nassert seed != 13, 'unlucky'\nprint(seed + 1, name)"),
        nbformat.v4.new_code_cell("[seed, name, alpha, first, sys.executable]"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "x.ipynb")
    (folder / rerun.PROFILES).write_text("small: {x: {seed: 4, name: b}}\nwrong: {x: {sed: 4}}\nother: {y: {}}\n")
    return folder


def told(output):
    """What the last cell of the notebook says."""
    return ast.literal_eval(nbformat.read(output, 4).cells[-1].outputs[0].data["text/plain"])


def test_a_parameter_reaches_the_notebook(notebooks, tmp_path):
    out = rerun.rerun("x", tmp_path / "out.ipynb", {"seed": 4}, progress=False, folder=notebooks)
    assert "5 a" in nbformat.read(out, 4).cells[-2].outputs[0].text
    assert nbformat.read(out, 4).metadata["papermill"]["parameters"] == {"seed": 4}
    cost = nbformat.read(out, 4).metadata["cost"]
    assert cost["minutes"] >= 0
    assert cost["peak_mib"] > 10


@pytest.mark.parametrize("progress", [True, False])
def test_the_bars_of_cells_are_seen_while_they_move(notebooks, tmp_path, capsys, progress):
    notebook = nbformat.read(notebooks / "x.ipynb", 4)
    bar = "for _ in tqdm(range(3), desc='reading', mininterval=0): pass"
    notebook.cells[1].source = f"import sys\nfrom tqdm import tqdm\n{bar}"
    nbformat.write(notebook, notebooks / "x.ipynb")
    out = rerun.rerun("x", tmp_path / "out.ipynb", {}, progress=progress, folder=notebooks)
    assert ("reading: 100%" in capsys.readouterr().err) == progress
    assert "reading: 100%" in "".join(output.text for output in nbformat.read(out, 4).cells[1].outputs)


@pytest.mark.skipif(
    importlib.util.find_spec("ipywidgets") is not None, reason="ipywidgets is here, so none asks for it"
)
@pytest.mark.parametrize(("first", "warned"), [("import companion; ", False), ("", True)])
def test_no_library_asks_for_other_bars(notebooks, tmp_path, first, warned):
    notebook = nbformat.read(notebooks / "x.ipynb", 4)
    notebook.cells[1].source = f"{first}import sys, tqdm.auto"  # as transformers imports it
    nbformat.write(notebook, notebooks / "x.ipynb")
    outputs = (
        nbformat.read(rerun.rerun("x", tmp_path / "out.ipynb", {}, progress=False, folder=notebooks), 4)
        .cells[1]
        .outputs
    )
    assert any("TqdmWarning: IProgress not found" in output.text for output in outputs) == warned


def test_a_run_shows_its_own_numbers_and_none_of_the_published_run():
    page, data = "04_specialization", {"application/papermill.record/text/plain": "0.25"}
    outputs = [
        nbformat.v4.new_output("display_data", data=data, metadata={"scrapbook": {"name": name}})
        for name in ("trained", "cost_cpu")
    ]
    prose = "It is {glue:text}`trained:.2f` and {glue:text}`cost_cpu:.1f`, not {glue:text}`untrained:.2f`.\n\n"
    quoted = "{glue:text}`05_how_sure.ipynb::tests:d`"
    assert f"{page}::untrained" in glued.published()
    cells = [
        nbformat.v4.new_markdown_cell(prose + quoted),
        nbformat.v4.new_code_cell("1", outputs=outputs),
        nbformat.v4.new_markdown_cell("```{unheard-of}\nkept as it is\n```"),
    ]
    for parameters in ({}, {"model": "mine"}):
        done = nbformat.v4.new_notebook(cells=[nbformat.from_dict(dict(cell)) for cell in cells])
        rerun.with_its_numbers(done, page, parameters)
        first = done.cells[0].source
        assert first.startswith(f"It is 0.25 and 0.2, not {plain_markdown.UNKNOWN}.\n\n")
        assert str(glued.published()["05_how_sure::tests"]) in first
        assert ("Of this run: `model = 'mine'`." in first) == bool(parameters)
        assert done.cells[2].source == cells[2].source


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sed", r"no parameter 'sed' \(did you mean 'seed'\?\); there are: seed = 0 # of every draw; name"),
        ("zz", "'zz'; there are"),
    ],
)
def test_an_unknown_parameter_lists_the_known(notebooks, tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        rerun.rerun("x", tmp_path / "out.ipynb", {name: 1}, progress=False, folder=notebooks)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_failed_run_does_not_get_the_final_name(notebooks, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="unlucky"):
        rerun.rerun("x", tmp_path / "out.ipynb", {"seed": 13}, progress=False, folder=notebooks)
    assert not (tmp_path / "out.ipynb").exists()
    assert (tmp_path / "out.failed.ipynb").exists()


def test_an_unknown_notebook_lists_the_known(notebooks, tmp_path):
    with pytest.raises(ValueError, match="unknown notebook 'y'; known: x"):
        rerun.rerun("y", tmp_path / "out.ipynb", {}, folder=notebooks)


@pytest.mark.parametrize("place", ["out.ipynb", "further/down/out.ipynb"])
def test_an_output_beside_the_sources_is_refused(notebooks, place):
    with pytest.raises(ValueError, match="lies beside the sources"):
        rerun.rerun("x", notebooks / place, {}, folder=notebooks)
    assert [p.name for p in sorted(notebooks.iterdir())] == ["profiles.yml", "x.ipynb"]


HARD = "runs/t5 #2\n%%bash\n'\"\\{x} é\x00\u2028"


def test_hard_values_reach_the_kernel_unchanged_and_a_path_is_no_template(notebooks, tmp_path):
    values = {"name": HARD, "alpha": 1e-4, "first": [HARD, ""]}
    out = rerun.rerun("x", tmp_path / "{model} {0.__class__}" / "out{}.ipynb", values, progress=False, folder=notebooks)
    assert told(out)[:4] == [0, HARD, 1e-4, [HARD, ""]]
    assert nbformat.read(out, 4).metadata["papermill"]["parameters"] == values


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("seed", "1.5", "a whole number"),
        ("seed", "!!python/name:os.system", "a whole number"),
        ("seed", "@x", "a whole number"),
        ("alpha", "a: b", "a finite decimal number"),
        ("alpha", "nan", "a finite decimal number"),
        ("first", "a", "a list as in JSON, each item text"),
        ("name", "\udcff", "text"),
    ],
)
def test_a_value_that_does_not_fit_ends_with_2_and_names_the_parameter(
    notebooks, tmp_path, capsys, name, value, wanted
):
    assert rerun.main(["x", "-p", name, value, "-o", str(tmp_path / "out" / "x.ipynb")], folder=notebooks) == 2
    assert capsys.readouterr().err.startswith(
        f"error: parameter {name!r}: got {value!r} of type str; expected {wanted}"
    )
    assert not (tmp_path / "out").exists()


def test_no_object_reaches_the_kernel_from_python(notebooks, tmp_path):
    for value in (b"a", datetime.date(2020, 1, 1), {"a": 1}):
        with pytest.raises(ValueError, match=f"parameter 'name': got .* of type .*{type(value).__name__}; expected"):
            rerun.rerun("x", tmp_path / "out" / "x.ipynb", {"name": value}, folder=notebooks)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["0.1", "1e-4", "no", "010", "12:30", "~", "'@x'", '"runs/t5 #2"', "2020-01-01"])
def test_a_profile_is_read_as_the_command_line_is(notebooks, text):
    (notebooks / rerun.PROFILES).write_text(f"small: {{x: {{name: {text}}}}}")
    given = text.strip("'\"")
    assert rerun.profile("small", "x", notebooks) == rerun.read({"name": given}, "x", notebooks) == {"name": given}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{seed: !!binary aGk=}", "has the tag tag:yaml.org,2002:binary; expected plain values"),
        ("{seed: !!python/name:os.system ''}", "has the tag tag:yaml.org,2002:python/name:os.system"),
        ("{seed: 2020-01-01}", "parameter 'seed': got '2020-01-01' of type str; expected a whole number"),
        ("{seed: {a: 1}}", "parameter 'seed': got {'a': '1'} of type dict; expected a whole number"),
        ("{first: [[a]]}", "parameter 'first': got ['a'] of type list; expected a list as in JSON, each item text"),
        ("{seed: @x}", "profiles.yml cannot be read: while scanning"),
    ],
)
def test_a_profile_that_holds_no_plain_values_is_refused(notebooks, capsys, text, message):
    (notebooks / rerun.PROFILES).write_text(f"small: {{x: {text}}}")
    assert rerun.main(["x", "--profile", "small"], folder=notebooks) == 2
    assert message in capsys.readouterr().err


def test_where_the_peak_of_memory_is_not_known_it_is_left_out(notebooks, tmp_path, monkeypatch):
    monkeypatch.setattr(rerun, "resource", None)
    out = rerun.rerun("x", tmp_path / "out.ipynb", {}, progress=False, folder=notebooks)
    assert set(nbformat.read(out, 4).metadata["cost"]) == {"minutes", "cores"}


def test_it_is_imported_where_there_is_no_module_resource():
    code = "import sys; sys.modules['resource'] = None; import companion.rerun"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("prefer", ["0", "1"])
def test_a_section_runs_in_this_python_whatever_kernels_there_are(notebooks, tmp_path, monkeypatch, prefer):
    kernel = tmp_path / "data/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    other = {"argv": ["/bin/false", "{connection_file}"], "display_name": "another", "language": "python"}
    kernel.write_text(json.dumps(other))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", prefer)
    monkeypatch.setenv("JUPYTER_PATH" if prefer == "1" else "JUPYTER_DATA_DIR", str(tmp_path / "data"))
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] == "/bin/false"  # or this test shows nothing
    assert told(rerun.rerun("x", tmp_path / "out.ipynb", {}, progress=False, folder=notebooks))[-1] == sys.executable


def test_the_command_line_ends_non_zero_and_says_why():
    command = [sys.executable, "-m", "companion.rerun", "04_specialization", "-p", "modle", "t5-mini"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no parameter 'modle' (did you mean 'model'?)" in done.stderr


@pytest.mark.parametrize(("name", "value"), [("model", "all-mpnet-base-v3"), ("beside", "t5-mini all-mpnet-base-v3")])
def test_a_misspelt_model_is_refused_before_a_kernel_starts(tmp_path, monkeypatch, capsys, name, value):
    monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **__: pytest.fail("a kernel starts"))
    output = tmp_path / "out.ipynb"
    assert rerun.main(["04_specialization", "-p", name, value, "-o", str(output)]) == 2
    with pytest.raises(ValueError, match="unknown model 'all-mpnet-base-v3'; known: t5-mini, ") as told:
        catalogue.load("all-mpnet-base-v3")
    assert capsys.readouterr().err == f"error: {told.value}\n"
    assert list(tmp_path.iterdir()) == []


def test_names_are_checked_without_what_takes_seconds_to_import():
    code = "import companion.rerun, sys; sys.exit(bool({'torch', 'transformers', 'papermill'} & sys.modules.keys()))"
    for also, status in (("", 0), ("import companion.models.catalogue; ", 1)):
        assert subprocess.run([sys.executable, "-c", also + code], check=False).returncode == status


def test_a_profile_sets_parameters_and_p_wins(notebooks, tmp_path, capsys):
    output = tmp_path / "out.ipynb"
    assert rerun.main(["x", "--profile", "small", "-p", "name", "c", "-o", str(output)], folder=notebooks) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(output)
    assert "Executing" in said.err
    assert "5 c" in nbformat.read(output, 4).cells[-2].outputs[0].text


def test_an_output_is_named_after_its_profile(notebooks, tmp_path, capsys):
    assert rerun.main(["x", "--profile", "small", "--quiet"], folder=notebooks) == 0
    assert "Executing" not in capsys.readouterr().err
    assert (tmp_path / "executed" / "x.small.ipynb").is_file()  # with a dot: the ledger does not count it


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("tiny", "unknown profile 'tiny'; known: small, wrong, other"),
        ("other", "profile 'other' does not name 'x'; it has: y"),
        ("wrong", "no parameter 'sed' (did you mean 'seed'?); there are: seed = 0"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused(notebooks, tmp_path, capsys, profile, message):
    assert rerun.main(["x", "--profile", profile, "-o", str(tmp_path / "out.ipynb")], folder=notebooks) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_names_only_what_is_there_and_fits(profile):
    assert set(PROFILES[profile]) <= set(REAL)
    for notebook, parameters in PROFILES[profile].items():
        assert rerun.profile(profile, notebook) == parameters


def test_the_profiles_are_those_of_the_tracks():
    assert list(PROFILES) == ["mini", "smoke", "paper"]
    assert list(PROFILES["mini"]) == list(PROFILES["smoke"]) == REAL
    assert not any(PROFILES["mini"].values())  # what is published is the default
