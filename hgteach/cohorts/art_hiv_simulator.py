"""A simulated stand-in for the ART-for-HIV cohort, short enough to read in one sitting.

Nothing here is patient data. Sixty months are played for some thousands of invented people. They
enter care, take a regimen, let it lapse, take it up again; the virus may become resistant and the
regimen may be switched. Viral load answers within months, CD4 within years. Now and then somebody
measures; in between, the last measured value is carried forward.

Which regimens exist and how strong they are: :mod:`hgteach.cohorts.regimens`. The constants below
were fitted to published summaries by least squares and then rounded; how close they come is
printed by ``python -m hgteach.cohorts.calibration``.

Everything on a log scale is log10: viral load in copies/mL, CD4 in cells/uL. Arrays hold one entry
per patient, ``(N,)``, or one row per month, ``(T, N)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hgteach.cohorts import regimens
from hgteach.cohorts.art_hiv import MONTHS, PATIENTS
from hgteach.cohorts.chance import happens, normal, pick, source
from hgteach.cohorts.published import SUMMARIES

# Who the patients are. Asian, African, Caucasian, Other.
ETHNIC_SHARE = np.array([0.021, 0.119, 0.214, 0.646])
FEMALE_SHARE = np.array([0.47, 0.50, 0.06, 0.087])
PI_SHARE = np.array([0.57, 0.57, 0.33, 0.13])  # are prescribed a protease inhibitor
LAPSE_FACTOR = np.array([0.35, 0.35, 0.35, 1.30])  # how readily treatment lapses
LAPSE_SPREAD = 0.8  # between patients, natural log

# Care. Probabilities are per month unless it says "at entry".
VIRAEMIC_AT_ENTRY = 0.627
UNTREATED_AT_ENTRY = 0.68  # of the viraemic, times LAPSE_FACTOR: have not begun their regimen
STOP, RESUME = 0.00775, 0.0585
SWITCH, SWITCH_WHEN_FAILING = 0.0218, 0.10
FAILING_ABOVE, FAILING_AFTER = 2.7, 6  # last measured viral load; months since the last change
RECORDED_ON_TREATMENT, RECORDED_OFF_TREATMENT = 0.957, 0.02

# Viral load. The untreated level and the answer to treatment differ between patients.
UNTREATED_LEVEL, UNTREATED_SPREAD, UNTREATED_SKEW = 4.43, 0.289, -0.25
RESPONSE_SPREAD, RESPONSE_SKEW = 0.427, 0.02
VL_SPEED = 0.45  # share of the way to its level that viral load covers in a month
VL_JITTER_VIRAEMIC, VL_JITTER_SUPPRESSED = 0.22, 0.02
BLIP, BLIP_HEIGHT = 0.01, 1.2

# CD4 = CD4 percentage x lymphocytes. Lasting viraemia wears down the percentage.
PERCENTAGE, PERCENTAGE_SPREAD, PERCENTAGE_SKEW = 1.49, 0.266, 0.165
LYMPHOCYTES, LYMPHOCYTES_SPREAD, LYMPHOCYTES_SKEW = 1.225, 0.22, 0.08  # cells/uL for each %
DEPLETION, DEPLETION_SPEED, DEPLETION_AT_ENTRY = 0.39, 0.04, 0.08
RECOVERY = 0.02  # gained above the patient's own baseline in years of suppression
PERCENTAGE_JITTER, LYMPHOCYTES_JITTER = 0.052, 0.042
JITTER_TAIL = 3  # degrees of freedom: a few readings lie far out, as in the published file

# Immune activation (an infection, a vaccination) raises viral load and lymphocytes together and
# dilutes the CD4 percentage. It gives VL and CD4 the sign that the published cycles have.
ACTIVATED_LYMPHOCYTES, ACTIVATED_PERCENTAGE = 0.117, -0.03
ACTIVATION_AT_ENTRY = 0.69  # people come into care when they are unwell

# Visits. Likelier the longer the last one is past, soon after a change, and when CD4 is low.
VISIT_DUE = 0.0125  # added to the probability for every month since the last visit
VISIT_AFTER_CHANGE, SOON = 0.435, 4  # added in so many months after entry, stop, restart, switch
VISIT_LOW_CD4 = 0.29  # a tenfold lower CD4 multiplies the probability by 10 ** this
VL_ONLY, CD4_ONLY = 0.11, 0.25  # of the visits

# The ranges that the published file spans, and the decimals that this one is written with.
RANGE = {name: (s["minimum"], s["maximum"]) for name, s in SUMMARIES.items()}
DECIMALS = {"VL": 2, "CD4": 2, "Rel CD4": 3}
SOFTNESS = 0.05  # log10: how far before an end of its range a value begins to be held back


@dataclass(frozen=True)
class People:
    """What a patient brings along and keeps, ``(N,)`` each."""

    gender: np.ndarray  # published codes
    ethnic: np.ndarray  # published codes less one
    lapse_factor: np.ndarray
    untreated_vl: np.ndarray
    response: np.ndarray  # added to the drop of every regimen
    percentage: np.ndarray
    lymphocytes: np.ndarray
    depletion: np.ndarray  # what lasting viraemia would cost this patient


@dataclass
class State:
    """Where every patient stands this month, ``(N,)`` each. The clinic sees little of it."""

    regimen: np.ndarray  # index into regimens.REGIMENS
    taking: np.ndarray
    recorded: np.ndarray
    resistant: np.ndarray
    vl: np.ndarray
    depletion: np.ndarray
    since_change: np.ndarray  # months since entry, or since the last change of treatment
    since_visit: np.ndarray


def simulate_art_hiv(patients: int = PATIENTS, seed: int = 0) -> pd.DataFrame:
    """Return a simulated stand-in for the ART-for-HIV cohort, in the published layout.

    The same arguments always give the same table, whatever the number of threads. A cohort of
    300 is *not* the first 300 patients of a larger one: each number makes its own cohort.

    Args:
        patients: how many people, at least 1.
        seed: a whole number from 0 up.

    Returns:
        ``patients * 60`` rows, sorted by patient and month, and the 15 published columns with
        their integer codes. VL is in copies/mL, CD4 in cells/uL, Rel CD4 as published.
        ``attrs["provenance"]`` says that this is a simulated stand-in.

    Raises:
        InputError: ``patients`` or ``seed`` is out of range.
    """
    rng = source(patients, seed)
    people = draw_people(rng, patients)
    state = enter_care(rng, people)
    history = {name: np.empty((MONTHS, patients)) for name in RANGE}
    for name in ("regimen", "VL (M)", "CD4 (M)", "Drug (M)"):
        history[name] = np.zeros((MONTHS, patients), dtype=np.int64)

    for month in range(MONTHS):
        if month > 0:
            change_treatment(rng, people, state, last_vl=history["VL"][month - 1])
            move_on(people, state)
        truth = this_month(rng, people, state, month)
        vl_measured, cd4_measured = visit(rng, state, truth, history, month)
        measured = {"VL": vl_measured, "CD4": cd4_measured, "Rel CD4": cd4_measured}
        for name, value in truth.items():
            carried = history[name][month - 1] if month > 0 else value
            history[name][month] = np.where(measured[name], value, carried)
        history["VL (M)"][month], history["CD4 (M)"][month] = vl_measured, cd4_measured
        history["Drug (M)"][month] = state.recorded
        history["regimen"][month] = state.regimen

    table = publish(people, history)
    table.attrs["provenance"] = (
        f"Simulated stand-in for the ART-for-HIV cohort, made by hgteach ({patients:,} patients, "
        f"seed {seed}). Not patient data, and not the Health Gym file."
    )
    return table


def draw_people(rng: np.random.Generator, patients: int) -> People:
    """Draw sex and ethnicity together, and then what differs between patients."""
    both = np.concatenate([ETHNIC_SHARE * (1 - FEMALE_SHARE), ETHNIC_SHARE * FEMALE_SHARE])
    cell = pick(rng, both, patients)
    gender, ethnic = 1 + cell // len(ETHNIC_SHARE), cell % len(ETHNIC_SHARE)
    return People(
        gender=gender,
        ethnic=ethnic,
        lapse_factor=LAPSE_FACTOR[ethnic] * np.exp(LAPSE_SPREAD * normal(rng, patients)),
        untreated_vl=UNTREATED_LEVEL + UNTREATED_SPREAD * normal(rng, patients, UNTREATED_SKEW),
        response=RESPONSE_SPREAD * normal(rng, patients, RESPONSE_SKEW),
        percentage=PERCENTAGE + PERCENTAGE_SPREAD * normal(rng, patients, PERCENTAGE_SKEW),
        lymphocytes=LYMPHOCYTES + LYMPHOCYTES_SPREAD * normal(rng, patients, LYMPHOCYTES_SKEW),
        depletion=DEPLETION * rng.gamma(3, 1 / 3, patients),
    )


def prescribe(rng: np.random.Generator, ethnic: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Draw a regimen for each patient: first whether with a protease inhibitor, then which."""
    with_pi = happens(rng, PI_SHARE[ethnic])
    regimen = np.empty(len(ethnic), dtype=np.int64)
    for group in (True, False):
        members = with_pi == group
        regimen[members] = pick(rng, shares * (group == regimens.HAS_PI), members.sum())
    return regimen


