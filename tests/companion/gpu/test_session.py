"""A session's programme fits its time, and needs a GPU and nothing that a borrowed machine lacks."""

import subprocess
import sys
from dataclasses import replace

import torch

from companion.gpu import __main__ as gpu
from companion.gpu import session_plan


def test_without_a_gpu_or_a_folder_it_says_so(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["x"]) == 2
    said = capsys.readouterr().err
    assert "there is no GPU here" in said


def test_a_borrowed_machine_needs_no_other_packages():
    absent = ("zarr", "numcodecs", "pooch", "defusedxml", "ortools", "k_means_constrained", "datasets", "requests")
    code = f"import sys; sys.modules.update(dict.fromkeys({absent}))\nfrom companion.functions import sources\n"
    code += "import companion.gpu.__main__, companion.gpu.session, companion.gpu.rehearsal\nsources.corpus('brown')"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_toy_recipes_are_those_that_are_trained():
    assert session_plan.recipes(session_plan.TOY).keys() == session_plan.recipes(session_plan.Settings()).keys()
    whole = session_plan.Settings()
    assert whole.total <= 480
    spent = whole.checks + 2 * (whole.training + whole.reading) + whole.speed
    assert spent <= whole.total - 30  # loading, and what is written
    assert replace(session_plan.recipes(session_plan.TOY)["t5-midi"], steps=1).learning_rate(1) == 0
