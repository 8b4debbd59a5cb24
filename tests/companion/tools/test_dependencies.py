"""A section runs again for what can change its numbers: its code, the modules it loads, the data they read."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes
from places import ROOT

from companion.tools import dependencies, parameters

LIBRARY = ROOT / "lib"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "# why\nx = 1  # one\n\n"),
        ("x = [1, 2]", "x = [\n    1,  # first\n    2\n]"),
        ("if x:\n    y = 1\nz", "if x:\n  # indeed\n  y = 1\n\nz"),
        ("plot(x);", "plot(x);  # drawn, not shown"),
    ],
)
def test_comments_and_spacing_decide_nothing(one, other):
    assert dependencies.bare(one) == dependencies.bare(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("plot(x)", "plot(x);"),
        ("'a # b'", "'a # c'"),
        ("x = 1", "x = 1.0"),
        ("if x:\n    y\nz", "if x:\n    y\n    z"),
        ("x\ny", "x, y"),
        ("x = 1", ""),
        ("%ls # a", "%ls # b"),
        ("'''a\n# b'''", "'''a\n'''"),
        ("x = (", "x = ((  # never closed"),
    ],
)
def test_whatever_can_change_an_output_decides(one, other):
    assert dependencies.bare(one) != dependencies.bare(other)


def cells(*sources):
    return [{"source": s.splitlines(keepends=True)} for s in sources]


def test_code_is_compared_cell_by_cell():
    assert dependencies.same_code(cells("a\n", "b # why"), cells("a", "b"))
    assert not dependencies.same_code(cells("a", "b"), cells("a\nb"))
    assert not dependencies.same_code(cells("a"), cells("a", ""))
    assert not dependencies.same_code(cells("a", "b"), cells("b", "a"))


@pytest.mark.parametrize(
    ("code", "package", "names"),
    [
        ("import a.b as c, d", "", {"a.b", "d"}),
        ("from a import b as c", "", {"a", "a.b"}),
        ("from a.b import (c, d)", "", {"a.b", "a.b.c", "a.b.d"}),
        ("def f():\n    import a\n    class C:\n        from b import c", "", {"a", "b", "b.c"}),
        ("if TYPE_CHECKING:\n    import a", "", {"a"}),
        ("from . import x", "a.b", {"a.b", "a.b.x"}),
        ("from .x import y", "a.b", {"a.b.x", "a.b.x.y"}),
        ("from ..x import y", "a.b", {"a.x", "a.x.y"}),
        ("from .. import x", "a.b", {"a", "a.x"}),
    ],
)
def test_every_kind_of_import_is_seen(code, package, names):
    assert dependencies.imported(code, package) == names


def write(root, files):
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


FAKE = {
    "lib/modularity/__init__.py": "",
    "lib/companion/__init__.py": "",
    "lib/companion/rerun.py": "from modularity import base\n",
    "lib/modularity/base.py": "import json\n",
    "lib/companion/explorer/__init__.py": "",
    "lib/companion/explorer/pages.py": "from modularity import base\n",
    "lib/modularity/middle.py": "def f():\n    from modularity.deep import last\n",
    "lib/modularity/deep/__init__.py": "from . import beside\n",
    "lib/modularity/deep/beside.py": "from ..middle import f\n",  # round in a circle
    "lib/modularity/deep/last.py": "READS = f'models/{0}.bin'\n",
    "lib/modularity/deep/unused.py": "",
    "lib/modularity/only.py": "READS = 'corpus'\n",
    "lib/modularity/nobody.py": "import modularity.only\n",
}


DEEP = ["deep/__init__", "deep/beside", "deep/last", "middle"]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import numpy, modularity.base", ["__init__", "base"]),
        ("from modularity.base import anything", ["__init__", "base"]),
        ("from modularity import only as o, base", ["__init__", "base", "only"]),
        ("from modularity import middle", ["__init__", *DEEP]),
        ("import modularity.deep.unused.nothing", ["__init__", *DEEP, "deep/unused"]),
        ("import modular", []),
    ],
)
def test_one_import_leads_to_another(tmp_path, code, names):
    write(tmp_path, FAKE)
    found = dependencies.modules(code, tmp_path / "lib")
    assert found == sorted(tmp_path / f"lib/modularity/{name}.py" for name in names)


def test_a_folder_of_data_is_read_by_what_names_it(tmp_path):
    write(tmp_path, {"corpus/x": "", "models/x": "", "results/x": "", "registry.txt": ""})
    texts = ["path('corpus/a.txt')", "models = load(results)", "FOLDER = 'results'"]
    assert dependencies.folders(texts, tmp_path) == ["corpus", "results"]
    assert dependencies.folders(["f'models/{name}/x'"], tmp_path) == ["models"]


def notebook(code, prose="Why?"):
    parts = [new_markdown_cell(prose), new_code_cell("seed: int = 0", metadata={"tags": ["parameters"]})]
    return writes(new_notebook(cells=[*parts, new_code_cell(code)]))


def dodo(root):
    spec = importlib.util.spec_from_file_location("dodo_of_a_copy", root / "dodo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small tree with a copy of dodo.py; calling it says which tasks were out of date, and does them."""
    files = FAKE | {
        "notebooks/01_one.ipynb": notebook("from modularity import base, only"),
        "notebooks/02_two.ipynb": notebook("from modularity import middle"),
        "book/page.md": "",
        "_config.yml": "",
        "_toc.yml": "",
        "data/registry.txt": "# name\ncorpus/a | 1 | MIT\nmodels/a.bin | 2 | MIT\n",
        "data/claims.yml": "",
        "data/corpus/a": "",
        "data/models/a.bin": "",
        "dodo.py": (ROOT / "dodo.py").read_text(encoding="utf-8"),
    }
    write(tmp_path, files)
    monkeypatch.chdir(tmp_path)

    def done(target="book"):
        module = dodo(tmp_path)
        ran = []

        def pretend(name, made):
            ran.append(name)
            write(tmp_path, dict.fromkeys(made, "done"))

        sections = list(module.task_section())
        tasks = [(task, task["name"]) for task in sections]
        explorer, book = module.task_explorer(), module.task_book()
        for task, name in [*tasks, (explorer, "explorer"), (book, "book")]:
            task["actions"] = [(pretend, [name, task["targets"]])]

        module.task_section = lambda: (task for task in sections)
        module.task_explorer, module.task_book = lambda: explorer, lambda: book
        assert DoitMain(ModuleTaskLoader(module)).run([target]) == 0
        return ran

    assert done() == ["01_one", "02_two", "explorer", "book"]
    assert done() == []
    return done