def enter_care(rng: np.random.Generator, people: People) -> State:
    """Month 0: some are suppressed on a regimen, some begin one, some have not begun yet."""
    patients = len(people.ethnic)
    viraemic = happens(rng, np.full(patients, VIRAEMIC_AT_ENTRY), people.untreated_vl)
    waiting = np.minimum(UNTREATED_AT_ENTRY * LAPSE_FACTOR[people.ethnic], 1)
    regimen = prescribe(rng, people.ethnic, regimens.SHARE)
    state = State(
        regimen=regimen,
        taking=~happens(rng, viraemic * waiting, people.lapse_factor),
        recorded=np.ones(patients, dtype=bool),
        resistant=np.zeros(patients, dtype=bool),
        vl=np.zeros(patients),
        depletion=DEPLETION_AT_ENTRY * viraemic * rng.gamma(2, 1 / 2, patients),
        since_change=np.zeros(patients, dtype=np.int64),
        since_visit=np.ones(patients, dtype=np.int64),
    )
    state.vl = np.where(viraemic, people.untreated_vl, treated_level(people, state))
    return state


def change_treatment(
    rng: np.random.Generator, people: People, state: State, last_vl: np.ndarray
) -> None:
    """Play one month of lapses, restarts, drug records, resistance and switches."""
    stop = happens(rng, state.taking * STOP * people.lapse_factor, state.vl)
    resume = happens(rng, ~state.taking * RESUME, state.vl)
    state.taking = (state.taking & ~stop) | resume
    recorded = np.where(state.taking, RECORDED_ON_TREATMENT, RECORDED_OFF_TREATMENT)
    state.recorded = happens(rng, recorded) | resume
    state.resistant |= happens(rng, state.taking * regimens.RESISTANCE[state.regimen])

    # A change that nobody recorded could not be carried forward, so only recorded months switch.
    # The few on lopinavir stay on it: they are the ones with no alternative.
    failing = (last_vl > FAILING_ABOVE) & (state.since_change > FAILING_AFTER)
    may_switch = state.taking & state.recorded & ~regimens.HAS_LOPINAVIR[state.regimen]
    switch = happens(rng, may_switch * np.where(failing, SWITCH_WHEN_FAILING, SWITCH))
    state.regimen = state.regimen.copy()
    state.regimen[switch] = prescribe(
        rng, people.ethnic[switch], regimens.SHARE * ~regimens.HAS_LOPINAVIR
    )
    state.resistant &= ~switch
    state.since_change = np.where(stop | resume | switch, 0, state.since_change + 1)


