"""A reading that is interrupted goes on behind the last sub-function that it has read, and is the same in the end."""

import pytest
import xarray as xr

from companion.experiments import obtain, shipped_readings, variants
from companion.experiments.piecewise import Pieces
from companion.functions import tracks
from companion.models import catalogue
from modularity import readings, store


@pytest.fixture(scope="module")
def some():
    return [tracks.first(s, 8) for f in ("semantic", "knowledge") for s in tracks.load(f)[:3]]


def interrupted(monkeypatch, module, at):
    """Let `module.read` be stopped at the `at`-th call; a list of the sub-functions that it has read."""
    read, seen = module.read, []

    def once(model, subfunctions, *others, **options):
        if len(seen) == at:
            raise KeyboardInterrupt
        seen.extend(one.name for one in subfunctions)
        return read(model, subfunctions, *others, **options)

    monkeypatch.setattr(module, "read", once)
    return seen


def stored():
    return sorted(path.name for path in store.folder().glob("*.zarr.zip"))


def test_an_interrupted_reading_goes_on_where_it_was(monkeypatch, some, capsys):
    expected = shipped_readings.read(catalogue.load("t5-mini"), some, draws=shipped_readings.DRAWS)
    capsys.readouterr()
    with monkeypatch.context() as patch:
        before = interrupted(patch, readings, at=4)
        with pytest.raises(KeyboardInterrupt):
            obtain.runs(["t5-mini"], some, seeds=1, copies=0)
    assert len([name for name in stored() if "-piece-" in name]) == 4
    capsys.readouterr()
    with monkeypatch.context() as patch:
        after = interrupted(patch, readings, at=len(some))
        made, _ = obtain.runs(["t5-mini"], some, seeds=1, copies=0)
        bars = capsys.readouterr().err
        again, _ = obtain.runs(["t5-mini"], some, seeds=1, copies=0)  # from the store, whole
    assert before + after == [one.name for one in some]
    assert "| 6/6 [" in bars
    assert bars.count("\n") == 1  # of one bar
    assert len([name for name in stored() if name.startswith("reading-")]) == 1  # its pieces are gone
    xr.testing.assert_equal(made["t5-mini"].trained[0], expected)
    xr.testing.assert_equal(again["t5-mini"].trained[0], expected)


def test_other_poolings_are_stored_a_sub_function_at_a_time(monkeypatch, some):
    with monkeypatch.context() as patch:
        before = interrupted(patch, variants, at=8)  # six of the first pooling, two of the second
        with pytest.raises(KeyboardInterrupt):
            variants.obtain("t5-mini", some)
    assert len(stored()) == 1 + 2
    with monkeypatch.context() as patch:
        after = interrupted(patch, variants, at=10)
        made, _ = variants.obtain("t5-mini", some)
    assert before + after == 3 * [one.name for one in some]
    assert len(stored()) == 3
    model = catalogue.load("t5-mini")
    for pooling, settings in variants.POOLINGS.items():
        expected = variants.read(model, some, pooling)
        for setting in settings:
            found = made[variants.SETTINGS[setting], setting]
            xr.testing.assert_equal(found, expected.sel(setting=setting))


def test_what_has_no_key_is_not_stored(some, untrained):
    pieces = Pieces("x", None, some)
    whole = pieces.whole(lambda: readings.joined(pieces.each(untrained, lambda one: readings.read(untrained, [one]))))
    assert whole.sizes["subfunction"] == len(some)
    assert stored() == []
