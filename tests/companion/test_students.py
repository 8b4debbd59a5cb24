"""Student copies hold no solution, need none, and lose nobody's answers."""

import builtins
import re

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from wrong_solutions import WRONG as OF_FUNCTIONS

from companion import rerun, students
from companion.tools import exercise_cells, parameters
from modularity import store

STORE = str(store.folder())  # not a test's own, which is empty
SOURCES = sorted(students.NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, 4)


ASKS = 'exercise.answered(globals(), "answer")'


def toy(
    solution="answer = 1 + 1", check=f"{ASKS}\nassert answer == 2, 'two, not that'", *, then="x + 1", first="x = 1"
):
    """A notebook of one exercise."""
    cells = [
        new_code_cell(f"from companion.tools import exercise\n\n{first}"),
        new_markdown_cell("```{exercise} Sum\nPredict what 1 + 1 is, and put it into `answer`.\n```"),
        new_code_cell(solution, metadata={"tags": ["solution", "hide-cell"]}),
        new_code_cell(check, metadata={"tags": ["check"]}),
        new_code_cell(then),
    ]
    return new_notebook(cells=cells, metadata={"jupytext": {"formats": "ipynb,py:percent"}})


def test_the_code_of_a_copy_differs_only_where_a_solution_was(notebook):
    copy = students.student_copy(notebook)
    found = exercise_cells.exercises(notebook)
    assert found
    for i, j in found:
        copy.cells[i].source = notebook.cells[i].source
        copy.cells[j].source = copy.cells[j].source.removesuffix(f"\n{students.PREDICTED}")
        copy.cells[j].source = copy.cells[j].source.removesuffix(f"\n{students.PASSED}")
    assert [c.source for c in copy.cells] == [c.source for c in notebook.cells]
    nbformat.validate(copy)
    assert "jupytext" not in copy.metadata  # or Jupyter would write a .py beside it


def test_no_line_of_a_solution_is_left_but_its_imports(notebook):
    copy = students.student_copy(notebook)
    assert not any("solution" in c.metadata.get("tags", []) for c in copy.cells)
    for i, j in exercise_cells.exercises(notebook):
        *imports, comment = [line for line in copy.cells[i].source.splitlines() if line != students.PREDICTION]
        assert all(re.match(r"(from \S+ )?import ", line) for line in imports)
        assert comment.startswith("# your answer")
        assert all(
            name in comment for name in exercise_cells.answers(notebook.cells[i].source, notebook.cells[j].source)
        )


def test_an_exercise_names_what_its_check_reads(notebook):
    for i, j in exercise_cells.exercises(notebook):
        asked = notebook.cells[i - 1].source
        asked = asked[asked.rindex("```{exercise}") :]
        for name in exercise_cells.answers(notebook.cells[i].source, notebook.cells[j].source):
            assert f"`{name}`" in asked or f"`{name}(" in asked  # a function is named with its arguments


def test_no_cell_needs_what_only_a_solution_has(notebook):
    known, answered = set(dir(builtins)), set()
    found = dict(exercise_cells.exercises(notebook))
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        source = "\n".join(exercise_cells.imports(cell.source)) if i in found else cell.source
        names = exercise_cells.assigned(source) | {
            a.split(".")[0] for a in re.findall(r"(?:import|as|,) +(\w+)", source)
        }
        if i in found:
            new = set(exercise_cells.answers(cell.source, notebook.cells[found[i]].source))
            assert not new & (known | answered), "an answer that is there before it is given is not checked"
            answered |= new
            only = exercise_cells.assigned(cell.source) - known
        elif i - 1 not in found:
            assert not set(exercise_cells.loaded(source)) & (answered - names)
        else:
            assert not (set(exercise_cells.loaded(source)) & only) - new - exercise_cells.assigned(source)
        known |= names


def test_the_checks_of_a_copy_ask_for_their_answers():
    assert students.run(toy()) == ["no answer was put into answer, and its check asks for it, as it should"]


@pytest.fixture(scope="module")
def copies():
    return students.copies()


FORMULA_OR_CODE = r"^```.*?^```$|^\$\$$.*?^\$\$$|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|\$[^$]+\$"