def treated_level(people: People, state: State) -> np.ndarray:
    """Return the log10 viral load at which each patient would settle on their regimen."""
    drop = regimens.DROP[state.regimen] + people.response
    return people.untreated_vl - drop * np.where(state.resistant, regimens.LEFT_AFTER_RESISTANCE, 1)


def move_on(people: People, state: State) -> None:
    """Let viral load approach its level quickly, and depletion approach its own slowly."""
    level = np.where(state.taking, treated_level(people, state), people.untreated_vl)
    state.vl = state.vl + VL_SPEED * (level - state.vl)
    viraemia = np.clip((state.vl - 2) / 2, 0, 1)  # none below 100 copies/mL, full from 10,000
    target = people.depletion * viraemia - RECOVERY * (1 - viraemia)
    state.depletion = state.depletion + DEPLETION_SPEED * (target - state.depletion)


def this_month(
    rng: np.random.Generator, people: People, state: State, month: int
) -> dict[str, np.ndarray]:
    """Return what a laboratory would find in each patient this month, log10."""
    patients = len(state.vl)
    blip = happens(rng, np.full(patients, BLIP))
    activation = rng.standard_normal(patients) + blip + ACTIVATION_AT_ENTRY * (month == 0)
    jitter = np.where(state.vl > FAILING_ABOVE, VL_JITTER_VIRAEMIC, VL_JITTER_SUPPRESSED)
    vl = state.vl + jitter * activation + blip * BLIP_HEIGHT * rng.gamma(2, 1 / 2, patients)
    percentage = (
        people.percentage
        - state.depletion
        + ACTIVATED_PERCENTAGE * activation
        + PERCENTAGE_JITTER * rng.standard_t(JITTER_TAIL, patients)
    )
    lymphocytes = (
        people.lymphocytes
        + ACTIVATED_LYMPHOCYTES * activation
        + LYMPHOCYTES_JITTER * rng.standard_t(JITTER_TAIL, patients)
    )
    return {"VL": vl, "CD4": percentage + lymphocytes, "Rel CD4": percentage}


