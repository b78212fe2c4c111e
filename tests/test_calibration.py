"""The stand-in stays inside every published band, and the table notices when it does not."""

import numpy as np
import pandas as pd
import pytest

from hgteach.cohorts import calibration
from hgteach.cohorts.art_hiv import MONTHS
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.calibration import calibration_table, main, trend_and_cycle
from hgteach.errors import InputError


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return simulate_art_hiv()


@pytest.fixture(scope="module")
def calibrated(cohort) -> pd.DataFrame:
    return calibration_table(cohort)


def assert_all_inside(table: pd.DataFrame) -> None:
    outside = table[~table["inside"]]
    assert outside.empty, "\n" + outside.to_string()


def outside(table: pd.DataFrame) -> set[str]:
    result = calibration_table(table)
    return set(result["statistic"][~result["inside"]])


def test_default_cohort_lies_inside_every_band(calibrated):
    assert len(calibrated) == 129
    assert_all_inside(calibrated)


def test_another_seed_lies_inside_every_band():
    assert_all_inside(calibration_table(simulate_art_hiv(seed=1)))


def test_table_says_what_was_compared(calibrated):
    assert list(calibrated) == [
        "statistic", "grade", "published", "simulated", "difference", "band", "inside",
    ]  # fmt: skip
    assert calibrated["statistic"].is_unique
    assert set(calibrated["grade"]) == {"A", "B", "C"}
    difference = calibrated["simulated"] - calibrated["published"]
    assert np.allclose(calibrated["difference"], difference)
    signs = calibrated[calibrated["band"] == "same sign"]
    assert signs["statistic"].str.startswith(("trend", "cycle")).all()
    assert (signs["published"].abs() > 0.10).all()


def test_wrong_values_fall_outside(cohort):
    wrong = cohort.copy()
    wrong["VL"] *= 1.3
    wrong["CD4"] *= 1.15
    wrong["Gender"] = 3 - wrong["Gender"]
    wrong["Base Drug Combo"] = wrong["Base Drug Combo"].replace({0: 1, 1: 0})
    wrong["Drug (M)"] = np.roll(wrong["Drug (M)"], 1000)
    assert {
        "VL: quartile 1", "VL: median", "VL: mean", "VL: maximum", "CD4: median",
        "P(Gender = Female)", "P(Female | Caucasian)", "P(Asian | Male)",
        "P(Base Drug Combo = 3TC + ABC)", "P(FTC + TDF | Comp. NNRTI RPV)",
        "P(Ethnic Other | Drug (M) False)", "static: VL and Drug (M)", "static: Gender and Ethnic",
    } <= outside(wrong)  # fmt: skip


def test_wrong_histories_fall_outside(cohort):
    values = ["VL", "CD4", "Rel CD4"]
    wrong = cohort.copy()
    backwards = wrong[values].to_numpy().reshape(-1, MONTHS, len(values))[:, ::-1]
    wrong[values] = backwards.reshape(-1, len(values))
    regimen = wrong.groupby("PatientID")[calibration.regimens.COLUMNS].transform("first")
    wrong[calibration.regimens.COLUMNS] = regimen
    wrong["VL (M)"] = 1 - wrong["VL (M)"]
    assert {
        "P(regimen ever changes)", "P(VL > 1,000 in month 0)", "P(VL (M))",
        "static: VL (M) and CD4 (M)", "trend: VL and Drug (M)", "trend: VL and CD4 (M)",
        "cycle: VL (M) and CD4 (M)",
    } <= outside(wrong)  # fmt: skip


def test_trend_and_cycle_agree_with_a_plain_computation():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(40, 12)).cumsum(axis=1)
    y = 0.6 * x + rng.normal(size=(40, 12))
    y[3] = 7.0  # a patient in whom nothing changes has neither trend nor cycle
    months = np.arange(12)
    slopes, cycles = [], []
    for one, other in zip(np.delete(x, 3, 0), np.delete(y, 3, 0), strict=True):
        lines = [np.polyfit(months, values, 1) for values in (one, other)]
        slopes.append(np.sign(lines[0][0] * lines[1][0]))
        rest = [v - np.polyval(p, months) for v, p in zip((one, other), lines, strict=True)]
        cycles.append(np.corrcoef(*rest)[0, 1])
    trend, cycle = trend_and_cycle(x, y)
    assert cycle == pytest.approx(np.tanh(np.mean(np.arctanh(cycles))))
    assert trend == pytest.approx(np.tanh(np.mean(slopes) * np.arctanh(0.999999)))
    assert np.isnan(trend_and_cycle(np.ones((3, 4)), x[:3, :4])).all()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.drop(columns="CD4"), "no column 'CD4'"),
        (lambda t: t.assign(Gender="Male"), "'Gender' holds labels"),
        (lambda t: t.iloc[:-1], "the same number of months"),
        (lambda t: t.iloc[:0], "at least one"),
        (lambda t: t.assign(VL=0.0), "'VL' holds values that are not above zero"),
    ],
)
def test_another_layout_is_refused_in_a_sentence(cohort, spoil, words):
    with pytest.raises(InputError, match=words):
        calibration_table(spoil(cohort.iloc[: 5 * MONTHS]))


def test_command_prints_the_table_and_tells_by_its_exit_status(calibrated, monkeypatch, capsys):
    assert main(["--patients", "40"]) == 1
    printed = capsys.readouterr().out
    assert "VL: median" in printed
    assert "of 129 figures lie inside" in printed
    assert main(["--patients", "0"]) == 2
    assert "at least one patient" in capsys.readouterr().err
    monkeypatch.setattr(calibration, "calibration_table", lambda _: calibrated)
    assert main(["--patients", "1"]) == 0
    assert "129 of 129" in capsys.readouterr().out