def of_the_book(text):
    """What stock JupyterLab would show raw: directives' fences, then roles and labels outside of code and formulas."""
    fences = re.findall(r"^[> ]*(?:`{3,}|:{3,})\s*\{.*|^[> ]*:{3,}.*", text, re.MULTILINE)
    roles = re.findall(r"\{[\w:-]+\}`.*", text)
    prose = re.sub(FORMULA_OR_CODE, "", text, flags=re.MULTILINE | re.DOTALL)
    return fences + roles + re.findall(r"^\([^)\n]+\)=.*|\{[a-z:-]+\}", prose, re.MULTILINE)


@pytest.mark.parametrize(
    "text", ["of {ref}`a <b>`", "```{math}\na\n```", ":::{hint}", ":::\n", "(a-b)=\n# c", "> :::{note}", "{hint}"]
)
def test_what_the_book_alone_understands_is_found(text):
    assert of_the_book(text)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_copy_reads_well_in_any_notebook_program(path, copies):
    cells = [c.source for c in copies[path.stem].cells if c.cell_type == "markdown"]
    assert {text: raw for text in cells if (raw := of_the_book(text))} == {}
    links = {t for text in cells for t in re.findall(r"\]\(([^)\s]+)\)", text) if not t.startswith("https:")}
    assert links <= {f"{name}.ipynb" for name in copies}
    asked = [title for text in cells for title in re.findall(r"^### Exercise: (.+)$", text, re.MULTILINE)]
    assert len(asked) == len(labels(nbformat.read(path, 4)))


def test_a_copy_has_the_numbers_that_were_published(copies):
    opening = copies["03_functionality"].cells[0].source
    assert f"among {students.glued.published()['03_functionality::neurons']}" in opening
    assert students.NUMBERS in opening


def test_a_wrong_answer_meets_the_message_of_the_check():
    copy = students.student_copy(toy())
    copy.cells[2].source += "\nanswer = 3"
    with pytest.raises(CellExecutionError, match="two, not that"):
        students.NotebookClient(copy, kernel_name="python3").execute()
    for prediction, said in (("", "nothing"), ("prediction = 'one'\n", "one")):
        copy.cells[2].source = f"{prediction}answer = 2"
        students.NotebookClient(copy, kernel_name="python3").execute()
        assert copy.cells[3].outputs[0].text == f"passed\nyou predicted: {said}\n"


def test_a_cell_that_needs_a_solution_is_found():
    with pytest.raises(CellExecutionError, match="'helper' is not defined"):
        students.run(toy("helper = 2\nanswer = helper", then="helper"))


def test_a_check_that_fails_for_something_else_is_found():
    with pytest.raises(ValueError, match=r"check of answer should miss its answer, but said .*ZeroDivisionError"):
        students.run(toy(check=f"{ASKS}\n1 / 0\nassert answer", then="1", first="answer = 3"))


def test_what_is_implemented_needs_no_guess():
    notebook = toy()
    notebook.cells[1].source = "Predict a lot.\n\n```{exercise} Sum\nPut 1 + 1 into `answer`.\n```"
    copy = students.student_copy(notebook)
    assert copy.cells[2].source == "# your answer: put it into answer; the next cell checks it"
    assert copy.cells[3].source.endswith(f"\n{students.PASSED}")


def test_the_caption_of_a_figure_stands_below_it(notebook):
    copy = students.with_captions(students.student_copy(notebook))
    assert len(copy.cells) == len(notebook.cells)
    for i, cell in enumerate(notebook.cells):
        if caption := cell.metadata.get("mystnb", {}).get("figure", {}).get("caption"):
            below = next(c.source for c in copy.cells[i:] if c.cell_type == "markdown")
            assert f"> **Figure above.** {caption}\n\n" in below