def visit(
    rng: np.random.Generator,
    state: State,
    truth: dict[str, np.ndarray],
    history: dict[str, np.ndarray],
    month: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return who has viral load, and who has CD4, measured. At entry everybody has both."""
    patients = len(state.vl)
    if month == 0:
        return np.ones(patients, dtype=bool), np.ones(patients, dtype=bool)
    low_cd4 = PERCENTAGE + LYMPHOCYTES - history["CD4"][month - 1]
    due = VISIT_DUE * state.since_visit + VISIT_AFTER_CHANGE * (state.since_change < SOON)
    due = np.minimum(due * 10 ** (VISIT_LOW_CD4 * low_cd4), 1)
    seen = happens(rng, due, truth["VL"] - history["VL"][month - 1])
    state.since_visit = np.where(seen, 1, state.since_visit + 1)
    reason = rng.random(patients)
    return seen & (reason < 1 - CD4_ONLY), seen & (reason >= VL_ONLY)


def publish(people: People, history: dict[str, np.ndarray]) -> pd.DataFrame:
    """Lay the histories out as the published file does: one row a patient and month."""
    patients = len(people.ethnic)
    by_row = {name: values.T.reshape(-1) for name, values in history.items()}  # (N * T,)
    columns = {name: natural_scale(by_row[name], name) for name in RANGE}
    columns["Gender"] = np.repeat(people.gender, MONTHS)
    columns["Ethnic"] = np.repeat(people.ethnic + 1, MONTHS)
    codes = regimens.CODES[by_row["regimen"]]  # (N * T, 5)
    columns |= {name: codes[:, i] for i, name in enumerate(regimens.COLUMNS)}
    columns |= {name: by_row[name] for name in ("VL (M)", "CD4 (M)", "Drug (M)")}
    columns["PatientID"] = np.repeat(np.arange(patients), MONTHS)
    columns["Timestep"] = np.tile(np.arange(MONTHS), patients)
    return pd.DataFrame(columns)


def natural_scale(logged: np.ndarray, name: str) -> np.ndarray:
    """Leave the log scale, held softly within the published range, rounded."""
    low, high = np.log10(RANGE[name])
    logged = low + SOFTNESS * np.logaddexp(0, (logged - low) / SOFTNESS)
    logged = high - SOFTNESS * np.logaddexp(0, (high - logged) / SOFTNESS)
    return np.round(10**logged, DECIMALS[name])