@pytest.mark.parametrize(
    ("changed", "ran"),
    [
        ({"lib/modularity/only.py": "# another"}, "01_one book"),  # the reference quotes the library
        ({"lib/modularity/deep/last.py": "x = 1"}, "02_two book"),
        ({"lib/modularity/deep/beside.py": ""}, "02_two book"),
        ({"lib/modularity/nobody.py": ""}, "book"),
        ({"lib/modularity/base.py": ""}, "01_one 02_two explorer book"),
        ({"lib/companion/rerun.py": ""}, "01_one 02_two book"),
        ({"lib/modularity/new.py": ""}, "book"),
        ({"lib/modularity/only.py": "from modularity import middle"}, "01_one book"),
        ({"data/corpus/a": "x"}, "01_one"),
        ({"data/corpus/b": ""}, "01_one"),
        ({"data/corpus/README.md": ""}, ""),
        ({"data/models/a.bin": "x"}, "02_two"),
        ({"data/registry.txt": "corpus/a | 3 | MIT\nmodels/a.bin | 2 | MIT\n"}, "01_one"),
        ({"data/registry.txt": "# Name\ncorpus/a | 1 | MIT\nmodels/a.bin | 2 | MIT\n"}, ""),
        ({"data/claims.yml": "x"}, "book"),
        ({"book/page.md": "x"}, "book"),
        ({"notebooks/01_one.ipynb": notebook("from modularity import base, only", "How?")}, "book"),
        ({"notebooks/01_one.ipynb": notebook("from modularity import base, only  # both")}, "book"),
        ({"notebooks/01_one.ipynb": notebook("from modularity import only, base")}, "01_one book"),
        ({"notebooks/01_one.ipynb": notebook("from modularity import middle")}, "01_one book"),
    ],
)
def test_what_is_changed_is_done_again_and_nothing_else(tree, tmp_path, changed, ran):
    write(tmp_path, changed)
    done = tree()
    assert done == ran.split() or done == [*ran.split(), "book"]  # what a section leaves is shown
    assert tree() == []


def test_the_authors_files_are_looked_for_again(tree, tmp_path, monkeypatch):
    write(tmp_path, {"notebooks/A_released.ipynb": notebook("from modularity import base")})
    assert tree() == ["A_released", "book"]
    monkeypatch.setenv("MODULARITY_RELEASED", str(tmp_path))
    assert "A_released" in tree()
    assert tree() == []


