"""The sepsis cohort: published layout, published figures, and a body that hangs together."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hgteach
from hgteach.cli import main
from hgteach.cohorts import sepsis_calibration, sepsis_simulator
from hgteach.cohorts.catalogue import COHORTS
from hgteach.cohorts.checking import check
from hgteach.cohorts.download import fetch_copy
from hgteach.cohorts.sepsis import EXAMPLE_VARIABLES, LOGGED, SEPSIS, STEPS
from hgteach.cohorts.sepsis_calibration import calibration_table
from hgteach.cohorts.sepsis_simulator import circulation, draw_shock, raised, simulate_sepsis
from hgteach.errors import InputError


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return simulate_sepsis()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HGTEACH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def steps(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].to_numpy(dtype=float).reshape(-1, STEPS)


def test_the_schema_is_the_published_one():
    kinds = [column.kind for column in SEPSIS.columns]
    assert (kinds.count("real"), kinds.count("binary"), kinds.count("categorical")) == (35, 3, 6)
    assert SEPSIS.width == 104
    assert len(LOGGED) == 17 and LOGGED[0] == "Glucose"
    assert SEPSIS.static == ["Age", "Gender", "ReAd"]
    assert SEPSIS["GCS"].codes == tuple(range(3, 16))
    assert SEPSIS["INR"].levels[3] == "C4" and SEPSIS["INR"].codes[3] == 3
    assert SEPSIS.select(EXAMPLE_VARIABLES).width == 25


@pytest.mark.parametrize("seed", [0, 1])
def test_every_published_figure_lies_inside_its_band(seed):
    table = calibration_table(simulate_sepsis(seed=seed))
    assert len(table) == 181
    assert table["inside"].all(), "\n" + table[~table["inside"]].to_string()


def test_wrong_values_fall_outside(cohort):
    wrong = cohort.copy()
    wrong["Lactate"] *= 1.2
    wrong["pH"] += 0.03
    wrong["SGOT"] *= 1.4
    wrong["MaxVaso"] += 0.01
    wrong["Mech"] = 1 - wrong["Mech"]
    wrong["INR"] = np.roll(wrong["INR"], 1000)
    wrong["PlateletsCount"] = wrong["PlateletsCount"].to_numpy()[::-1]
    result = calibration_table(wrong)
    assert {
        "Lactate: median", "pH: median", "SGOT: mode", "P(MaxVaso < 0.005)", "P(Mech = True)",
        "static: INR and PT", "static: GCS and Mech", "trend: PlateletsCount and InputTotal",
    } <= set(result["statistic"][~result["inside"]])  # fmt: skip
    with pytest.raises(InputError, match="'Gender' holds labels"):
        calibration_table(SEPSIS.label(cohort))


def test_the_calibration_command_tells_by_its_exit_status(capsys):
    assert sepsis_calibration.main(["--patients", "30"]) == 1
    assert "of 181 figures lie inside" in capsys.readouterr().out
    assert sepsis_calibration.main(["--patients", "0"]) == 2


def test_layout_values_and_seed(cohort):
    assert list(cohort.columns) == [*SEPSIS.names, "PatientID", "Timepoints"]
    assert len(cohort) == 2164 * STEPS
    assert not check(cohort, SEPSIS).isna().any().any()  # static columns are constant, too
    assert "Simulated stand-in" in cohort.attrs["provenance"]
    assert simulate_sepsis(40, 3).to_csv() == simulate_sepsis(40, 3).to_csv()
    assert simulate_sepsis(40, 3).to_csv() != simulate_sepsis(40, 4).to_csv()
    assert len(check(simulate_sepsis(1, 2), SEPSIS)) == STEPS


@pytest.mark.parametrize(("arguments", "words"), [((0, 0), "at least one"), ((3, -1), "seed")])
def test_impossible_arguments_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        simulate_sepsis(*arguments)


def test_the_three_pressures_agree(cohort):
    low, mean, high = (cohort[name] for name in ("DiaBP", "MeanBP", "SysBP"))
    assert (low < mean).all() and (mean < high).all()
    third = ((mean - low) / (high - low)).median()
    assert 0.30 < third < 0.37


def test_totals_are_sums_of_the_amounts(cohort):
    for total, amount in (("InputTotal", "Input4H"), ("OutputTotal", "Output4H")):
        added = np.diff(steps(cohort, total), axis=1)
        assert np.allclose(added, steps(cohort, amount)[:, 1:], atol=0.051)
        assert (steps(cohort, total)[:, 0] >= steps(cohort, amount)[:, 0] - 0.051).all()


def test_acid_and_base_agree(cohort):
    expected = 6.1 + np.log10(cohort["HCO3"] / (0.03 * cohort["PaCO2"]))
    assert (cohort["pH"] - expected).std() < 0.02
    assert abs((cohort["pH"] - expected).mean()) < 0.002
    ranks = cohort[["HCO3", "BE", "CO2"]].rank().corr()["HCO3"]
    assert ranks["BE"] > 0.7 and ranks["CO2"] > 0.6


def test_treatment_answers_pressure(cohort):
    before = steps(cohort, "MeanBP")[:, :-1]
    drug, fluid = steps(cohort, "MaxVaso") > 0, steps(cohort, "Input4H")[:, 1:]
    idle = ~drug[:, :-1]
    started = drug[:, 1:]
    low, high = idle & (before < 60), idle & (before > 85)
    assert started[low].mean() > 4 * started[high].mean()
    assert fluid[before < 60].mean() > 3 * fluid[before > 95].mean()


def test_pressure_answers_treatment_by_the_written_effects(monkeypatch):
    shock = draw_shock(np.random.default_rng(1), 500)
    play = lambda: circulation(np.random.default_rng(2), shock)  # noqa: E731
    with_drug = play()
    weaker = replace(sepsis_simulator.EFFECTS, vasopressor=0.0, fluid=0.0)
    gain = raised(with_drug["MaxVaso"][:, 0], with_drug["Input4H"][:, 0])
    monkeypatch.setattr(sepsis_simulator, "EFFECTS", weaker)
    without = play()
    moved = with_drug["MeanBP"][:, 0] - without["MeanBP"][:, 0]
    free = (without["MeanBP"][:, 0] > 30) & (with_drug["MeanBP"][:, 0] < 160)
    assert np.allclose(moved[free], gain[free])
    treated = with_drug["MaxVaso"][:, 0] > 0
    assert 3 < moved[free & treated].mean() < 16
    # Whoever is not helped is treated more: that is confounding by indication, put in on purpose.
    assert (without["MaxVaso"] > 0).mean() > (with_drug["MaxVaso"] > 0).mean()


def test_the_sick_look_sick(cohort):
    treated = cohort["MaxVaso"] > 0
    assert cohort["Lactate"][treated].median() > cohort["Lactate"][~treated].median() + 0.3
    assert cohort["MeanBP"][treated].median() < cohort["MeanBP"][~treated].median()
    assert cohort["GCS"][cohort["Mech"] == 1].mean() < cohort["GCS"][cohort["Mech"] == 0].mean() - 2
    lactate = steps(cohort, "Lactate").mean(axis=0)
    assert lactate[0] > lactate[-1]  # most people get better
    assert (steps(cohort, "Lactate")[:, -1] > steps(cohort, "Lactate")[:, 0]).mean() > 0.25


def test_a_published_file_is_brought_into_our_coding():
    raw = simulate_sepsis(4, 1)
    assert COHORTS["sepsis"].tidy(raw)[1] == []
    other = raw.copy()
    other["SpO2"] = np.arange(len(raw)) % 10 + 1
    other.loc[3, "Age"] += 5
    other.loc[5, "MaxVaso"] = -0.2
    other.loc[[0, 21, 22], "Gender"] = 1 - other.loc[[0, 21, 22], "Gender"]
    table, said = COHORTS["sepsis"].tidy(other)
    assert table["SpO2"].tolist() == [i % 10 for i in range(len(raw))]
    pd.testing.assert_series_equal(table["Age"], raw["Age"])
    pd.testing.assert_series_equal(table["Gender"], raw["Gender"])
    assert said[0] == "1 values of MaxVaso just below zero set to 0"
    assert [sentence.split()[-1] for sentence in said[1:]] == ["0", "patient", "patient"]
    check(table, SEPSIS)


def test_fetch_takes_a_copy_and_says_what_it_changed(folder, tmp_path):
    small = replace(COHORTS["sepsis"], patients=4)
    raw = simulate_sepsis(4, 1)
    raw["Age"] += np.arange(len(raw)) % 2  # changes within each patient
    raw.to_csv(tmp_path / "C001_FakeSepsis.csv")  # with row numbers, as pandas writes them
    path = fetch_copy(small, tmp_path / "C001_FakeSepsis.csv")
    table = small.load()
    assert "Age settled within each patient" in table.attrs["provenance"]
    assert "not verified" in table.attrs["provenance"]
    assert (table["Age"] == table.groupby("PatientID")["Age"].transform("first")).all()
    assert len(json.loads(path.with_suffix(".json").read_text())["sha256"]) == 64
    with pytest.raises(InputError, match="80 rows, not 2,164 patients of 20 steps of four hours"):
        COHORTS["sepsis"].fetch(tmp_path / "C001_FakeSepsis.csv")
    assert len(small.load()) == 80  # the old file is still there
    raw.drop(columns="GCS").to_csv(tmp_path / "less.csv")
    with pytest.raises(InputError, match="'GCS' is missing"):
        fetch_copy(small, tmp_path / "less.csv")


def test_without_the_file_the_table_is_the_stand_in(folder):
    table = hgteach.load_sepsis(20)
    assert "imulated stand-in" in table.attrs["provenance"]
    pd.testing.assert_frame_equal(table, SEPSIS.label(simulate_sepsis(20)))
    with pytest.raises(InputError, match="1 to 2,164 patients"):
        hgteach.load_sepsis(2165)


def test_the_commands_know_the_cohort(folder, tmp_path, capsys):
    out = str(tmp_path / "s.csv")
    assert main(["data", "simulate", "sepsis", "--patients", "9", "--out", out]) == 0
    assert main(["data", "check", out, "--schema", "sepsis"]) == 0
    assert "passes every check of the schema 'sepsis'" in capsys.readouterr().out
    assert main(["data", "fetch", "sepsis"]) == 2
    refused = capsys.readouterr().err
    assert "PhysioNet" in refused and "--from-file" in refused and refused.count(".\n") == 1
    assert main(["data", "fetch", "sepsis", "--from-file", str(tmp_path / "none.csv")]) == 2
    assert "There is no file" in capsys.readouterr().err
    assert main(["data", "list"]) == 0
    assert "sepsis       2,164 patients, 20 steps of four hours" in capsys.readouterr().out
