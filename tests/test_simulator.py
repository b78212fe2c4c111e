"""The simulated stand-in: laid out as published, the same bytes again, true to its own rules."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgteach.cohorts import regimens
from hgteach.cohorts.art_hiv import ART_HIV, MONTHS
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.chance import happens, normal, pick
from hgteach.cohorts.checking import check
from hgteach.cohorts.regimens import REGIMENS, TREATMENT_EFFECTS, Regimen, third_agent
from hgteach.errors import InputError

SHIPPED = Path(__file__).parents[1] / "data" / "art-hiv-stand-in-300.csv"
HASH = """
import hashlib
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
print(hashlib.sha256(simulate_art_hiv(80, 3).to_csv().encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return simulate_art_hiv(3000, seed=5)


def by_patient(table: pd.DataFrame, column: str) -> np.ndarray:
    return table[column].to_numpy().reshape(-1, MONTHS)


def agents(table: pd.DataFrame) -> pd.Series:
    """The third agent of every row, found by looking its five codes up."""
    of = {tuple(c): third_agent(r) for c, r in zip(regimens.CODES, REGIMENS, strict=True)}
    rows = table[regimens.COLUMNS].to_numpy()
    return pd.Series([of[tuple(row)] for row in rows], index=table.index)


def test_layout_is_the_published_one(cohort):
    assert list(cohort.columns) == [*ART_HIV.names, "PatientID", "Timestep"]
    assert len(cohort) == 3000 * MONTHS
    assert (by_patient(cohort, "PatientID") == np.arange(3000)[:, None]).all()
    assert (by_patient(cohort, "Timestep") == np.arange(MONTHS)).all()
    assert all(cohort[name].dtype == np.float64 for name in ART_HIV.real)
    assert all(cohort[name].dtype == np.int64 for name in ART_HIV.categorical)
    assert "Simulated stand-in" in cohort.attrs["provenance"]
    assert "seed 5" in cohort.attrs["provenance"]


def test_every_value_is_valid(cohort):
    labelled = check(cohort, ART_HIV)
    assert not labelled.isna().any().any()


def test_same_seed_same_bytes_whatever_the_threads():
    expected = hashlib.sha256(simulate_art_hiv(80, 3).to_csv().encode()).hexdigest()
    for threads in ("1", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        printed = subprocess.check_output([sys.executable, "-c", HASH], env=environment, text=True)
        assert printed.strip() == expected


def test_another_seed_is_another_cohort():
    one, other = simulate_art_hiv(80, 3), simulate_art_hiv(80, 4)
    for name in (*ART_HIV.real, "Ethnic", "Base Drug Combo", "VL (M)"):
        assert not one[name].equals(other[name])


def test_shipped_sample_is_what_the_simulator_writes():
    shipped = pd.read_csv(SHIPPED)
    again = simulate_art_hiv(300, 0)
    pd.testing.assert_frame_equal(shipped, again, check_exact=False, rtol=0, atol=0.011)


@pytest.mark.parametrize(("patients", "seed"), [(0, 0), (-3, 0), (10, -1)])
def test_impossible_requests_are_refused_in_a_sentence(patients, seed):
    with pytest.raises(InputError, match=r"at least one patient|whole number from 0 up"):
        simulate_art_hiv(patients, seed)


def test_one_patient_is_a_cohort_too():
    assert len(check(simulate_art_hiv(1, 0), ART_HIV)) == MONTHS


@pytest.mark.parametrize("column", ["Gender", "Ethnic"])
def test_demographics_never_change(cohort, column):
    assert (np.ptp(by_patient(cohort, column), axis=1) == 0).all()


@pytest.mark.parametrize(
    ("columns", "flag"),
    [(["VL"], "VL (M)"), (["CD4", "Rel CD4"], "CD4 (M)"), (regimens.COLUMNS, "Drug (M)")],
)
def test_what_was_not_measured_is_carried_forward(cohort, columns, flag):
    measured = by_patient(cohort, flag) == 1
    assert measured[:, 0].all()
    assert 0.05 < measured.mean() < 0.95
    for column in columns:
        values = by_patient(cohort, column)
        changed = values[:, 1:] != values[:, :-1]
        assert changed.any()
        assert measured[:, 1:][changed].all()


def test_only_listed_regimens_occur_and_lopinavir_is_for_good(cohort):
    assert agents(cohort).isin(TREATMENT_EFFECTS).all()
    on_lopinavir = by_patient(cohort, "Extra PI") == 2
    assert on_lopinavir.any()
    assert (on_lopinavir == on_lopinavir[:, :1]).all()


@pytest.mark.parametrize(
    ("regimen", "agent"),
    [
        (Regimen(1, "3TC + ABC", ini="DTG"), "DTG"),
        (Regimen(1, "Other", ini="DTG", nnrti="RPV"), "DTG"),
        (Regimen(1, "FTC + TDF", nnrti="EFV"), "EFV"),
        (Regimen(1, "DRV + FTC + TDF", pi="RTVB"), "DRV"),
        (Regimen(1, "DRV + FTC + TDF", pi="ATV"), "ATV"),
        (Regimen(1, "3TC + ABC", pi="RTVB"), "none"),
        (Regimen(1, "FTC + TDF"), "none"),
    ],
)
def test_third_agent_decides_the_effect(regimen, agent):
    assert third_agent(regimen) == agent


def test_table_shows_the_effects_that_were_put_in():
    cohort = simulate_art_hiv(8916, seed=0)
    settled = (by_patient(cohort, "Drug (M)") == 1).cumsum(axis=1) == np.arange(1, MONTHS + 1)
    settled[:, :18] = False  # on treatment without a gap for a year and a half
    rows = settled.reshape(-1) & (cohort["VL (M)"] == 1).to_numpy()
    vl = np.log10(cohort["VL"][rows]).groupby(agents(cohort[rows])).median()
    drop = pd.Series({agent: effect.drop for agent, effect in TREATMENT_EFFECTS.items()})
    assert vl.corr(drop, method="spearman") < -0.9
    assert 0.8 < vl["NVP"] - vl["DTG"] < 1.4  # put in: 1.0, plus what resistance adds
    assert vl["DTG"] < vl["RPV"] < vl["EFV"]


def test_lapses_raise_viral_load_and_wear_down_cd4(cohort):
    off = (by_patient(cohort, "Drug (M)") == 0).mean(axis=1)
    lapsed, steady = off > 0.6, off < 0.05
    late_vl = np.log10(by_patient(cohort, "VL"))[:, 40:].mean(axis=1)
    assert np.median(late_vl[lapsed]) > np.median(late_vl[steady]) + 2
    gain = np.log10(by_patient(cohort, "Rel CD4"))
    gain = gain[:, 50:].mean(axis=1) - gain[:, :3].mean(axis=1)
    assert gain[lapsed].mean() < gain[steady].mean() - 0.1


def test_systematic_sampling_keeps_totals_and_probabilities():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 0.6, 50)
    rounds = np.array([happens(rng, probability) for _ in range(4000)])
    assert np.abs(rounds.sum(axis=1) - probability.sum()).max() < 1
    assert np.abs(rounds.mean(axis=0) - probability).max() < 0.04  # 4.5 standard errors
    along = np.arange(50.0)
    halves = np.array([happens(rng, np.full(50, 0.2), along)[:25].sum() for _ in range(200)])
    assert set(halves) == {5}


def test_even_draws_have_the_asked_shares_and_shape():
    rng = np.random.default_rng(0)
    counts = np.bincount(pick(rng, np.array([0.0, 5, 3, 2]), 1000), minlength=4)
    assert counts.tolist() == [0, 500, 300, 200]
    assert abs(normal(rng, 5000).std() - 1) < 0.01
    right, left = normal(rng, 5000, 0.3), normal(rng, 5000, -0.3)
    assert right.max() > 4 > -right.min()
    assert -left.min() > 4 > left.max()
