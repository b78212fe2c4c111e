"""The hypotension stand-in: laid out as published, in its bands, and true to its physiology."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import hgteach
from hgteach.cohorts import hypotension_charts as charts
from hgteach.cohorts import hypotension_simulator as simulator
from hgteach.cohorts.catalogue import COHORTS
from hgteach.cohorts.checking import check
from hgteach.cohorts.hypotension import FLAG_OF, HOURS, HYPOTENSION
from hgteach.cohorts.hypotension_calibration import calibration_table, main
from hgteach.cohorts.hypotension_published import QUARTILES
from hgteach.cohorts.hypotension_simulator import EFFECTS, simulate_hypotension
from hgteach.errors import InputError
from hgteach.schema import Layout, Schema

HASH = """
import hashlib
from hgteach.cohorts.hypotension_simulator import simulate_hypotension
print(hashlib.sha256(simulate_hypotension(60, 3).to_csv().encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return simulate_hypotension()


@pytest.fixture(scope="module")
def played() -> tuple[simulator.People, simulator.Course]:
    return simulator.admit(np.random.default_rng(7), 3000)


def hours(table: pd.DataFrame, column: str) -> np.ndarray:
    return table[column].to_numpy().reshape(-1, HOURS)


# --- Schema and loader ---


def test_schema_is_the_published_one():
    kinds = [HYPOTENSION[name].kind for name in HYPOTENSION.names]
    assert HYPOTENSION.width == 54
    assert [kinds.count(k) for k in ("real", "categorical", "binary")] == [9, 4, 7]
    widths = {b.column.name: b.width for b in HYPOTENSION.blocks if b.column.kind == "categorical"}
    assert widths == {"fluid_boluses": 4, "vasopressors": 4, "FiO2": 10, "GCS_total": 13}
    assert set(FLAG_OF.values()) == {n for n in HYPOTENSION.names if n.endswith("_m")}


def test_schema_survives_toml(tmp_path):
    HYPOTENSION.to_toml(tmp_path / "hypotension.toml")
    assert Schema.from_toml(tmp_path / "hypotension.toml") == HYPOTENSION


def test_published_layout_survives_a_file_and_a_round_trip(tmp_path):
    raw = simulate_hypotension(40, 1)
    raw.to_csv(tmp_path / "raw.csv", index=False)
    read = pd.read_csv(tmp_path / "raw.csv")
    labelled = check(read, HYPOTENSION)
    assert set(labelled["vasopressors"].unique()) <= {"0", "<8.4", "<20.28", "≥20.28"}
    restored = Layout.of(read, HYPOTENSION).restore(labelled, HYPOTENSION)
    pd.testing.assert_frame_equal(restored, read, check_dtype=False)


def test_loader_says_that_it_is_simulated(tmp_path, monkeypatch):
    monkeypatch.setenv("HGTEACH_DATA", str(tmp_path))
    table = hgteach.load_hypotension(30)
    assert len(table) == 30 * HOURS
    assert "Simulated stand-in" in table.attrs["provenance"]
    assert list(table["GCS_total"].cat.categories) == list(map(str, range(3, 16)))
    with pytest.raises(InputError, match="1 to 3,910"):
        hgteach.load_hypotension(4000)


def test_values_just_below_zero_are_tidied_and_no_others():
    raw = simulate_hypotension(5, 0)
    raw.loc[[3, 4], "urine"] = [-0.4, -5.0]
    table, said = COHORTS["hypotension"].tidy(raw)
    assert table["urine"][3] == 0
    assert table["urine"][4] == -5
    assert said == ["1 values of urine just below zero set to 0"]
    with pytest.raises(InputError, match="below its lowest"):
        check(table, HYPOTENSION)


# --- The table ---


def test_every_value_is_valid_and_the_layout_is_the_published_one(cohort):
    assert list(cohort.columns) == [*HYPOTENSION.names, "PatientID", "Timepoints"]
    assert (hours(cohort, "Timepoints") == np.arange(HOURS)).all()
    assert not check(cohort, HYPOTENSION).isna().any().any()


def test_same_seed_same_bytes_whatever_the_threads():
    expected = hashlib.sha256(simulate_hypotension(60, 3).to_csv().encode()).hexdigest()
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, "3")
    printed = subprocess.check_output([sys.executable, "-c", HASH], env=environment, text=True)
    assert printed.strip() == expected
    assert not simulate_hypotension(60, 4).equals(simulate_hypotension(60, 3))


@pytest.mark.parametrize(("patients", "seed"), [(-3, 0), (0, 0), (10, -1)])
def test_impossible_requests_are_refused_in_a_sentence(patients, seed):
    with pytest.raises(InputError, match=r"at least one patient|whole number from 0 up"):
        simulate_hypotension(patients, seed)


@pytest.mark.parametrize("seed", [0, 5])
def test_every_published_figure_is_within_its_band(seed, cohort):
    table = calibration_table(cohort if seed == 0 else simulate_hypotension(seed=seed))
    outside = table[~table["inside"]]
    assert outside.empty, "\n" + outside.to_string()
    assert len(table) > 80


def test_calibration_notices_what_is_wrong(cohort, capsys):
    table = cohort.assign(MAP=cohort["MAP"] + 6, PO2_m=0)
    outside = set(calibration_table(table).query("not inside")["statistic"])
    assert {"MAP: median", "P(PO2_m)", "static: PO2_m and lactic_acid_m"} <= outside
    assert "P(7 hours of MAP ≤ 65)" in outside
    with pytest.raises(InputError, match="holds labels"):
        calibration_table(HYPOTENSION.label(cohort))
    assert main(["--patients", "0"]) == 2
    assert "at least one patient" in capsys.readouterr().err


def test_everybody_meets_the_inclusion_rule_and_some_were_left_out(cohort):
    assert (hours(cohort, "MAP") <= 65).sum(axis=1).min() == 7
    rng = np.random.default_rng(0)
    everybody = simulator.play(rng, simulator.People.draw(rng, 500))
    assert 0.3 < ((everybody.map <= 65).sum(axis=1) < 7).mean() < 0.7


# --- Physiology ---


def test_the_three_pressures_agree(cohort):
    assert (cohort["diastolic_bp"] > 0).all()
    assert (cohort["diastolic_bp"] < cohort["MAP"]).all()
    assert (cohort["MAP"] < cohort["systolic_bp"]).all()
    place = (cohort["MAP"] - cohort["diastolic_bp"]) / (
        cohort["systolic_bp"] - cohort["diastolic_bp"]
    )
    assert place.between(0.08, 0.45).all()


@pytest.mark.parametrize("column", sorted(FLAG_OF))
def test_a_value_changes_only_when_it_was_measured(cohort, column):
    values, measured = hours(cohort, column), hours(cohort, FLAG_OF[column]) == 1
    changed = values[:, 1:] != values[:, :-1]
    assert changed.any()
    assert measured[:, 1:][changed].all()


@pytest.mark.parametrize("column", sorted(charts.TYPICAL))
def test_who_was_never_measured_gets_the_median_of_all_measurements(cohort, column):
    values, measured = hours(cohort, column), hours(cohort, FLAG_OF[column]) == 1
    typical = charts.TYPICAL[column]
    if column in HYPOTENSION.categorical:
        typical = HYPOTENSION[column].codes[typical]
    assert (values[~measured.any(axis=1)] == typical).all()
    assert np.median(values[measured]) == pytest.approx(typical, rel=0.06)


def test_lactate_follows_shock_with_a_delay(played):
    _, course = played
    lactate = np.log(course.lactate)
    same = np.corrcoef(lactate[:, 12:].ravel(), course.shock[:, 12:].ravel())[0, 1]
    assert same > 0.5
    came_back = course.shock[:, 1:-6] > course.shock[:, :-7] + 0.5
    rise = lactate[:, 1:-6] - lactate[:, :-7]
    rise_later = lactate[:, 4:-3] - lactate[:, :-7]
    assert rise_later[came_back].mean() > rise[came_back].mean() + 0.1 > 0.1


def test_treatment_raises_pressure_by_the_stated_amounts(played):
    """One hour after: the pressure that shock and the person do not explain, by its own past."""
    people, course = played
    rest = course.map - (people.usual_map[:, None] - EFFECTS.shock * course.shock)
    now, later = rest[:, 6:-1], rest[:, 7:]
    litres = simulator.BOLUS_ML[course.fluid] / 1000
    untouched = sum(litres[:, 6 - k : -1 - k] + course.dose[:, 6 - k : -1 - k]
                    for k in range(1, 7)) == 0  # fmt: skip
    start = (course.dose[:, 6:-1] == 1) & untouched
    rows = untouched & (course.dose[:, 6:-1] <= 1)
    x = np.column_stack([np.ones(rows.sum()), now[rows], start[rows], litres[:, 6:-1][rows]])
    fitted = np.linalg.lstsq(x, later[rows], rcond=None)[0]
    assert fitted[1] == pytest.approx(simulator.PERSISTENCE, abs=0.02)
    assert fitted[2] == pytest.approx(EFFECTS.onset * EFFECTS.vasopressor[1], abs=0.8)
    assert fitted[3] == pytest.approx(EFFECTS.litre, abs=1.0)


def test_clinicians_answer_low_pressure_and_high_lactate(cohort):
    pressure, lactate = hours(cohort, "MAP")[:, 1:], hours(cohort, "lactic_acid")[:, 1:]
    dose = hours(cohort, "vasopressors")
    start = (dose[:, 1:] > 0)[free := dose[:, :-1] == 0]
    bolus = hours(cohort, "fluid_boluses")[:, 1:] > 0
    assert start[pressure[free] < 55].mean() > 5 * start[pressure[free] > 70].mean()
    assert bolus[pressure < 55].mean() > 3 * bolus[pressure > 70].mean()
    low = (pressure[free] > 58) & (pressure[free] < 65)
    high_lactate = lactate[free] > 4
    assert start[low & high_lactate].mean() > 1.3 * start[low & ~high_lactate].mean()


def test_the_plain_comparison_misleads(cohort):
    """Confounding by indication: pressure is no higher on a vasopressor, which yet raises it."""
    on = cohort["vasopressors"] > 0
    assert cohort["MAP"][on].mean() < cohort["MAP"][~on].mean()


def test_organs_follow_shock_and_pressure(cohort):
    urine_now = cohort[cohort["urine_m"] == 1]
    low = urine_now["MAP"] < 55
    assert urine_now["urine"][low].median() < 0.9 * urine_now["urine"][~low].median()
    low_hours = (hours(cohort, "MAP") < 60).sum(axis=1)
    creatinine = np.log(hours(cohort, "serum_creatinine"))
    rise = creatinine[:, -1] - creatinine[:, 0]
    assert rise[low_hours > 20].mean() > rise[low_hours < 5].mean() + 0.05
    on = cohort["vasopressors"] > 8
    awake = cohort["GCS_total"] >= 14
    assert awake[on].mean() < awake[~on].mean() - 0.2


@pytest.mark.parametrize("flag", ["PO2_m", "lactic_acid_m"])
def test_the_ill_are_measured_more_often(cohort, flag):
    on = cohort["vasopressors"] > 0
    assert cohort[flag][on].mean() > 1.5 * cohort[flag][~on].mean()


def test_targets_are_in_order():
    assert all(low < middle < high for low, middle, high in QUARTILES.values())
