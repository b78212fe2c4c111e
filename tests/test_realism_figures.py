"""The pictures of realism draw the numbers that they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from hgteach import figures
from hgteach.evaluation.association import correlations
from hgteach.evaluation.diversity import subgroups
from hgteach.evaluation.patients import Patients
from hgteach.schema import Column, Schema

SCHEMA = Schema(
    "small",
    "who",
    "when",
    (
        Column("VL", "real", lower=0, unit="copies/mL"),
        Column("sex", "binary", levels=("f", "m"), static=True),
        Column("drug", "categorical", levels=("a", "b", "c")),
    ),
)


def patients(scale: float, men: int) -> Patients:
    values = {
        "VL": scale * np.array([[1.0, 10, 100], [2, 20, 200], [3, 30, 300]]),
        "sex": np.repeat(np.arange(3)[:, None] < men, 3, axis=1).astype(np.int16),
        "drug": np.array([[0, 0, 1], [0, 1, 1], [1, 0, 0]], np.int16),
    }
    return Patients(SCHEMA, values, np.full(3, 3))


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_matrices_draw_both_tables_and_their_difference() -> None:
    one, other = (correlations(patients(1, men), SCHEMA) for men in (1, 2))
    axes = figures.matrices(one, other, labels=("stand-in", "copy")).axes
    drawn = [axis.images[0].get_array() for axis in axes[:3]]
    for image, table in zip(drawn, (one, other, other - one), strict=True):
        np.testing.assert_allclose(image, table)
    titles = [axis.get_title("left") for axis in axes[:3]]
    assert titles == ["stand-in", "copy", "copy − stand-in"]
    assert axes[0].get_yticklabels()[0].get_text() == "sex: m"


def test_transition_tables_write_percent_of_the_row() -> None:
    group = patients(1, 1)
    axis = figures.transition_tables(group, group, SCHEMA, "drug").axes[0]
    # Of four rows with a, two are followed by a; of two with b, one is; nobody has c.
    assert [text.get_text() for text in axis.texts] == ["50", "50", "0", "50", "50", "0"]


def test_courses_draw_the_median_on_a_log_axis_where_amounts_vary_much() -> None:
    axis = figures.courses(patients(1, 1), patients(2, 1), SCHEMA).axes[0]
    assert [line.get_ydata().tolist() for line in axis.lines] == [[2, 20, 200], [4, 40, 400]]
    assert [line.get_color() for line in axis.lines] == [figures.REAL, figures.SYNTHETIC]
    assert axis.get_yscale() == "log" and axis.get_ylabel() == "copies/mL"


def test_groups_mark_who_is_lost() -> None:
    table = subgroups(patients(1, 1), patients(1, 0), SCHEMA)
    axis = figures.groups(table).axes[0]
    widths = [[bar.get_width() for bar in bars] for bars in axis.containers]
    np.testing.assert_allclose(widths, [[200 / 3, 100 / 3], [100, 0]])
    assert [text.get_text().strip() for text in axis.texts] == ["lost"]
    assert pd.Series([t.get_text() for t in axis.get_yticklabels()]).tolist() == ["f", "m"]
