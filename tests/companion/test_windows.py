"""What is promised on Windows, as far as another system can show it: its modules, paths, encoding and line ends."""

import ast
import os
import re
import subprocess
import sys
from pathlib import PureWindowsPath

import pytest
from places import ROOT

from companion.experiments import computing
from companion.experiments.grids import Grid
from modularity.models import Model

CODE = [*(ROOT / "lib").rglob("*.py"), *(ROOT / "notebooks").glob("*.py")]  # data are rebuilt on Linux only
ABSENT = {"resource", "fcntl", "termios", "pwd", "grp", "pty"}  # modules that Windows has not
NO_TEXT = ("os", "archive", "tarfile")  # whose `open` gives bytes
OWN = r"C:\Users\me\my models\t5"


def absent(source: str) -> set[str]:
    """Modules that Windows lacks, and that code imports without a way out."""
    tree = ast.parse(source)
    tried = {id(node) for block in ast.walk(tree) if isinstance(block, ast.Try) for node in ast.walk(block)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in tried:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and id(node) not in tried:
            found.add(str(node.module))
    return found & ABSENT


def test_no_module_is_imported_that_windows_lacks():
    assert {str(f.relative_to(ROOT)): found for f in CODE if (found := absent(f.read_text(encoding="utf-8")))} == {}
    assert absent("import pwd\nfrom fcntl import flock\ntry:\n    import grp\nexcept ImportError:\n    pass") == {
        "pwd",
        "fcntl",
    }


def opened_without_encoding(source: str) -> list[int]:
    """Lines that read or write text in the encoding of the system, which is cp1252 on Windows."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        binary = any(re.fullmatch(r"[rwaxbt+]*b[rwaxbt+]*", text) for text in given)
        of_a_module = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in NO_TEXT
        named = any(keyword.arg == "encoding" for keyword in node.keywords)
        if name in ("read_text", "write_text", "open") and not (binary or of_a_module or named):
            found.append(node.lineno)
    return found


def test_every_text_file_is_opened_in_its_encoding():
    found = {str(f.relative_to(ROOT)): opened_without_encoding(f.read_text(encoding="utf-8")) for f in CODE}
    assert {file: lines for file, lines in found.items() if lines} == {}


def test_the_test_above_can_fail():
    assert opened_without_encoding("path.read_text()\nopen(path)\npath.open('a')") == [1, 2, 3]
    assert opened_without_encoding("path.open('rb')\nopen(p, encoding='utf-8')\nos.open(p, 1)") == []


@pytest.mark.parametrize("name", [OWN, "/home/me/my models/t5", "google-t5/t5-base"])
def test_results_of_a_model_at_a_path_have_names_that_windows_takes(name):
    model = Model(name, None, None)  # type: ignore[arg-type]
    cell = computing.cell_name(Grid("switch", name), (0, "code", "qqp"))
    for file in (f"reading-{model.stem}-0.zarr.zip", f"{cell}-0.zarr.zip"):
        assert PureWindowsPath(file).name == file
        assert not re.search(r'[<>:"/\\|?*]', file)


def test_a_character_that_the_terminal_lacks_ends_no_program():
    code = "from companion import terminal; terminal.run(lambda: print('≥ 0.9 \\u6f22') or 3)"
    for encoding, shown in (("cp1252", rb"\u2265 0.9 \u6f22"), ("ascii", rb"\u2265 0.9 \u6f22")):
        command, environment = [sys.executable, "-c", code], os.environ | {"PYTHONIOENCODING": encoding}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (3, shown), done.stderr
    code = "print('≥')"  # or the test above shows nothing
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONIOENCODING": "cp1252"}, check=False)
    assert done.returncode == 1


def test_every_program_is_run_by_it():
    programs = [f for f in (ROOT / "lib").rglob("*.py") if '__name__ == "__main__"' in f.read_text(encoding="utf-8")]
    assert len(programs) > 10
    for file in programs:
        assert file.read_text(encoding="utf-8").endswith('if __name__ == "__main__":\n    terminal.run(main)\n'), file


def test_git_changes_no_line_ends():
    """Of what is read by its digest, which would be another one with the line ends of Windows."""
    assert "* -text\n" in (ROOT / ".gitattributes").read_text(encoding="utf-8")