@pytest.mark.parametrize(
    ("changed", "status", "everything", "kept"),
    [
        (["book/page.md", "notebooks/01_one.ipynb"], 0, False, True),
        (["book/page.md", "book/_ext/executed.py"], 0, True, True),
        (["book/page.md"], 1, False, False),  # or the next run would not repeat the warnings, and would pass
    ],
)
def test_pages_are_made_afresh_for_another_extension_and_after_an_error(
    tree, tmp_path, monkeypatch, changed, status, everything, kept
):
    module, said = dodo(tmp_path), []
    write(tmp_path, {"_build/.doctrees/environment.pickle": "", "_build/html/index.html": ""})

    def run(command, **_):
        said.append(command)
        return subprocess.CompletedProcess(command, status)

    monkeypatch.setattr(module.subprocess, "run", run)
    assert module.build(changed) == (status == 0)
    assert [c[:2] for c in said] == [["jupyter-book", "build"]]
    assert ("--all" in said[0]) == everything
    assert (tmp_path / "_build/.doctrees").is_dir() == kept


# Everything is imported once, and each program runs in a copy of the process that has forgotten the library alone.
LOADED = """
import importlib, json, os, pathlib, sys
library = pathlib.Path(sys.argv[1])
for file in library.glob("*/*.py"):
    importlib.import_module(".".join(file.relative_to(library).with_suffix("").parts).removesuffix(".__init__"))
def ours():
    return [n for n, m in sys.modules.items() if str(getattr(m, "__file__", None)).startswith(str(library))]
for name, code in json.loads(sys.argv[2]).items():
    if os.fork():
        assert os.wait()[1] == 0
    else:
        for known in ours():
            del sys.modules[known]
        exec(code, {})
        print(json.dumps([name, [sys.modules[n].__file__ for n in ours()]]), flush=True)
        os._exit(0)
"""


def loaded(programs: dict[str, str]) -> dict[str, set[str]]:
    """The library's files that are loaded once each program has run."""
    command = [sys.executable, "-W", "ignore", "-c", LOADED, str(LIBRARY), json.dumps(programs)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(LIBRARY)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: set(files) for name, files in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
def test_all_that_a_section_loads_is_among_what_it_depends_on():
    programs = {}
    for file in NOTEBOOKS:
        notebook = json.loads(file.read_text(encoding="utf-8"))
        programs[file.stem] = next(
            c for c in code_of(notebook) if re.search("^from (modularity|companion)", c, re.MULTILINE)
        )
    found = loaded(programs | {"planted": "from companion.models import planted"})
    assert all(len(files) > 10 for name, files in found.items() if name != "planted")
    for file in NOTEBOOKS:
        known = {str(p) for p in dependencies.modules(dependencies.program(file), LIBRARY)}
        assert found[file.stem] - known == set()
    known = {str(p) for p in dependencies.modules("from modularity import partition", LIBRARY)}
    assert found["planted"] - known  # one that is left out would be seen


def code_of(notebook):
    return ["".join(c["source"]) for c in dependencies.code_cells(notebook)]


def test_no_module_is_loaded_by_a_name_that_is_put_together():
    for file in LIBRARY.rglob("*.py"):
        assert not re.search(r"import_module|__import__|runpy", file.read_text(encoding="utf-8")), file


def test_sections_depend_on_parts_of_the_library_only():
    needs = {f: dependencies.modules(dependencies.program(f), LIBRARY) for f in NOTEBOOKS}
    users = Counter(p for files in needs.values() for p in files)
    alone = {file.stem for file, files in needs.items() if any(users[p] == 1 for p in files)}
    assert len(alone) >= len(NOTEBOOKS) / 2
    assert users[LIBRARY / "modularity/__init__.py"] == len(NOTEBOOKS)
    assert max(map(len, needs.values())) < len(list(LIBRARY.rglob("*.py")))


def test_whatever_reads_data_names_its_folder():
    folders = [p.name for p in (ROOT / "data").iterdir() if p.is_dir() and p.name != "build"]
    texts = {p.stem: p.read_text(encoding="utf-8") for p in LIBRARY.rglob("*.py")}
    read = {name: dependencies.folders([text], ROOT / "data") for name, text in texts.items()}
    assert [f for f in folders if not any(f in found for found in read.values())] == []
    asking = {name for name, text in texts.items() if re.search(r"sources\.(path|registry|data_folder)\(", text)}
    assert len(asking) > 5
    # The ledger reads claims.yml; glued.json is what sections have made; an experiment names the folder of its file.
    assert [name for name in asking - {"ledger", "experiment", "glued"} if not read[name]] == []
    experiments = [text for name, text in texts.items() if "def again(self" in text and name != "experiment"]
    assert len(experiments) > 5
    assert all(re.search(r"folder: str = field\(default=\"(results|history)\"", text) for text in experiments)


def test_the_digest_is_of_what_papermill_does_not_inject(tmp_path):
    file = tmp_path / "x.ipynb"
    made = new_notebook(
        cells=[new_code_cell("seed: int = 0", metadata={"tags": ["parameters"]}), new_code_cell("seed")]
    )
    file.write_text(writes(made))
    before = dependencies.code_digest(file)
    parameters.inject(made, {"seed": 1})
    file.write_text(writes(made))
    assert dependencies.code_digest(file) == before