def test_imports_of_a_solution_stay():
    copy = students.student_copy(toy("import math\nanswer = math.sqrt(4)"))
    assert copy.cells[2].source.splitlines() == [
        "import math",
        students.PREDICTION,
        "# your answer: put it into answer; the next cell checks it",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cells: cells.pop(3), r"solutions are cells \[2\], checks are cells \[\]"),
        (lambda cells: cells.insert(3, new_markdown_cell("between")), r"checks are cells \[4\]"),
        (lambda cells: cells[3].update(source="assert True"), "reads no name that the solution in cell 2 assigns"),
        (
            lambda cells: cells[3].update(source="assert answer"),
            r"begins with 'assert answer'; expected 'exercise\.ans",
        ),
    ],
)
def test_an_exercise_without_its_check_is_refused(change, message):
    notebook = toy()
    change(notebook.cells)
    with pytest.raises(ValueError, match=message):
        students.student_copy(notebook)


def test_the_original_is_left_as_it_is():
    notebook = toy()
    students.student_copy(notebook)
    assert notebook == toy() | {"cells": notebook.cells}
    assert notebook.cells[2].source == "answer = 1 + 1"


def test_every_notebook_is_written_and_nobodys_answers_are_lost(tmp_path):
    paths = students.write(tmp_path)
    assert [p.name for p in paths] == [*(p.name for p in SOURCES), "capstone.ipynb"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    students.write(tmp_path)  # the same again
    copy = tmp_path / SOURCES[-1].name
    answered = copy.read_text(encoding="utf-8").replace("# your answer", "highest = 1  # your answer")
    copy.write_text(answered, encoding="utf-8")
    paths[0].unlink()
    with pytest.raises(FileExistsError, match="may hold answers"):
        students.write(tmp_path)
    assert copy.read_text(encoding="utf-8") == answered
    assert not paths[0].exists()


def test_the_command_line_names_what_is_known(tmp_path, capsys):
    assert students.main(["--folder", str(tmp_path / "new")]) == 0
    assert str(tmp_path / "new" / SOURCES[0].name) in capsys.readouterr().out
    assert students.main(["--run", "03"]) == 2
    assert f"unknown notebook '03'; known: {SOURCES[0].stem}" in capsys.readouterr().err


# Answers that somebody who has not understood could give; the check has to turn down each of them.
WRONG = {
    "routed-only": [
        "routed = every = 0.7",
        'routed = every = float(specialists.best(scored["switch-mini"][0][0]).sel(subfunction=few[0].name).mean())',
    ],
    "shuffled-blocks": ["largest = 0", 'largest = max(counts["blocks", f].max() for f in planted.FUNCTIONS)'],
    "silent-neuron": ["answer = (0.5, 0.5)", "answer = (0.5, 0.3)"],
    "mean-pooling": [
        "mean_pooled, mean_best = maxima, predictivity.predictivity(maxima, y).max()",
        "mean_pooled, mean_best = 0 * maxima, 0.5",
        'last = capture.pooled_activations(companion, chosen.sentences, pooling="last").isel(layer=-1).to_numpy()\n'
        "mean_pooled, mean_best = last, predictivity.predictivity(last, y).max()",
    ],
    "shuffle-labels": ["shuffled = few[0][0, 0].max().item()", "shuffled = 0.5"],
    "fewer-neurons": [
        "fresh = stored_scores.of_model(models.load(small, untrained=True, seed=seed), asked)\n"
        "fewer = [float(table.max('neuron').mean()) for table in (few[0], fresh)]",
        "fewer = [0.5, 0.5]",
    ],
    "more-than-one-percent": ["relative = [1.0, 1.0]", "relative = [2.0, 3.0]"],
    "fool-the-binomial": ["fooled = dict.fromkeys(section.NULLS, 0)", "fooled = dict.fromkeys(section.NULLS, 16)"],
    "chi-square": ["rejected = 0.05", "rejected = 5.0"],
    "one-test-too-many": ["by_alpha = by_rate = 0.001", "by_alpha = by_rate = 0.63"],
    "another-seed": ["shared = by_chance = 0.2", "shared, by_chance = 0.3, 0.0"],
    "five-repeats": [
        "draws = accuracy.sel(setting='strong', number=reach, order='random').mean(['seed', 'task']).to_numpy()\n"
        "apart = 1.0",
    ],
    "quieter-lesion": ["plain_qqp = mean_qqp = 0.5", "plain_qqp, mean_qqp = 0.8, 0.0"],
    "own-minus-others": [
        "difference = section.own_over_others(lost[first], 'scaled', fifth)[0]\nshifted = difference + 5",
        "table = section.matrix(lost[first], 'scaled', fifth).to_numpy()[:3]\n"
        "difference = shifted = np.trace(table) / 3 - table.mean()",
    ],
    "low-or-high": ["low = high = 0.6", "low, high = 0.7, 0.9"],
    "best-of-many": ["flattered = 0.5", "flattered = 0.6"],
    "eight-seeds": ["smallest, power = 1 / 256, 0.65", "smallest, power = 2 / 256, 0.95"],
    "fewer-checkpoints": ["""rarely = firsts.query("model == @model and level == 'expert'")"""],
    "frozen-noise": ["frozen, crossed = 0.1, 0.1", "frozen, crossed = 0.9, 0.9"],
    "pairs-no-witnesses": ["rejected = 0.05", "rejected = 1.0"],
    "ask-the-neurons": ["of_neurons, rows = 0.5, [wanted['corpus'].to_numpy()] * 2"],
    "reliability-that-grows": ["seen, corrected = 0.3, 0.3", "seen = corrected = 1.0"],
    "decaying-rate-alone": ["decaying = constant = 0.25", "decaying, constant = 0.28, 0.14"],
    "layer-without-experts": ["degrees = [3.0, 3.0]", "degrees = [1.5, 3.0]"],
    "two-at-once": ["four = dict.fromkeys(('none', 'end mark', 'score', 'both'), 0.0)"],
    "made-nested": ["purity = values['purity']"],
    "six-hundred-looks": ["highest = 0.75", "highest = 0.9"],
} | {label: [code for code, _ in tries] for label, tries in OF_FUNCTIONS.items()}


def labels(notebook):
    """Of the exercises, in their order."""
    text = "\n".join(cell.source for cell in notebook.cells)
    return re.findall(r"^```\{exercise\} .+\n:label: (\S+)$", text, re.MULTILINE)


def test_wrong_answers_are_known_for_every_exercise():
    assert sorted(WRONG) == sorted(label for path in SOURCES for label in labels(nbformat.read(path, 4)))


QUICK = ("03_functionality", "A_released")  # the others take a minute each: make verify
RUN = [
    pytest.param(p, id=p.stem, marks=pytest.mark.slow if p.stem in QUICK else pytest.mark.exercises) for p in SOURCES
]


@pytest.mark.parametrize("path", RUN)
def test_a_copy_runs_and_its_checks_turn_down_wrong_answers(path, monkeypatch):
    """The copy, with little of everything; each check without an answer first, and then with each wrong one."""
    monkeypatch.setenv("MODULARITY_CACHE", STORE)
    notebook = nbformat.read(path, 4)
    copy = students.student_copy(notebook)
    expected, asked = {}, list(zip(labels(notebook), exercise_cells.exercises(notebook), strict=True))
    for label, (i, j) in reversed(asked):
        tries = ["", *WRONG[label]]
        cells = []
        for n, answer in enumerate(tries):
            check = new_code_cell(copy.cells[j].source, metadata={"tags": ["raises-exception"]})
            expected[check.id] = f"{label}, {answer or 'no answer'}", "AssertionError" if n else "NoAnswerError"
            cells += [new_code_cell(answer), check]
        copy.cells[i + 1 : j + 1] = cells
    parameters.inject(copy, rerun.profile("smoke", path.stem))
    students.NotebookClient(copy, timeout=None, kernel_manager_class=students.OwnKernel).execute()
    said = {c.id: [o.ename for o in c.outputs if o.output_type == "error"] for c in copy.cells if c.id in expected}
    assert {expected[i][0]: names for i, names in said.items() if names != [expected[i][1]]} == {}


def test_every_exercise_has_its_place_in_the_course(notebook):
    course = (students.NOTEBOOKS.parent / "book/teaching.md").read_text(encoding="utf-8")
    assert len(labels(notebook)) == len(exercise_cells.exercises(notebook))
    assert all(f"<{label}>`" in course for label in labels(notebook))
