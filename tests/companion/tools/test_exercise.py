"""A check without its answer says what is missing and what to do, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from companion.tools import exercise


@pytest.mark.parametrize("code", ["", "answer = None", "answer = ..."])
def test_a_missing_answer_is_named(code):
    space = {"exercise": exercise, "other": 1}
    exec(code, space)
    with pytest.raises(exercise.NoAnswerError, match=r"no value of `answer` yet: .* cell above this check, run that"):
        exec('exercise.answered(globals(), "other", "answer")', space)


@pytest.mark.parametrize("given", [0, False, "", np.zeros(2), pd.DataFrame(), print])
def test_an_answer_of_any_kind_is_one(given):
    exec('exercise.answered(globals(), "answer")', {"exercise": exercise, "answer": given})


def test_all_that_is_missing_is_said():
    with pytest.raises(exercise.NoAnswerError, match="no value of `low` and `high` yet"):
        exec('exercise.answered(globals(), "low", "high")', {"exercise": exercise})


def test_a_notebook_shows_one_sentence_and_no_traceback(capsys):
    shell = InteractiveShell()
    shell.user_ns["exercise"] = exercise
    said = []
    for code in ('exercise.answered(globals(), "answer")', "answer"):
        assert not shell.run_cell(code).success
        said.append(capsys.readouterr().out)
    assert said[0] == f"NoAnswerError: {exercise.missing(['answer'])}\n"
    assert "Traceback" in said[1]
