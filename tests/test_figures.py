"""Pictures show what the table holds, in two colours, with words."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from hgteach import ART_HIV, InputError, figures
from hgteach.figures import palette
from hgteach.figures.patients import spells

mpl.use("agg")
MONTHS = 6


@pytest.fixture
def cohort() -> pd.DataFrame:
    """Two patients, six months; patient 7 changes treatment in month 2."""
    coded = pd.DataFrame(
        {
            column.name: [column.codes[0] if column.codes else 100.0] * 12
            for column in ART_HIV.columns
        }
    )
    coded["VL"] = [9000, 900, 90, 9, 9, 9] + [20.0] * 6
    coded["Base Drug Combo"] = [0, 0, 1, 1, 1, 1] + [2] * 6
    coded["VL (M)"] = [1, 0, 0, 0, 0, 1] + [1] * 6
    coded["PatientID"] = np.repeat([7, 8], MONTHS)
    coded["Timestep"] = np.tile(range(MONTHS), 2)
    table = ART_HIV.label(coded)
    table.attrs["provenance"] = "Simulated stand-in, made for a test."
    return table


def points(axis, face: str) -> np.ndarray:
    """Return the heights of the markers whose face has this colour."""
    lines = [line for line in axis.lines if line.get_marker() == "o"]
    faces = [line for line in lines if to_hex(line.get_markerfacecolor()) == face.lower()]
    return np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in faces])


def test_measured_months_are_filled_and_the_others_hollow(cohort):
    figure = figures.patient(cohort, 7)
    viral_load = figure.axes[0]
    assert points(viral_load, figures.REAL).tolist() == [9000, 9]
    assert points(viral_load, "#ffffff").tolist() == [900, 90, 9, 9]
    assert viral_load.get_yscale() == "log"


def test_a_regimen_band_spans_its_months_and_carries_its_label(cohort):
    regimen = figures.patient(cohort, 7).axes[-1]
    spans = [(bar.get_x(), bar.get_width()) for bar in regimen.patches if bar.get_y() < 0]
    assert spans == [(-0.5, 2), (1.5, 4)]
    assert "3TC\n+ABC" in [text.get_text() for text in regimen.texts]


def test_the_title_names_patient_and_provenance(cohort):
    assert figures.patient(cohort, 8).axes[0].get_title("left") == "Patient 8 (simulated stand-in)"
    title = figures.patient(cohort, 8, label="made by v1").axes[0].get_title("left")
    assert title == "Patient 8 (made by v1)"


def test_an_unknown_patient_is_told_in_a_sentence(cohort):
    with pytest.raises(InputError, match=r"no patient 9. .* from 7 to 8"):
        figures.patient(cohort, 9)


def test_the_picture_needs_no_flags(cohort):
    plain = cohort.drop(columns=["VL (M)", "CD4 (M)", "Drug (M)"])
    figure = figures.patient(plain, 7)
    assert len(points(figure.axes[0], figures.REAL)) == MONTHS
    assert figure.axes[0].get_title("right") == ""
    lanes = [tick.get_text() for tick in figure.axes[-1].get_yticklabels()]
    assert "(recorded)" not in lanes
    assert "measured" not in figures.describe_patient(plain, 7)


def test_words_hold_the_same_facts_as_the_picture(cohort):
    words = figures.describe_patient(cohort, 7)
    assert words.startswith("Patient 7 (Male, Asian), 6 months.")
    assert "VL goes from 9,000 to 9 copies/mL, lowest 9, highest 9,000; measured in 2" in words
    assert "Base Drug Combo: FTC + TDF in months 0 to 1, 3TC + ABC in months 2 to 5." in words
    assert "Extra pk-En: none." in words


def test_spells_cover_every_month_once():
    levels = pd.Series(pd.Categorical(list("aabba")))
    assert spells(levels, np.arange(3, 8)) == [(3, 5, "a"), (5, 7, "b"), (7, 8, "a")]


def test_bars_are_shares_of_rows(cohort):
    figure = figures.distributions(cohort, schema=ART_HIV.select(["Base Drug Combo"]))
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert np.allclose(widths, [100 / 6, 100 / 3, 50, 0, 0, 0])


def test_real_is_blue_synthetic_is_orange_and_the_legend_says_so(cohort):
    figure = figures.distributions(cohort, cohort, ART_HIV.select(["Gender"]))
    colours = [to_hex(bar.get_facecolor()).upper() for bar in figure.axes[0].patches]
    assert colours == [figures.REAL] * 2 + [figures.SYNTHETIC] * 2
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == ["simulated stand-in", "synthetic"]


@pytest.mark.parametrize(("low", "scale"), [(1.0, "log"), (0.0, "linear")])
def test_skewed_numbers_get_a_log_axis_only_if_all_are_positive(cohort, low, scale):
    skewed = cohort.assign(VL=[low, *np.geomspace(1, 1e5, 11)])
    figure = figures.distributions(skewed, schema=ART_HIV.select(["VL"]))
    assert figure.axes[0].get_xscale() == scale


def test_a_constant_number_is_drawn_as_a_line(cohort):
    figure = figures.distributions(cohort, cohort, ART_HIV.select(["CD4"]))
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [100.0, 100.0]


def test_columns_that_a_synthetic_table_lacks_are_left_out(cohort):
    synthetic = cohort[["PatientID", "Timestep", "VL", "Gender"]]
    drawn = [a for a in figures.distributions(cohort, synthetic).axes if a.get_visible()]
    assert [axis.get_title("left") for axis in drawn] == ["VL", "Gender"]


def test_a_history_gets_one_panel_a_number():
    history = pd.DataFrame({"epoch": [1, 2], "critic_loss": [3.0, 1.0], "note": ["x", "y"]})
    figure = figures.training_history(history)
    assert [axis.get_title("left") for axis in figure.axes] == ["critic loss"]
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[1, 3.0], [2, 1.0]]


def test_show_sends_the_words_with_the_picture_and_below_it(cohort, monkeypatch):
    sent = []
    monkeypatch.setattr(palette, "display", lambda data, **settings: sent.append((data, settings)))
    figures.show(figures.patient(cohort, 7), alt="Viral load   falls\nbelow <50>.")
    (picture, settings), (unfolding, _) = sent
    assert picture["image/png"].startswith(b"\x89PNG")
    assert settings["metadata"]["image/png"]["alt"] == "Viral load falls below <50>."
    assert "falls below &lt;50&gt;." in unfolding["text/html"]


def test_no_figure_stays_open_and_no_style_leaks(cohort):
    before = mpl.rcParams.copy()
    figures.png(figures.patient(cohort, 7))
    assert mpl.pyplot.get_fignums() == []
    assert mpl.rcParams == before


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    mpl.pyplot.close("all")
