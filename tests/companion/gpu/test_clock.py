"""Eight minutes are not wasted: steps end on time, and the process with them."""

import subprocess
import sys
import time

import pytest

from companion.gpu import clock as gpu_clock
from companion.gpu import session_plan, training


def test_a_step_that_overruns_is_stopped_and_the_next_one_comes():
    clock = gpu_clock.Clock(60, grace=0.2)
    assert not clock.step("slow", 0.2, lambda _: time.sleep(30))
    assert not clock.step("wrong", 5, lambda _: 1 / 0)
    assert clock.step("right", 5, lambda seconds: seconds)
    assert [word["became"] for word in clock.words.values()] == ["stopped", "failed", "done"]
    assert clock.words["wrong"]["why"] == "ZeroDivisionError: division by zero"
    assert clock.elapsed() < 10


def test_a_step_without_time_is_skipped():
    clock = gpu_clock.Clock(0.1)
    assert not clock.step("late", 5, lambda _: pytest.fail("it ran"))
    assert clock.words["late"]["became"] == "skipped"


def test_an_inner_end_does_not_put_off_the_outer_one():
    def both():
        with pytest.raises(gpu_clock.TimeUp, match=r"after 0\.1 s"), gpu_clock.interrupted(0.1):
            time.sleep(5)
        time.sleep(5)

    with pytest.raises(gpu_clock.TimeUp, match=r"after 0\.3 s"), gpu_clock.interrupted(0.3):
        both()


def test_the_process_ends_when_the_time_is_up_whatever_it_does():
    code = "from companion.gpu import clock; clock.Clock(0.2).guard(); [0 for _ in iter(int, 1)]"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "the time is up" in done.stdout


def test_as_many_steps_are_planned_as_fit():
    recipe = training.planned(session_plan.WIDE, 0, 0.1, 100)
    assert recipe.steps == 960
    assert recipe.learning_rate(960) == 0
    assert len(training.planned(session_plan.WIDE, 0, 0.02, 140).checkpoints()) == 41
    assert training.planned(recipe, 400, 0.1, -1).steps == 401  # late: it ends with the next one
