"""The figure of the audit has each choice with its interval in its own row, the first on top."""

import numpy as np
import pytest
from drawn import lines, table, upright

from companion.choices import choice_figure
from companion.sections.figures import COLOURS


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize("reach", [1, 10])
def test_every_row_has_its_effect_and_its_interval(reach):
    rows = table("relative", row=["D2", "D1", "D14"])
    rows = rows.assign(topic=["scores", "experts", "noise"], relative=reach * rows["relative"] * [-1, 1, 1])
    rows = rows.assign(relative_low=rows["relative"] - 0.1, relative_high=rows["relative"] + [0.2, 0.3, 0.4])
    ax = choice_figure.effect_bars(rows)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["scores  D2", "experts  D1", "noise  D14"]
    (found,) = lines(ax, COLOURS["trained"], "None", "o")
    assert np.allclose(found, np.column_stack([rows["relative"], [2, 1, 0]]))
    assert ax.get_yticks().tolist() == [2, 1, 0]
    (intervals,) = ax.collections
    assert np.allclose(np.array(intervals.get_segments())[:, :, 0], rows[["relative_low", "relative_high"]])
    assert upright(ax) == [0, -1, 1]
    low, high = ax.get_xlim()
    assert low <= min(-1, rows["relative_low"].min())
    assert high >= max(1, rows["relative_high"].max())
