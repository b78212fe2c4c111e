"""What shock does to the organs, and what of it is written down, in the simulated stand-in.

Second half of :mod:`hgteach.cohorts.hypotension_simulator`. The first half has played pressure,
lactate and treatment; here kidneys, liver, lungs and consciousness follow, ``(N, T)`` each. Then
the charts are filled as the authors of the published file filled theirs: a value is carried
forward to the next measurement, the first one is carried back to the beginning, and who was never
measured gets the median of all measurements. So a number changes only in an hour whose flag says
*measured*; and hundreds of people breathe, on paper, 50 % oxygen with a PaO2 of 101 mmHg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtri

from hgteach.cohorts.hypotension import HOURS, LOW_MAP
from hgteach.cohorts.quartiles import Quartiles
from hgteach.cohorts.scores import blend, wander

if TYPE_CHECKING:
    from hgteach.cohorts.hypotension_simulator import Course, People

# Who was never measured gets these: the medians of all measurements in large simulated cohorts.
# (The authors took the median of the cohort at hand. A constant does not depend on its size.)
TYPICAL = {"urine": 80.0, "ALT": 45.0, "AST": 66.0, "PO2": 101.0, "lactic_acid": 1.7,
           "serum_creatinine": 1.07, "FiO2": 4, "GCS_total": 12}  # fmt: skip

# Lungs and head. Whoever is on a ventilator is sedated.
ON_OXYGEN = 0.36  # of the others: FiO2 is charted
PO2 = Quartiles(80, 101, 121, lower=25, upper=600)  # mmHg
# FiO2 classes <.2 to 1.0 of those in whom it is charted; GCS 3 to 15, on and off a ventilator.
FIO2_SHARE = np.array([0, 0, 0.09, 0.29, 0.37, 0.07, 0.03, 0.015, 0.015, 0.11])
GCS_SEDATED = np.array([0.09, 0, 0, 0.06, 0.08, 0.11, 0.11, 0.19, 0.11, 0.02, 0.03, 0.07, 0.10])
GCS_AWAKE = np.array([0, 0, 0, 0, 0.005, 0.005, 0.005, 0.015, 0.01, 0.005, 0.03, 0.13, 0.80])
GCS_SHOCK, GCS_DOSE = 0.2, 0.35  # standard scores

# Kidneys and liver. "Deficit" is how far MAP lies below 65, in units of 10 mmHg.
URINE = Quartiles(48, 82, 130, lower=0, upper=2000)  # mL in an hour
URINE_DEFICIT, URINE_KIDNEY = 0.25, 0.30  # of a standard score
CREATININE = Quartiles(0.74, 1.08, 1.80, lower=0.1, upper=20)  # mg/dL, at entry
CREATININE_RISE, CREATININE_FALL = 0.012, 0.006  # natural log an hour, per unit of deficit; always
ALT = Quartiles(21, 39, 78, lower=3, upper=8000)  # IU/L
AST = Quartiles(27, 55, 112, lower=4, upper=12000)
LIVER_SHOCK, LIVER_SPEED = 0.36, 0.08  # standard scores per unit of shock; share an hour
ENZYMES_APART = np.array([0.58, 0.42])  # ALT, AST: what each has of its own

# Charting. Nurses make their rounds every four hours.
ROUND, GCS_ON_ROUND, GCS_BETWEEN = 4, 0.74, 0.045
FIO2_ON_ROUND, FIO2_BETWEEN, FIO2_AWAKE = 0.68, 0.13, 0.45  # last: as often
CATHETER, URINE_WITH, URINE_WITHOUT = 0.60, 0.66, 0.11
ENZYMES_FIRST, ENZYMES_LATER = 0.75, 0.12  # with a panel of chemistry: the first, the later ones
DECIMALS = {"MAP": 1, "diastolic_bp": 1, "systolic_bp": 1, "urine": 0, "ALT": 0, "AST": 0,
            "PO2": 0, "lactic_acid": 1, "serum_creatinine": 2}  # fmt: skip


def write_charts(
    rng: np.random.Generator, people: People, course: Course
) -> dict[str, np.ndarray]:
    """Return the 20 columns, ``(N, T)`` each; classes as positions 0, 1, 2 …"""
    truth = {"lactic_acid": course.lactate}
    truth |= blood_pressures(rng, people, course)
    truth |= kidneys(rng, course)
    truth |= liver(rng, people, course)
    truth |= lungs_and_head(rng, course, people.ventilated)
    measured = rounds(rng, course, people.ventilated)
    flags = {name: measured[flag].astype(np.int64) for name, flag in _FLAGS.items()}
    charts = {}
    for name, values in truth.items():
        values = np.round(values, DECIMALS[name]) if name in DECIMALS else values
        charts[name] = fill(values, measured[name], TYPICAL[name]) if name in measured else values
    return charts | flags | {"fluid_boluses": course.fluid, "vasopressors": course.dose}


_FLAGS = {
    "urine_m": "urine", "ALT_AST_m": "ALT", "FiO2_m": "FiO2", "GCS_total_m": "GCS_total",
    "PO2_m": "PO2", "lactic_acid_m": "lactic_acid", "serum_creatinine_m": "serum_creatinine",
}  # fmt: skip


def blood_pressures(
    rng: np.random.Generator, people: People, course: Course
) -> dict[str, np.ndarray]:
    """Place diastolic and systolic around MAP, a pulse pressure apart."""
    from hgteach.cohorts import hypotension_simulator as s

    shape = course.map.shape
    pulse = people.pulse[:, None] * np.exp(s.PULSE_JITTER * wander(rng, shape, 0, 0.6))
    pulse = pulse * (course.map / s.USUAL_MAP) ** s.PULSE_FOLLOWS_MAP
    place = s.PLACE_OF_MAP + s.PLACE_JITTER * np.clip(wander(rng, shape, 0, 0.3), -3, 3)
    pulse = np.minimum(pulse, 0.9 * course.map / np.abs(place))  # diastolic stays above zero
    diastolic = course.map - place * pulse
    return {"MAP": course.map, "diastolic_bp": diastolic, "systolic_bp": diastolic + pulse}


def kidneys(rng: np.random.Generator, course: Course) -> dict[str, np.ndarray]:
    """Let urine follow the pressure of the hour, and creatinine that of all hours so far."""
    deficit = np.clip(LOW_MAP - course.map, 0, None) / 10
    bad = rng.standard_normal((len(deficit), 1))  # kidneys that were bad before
    strain = np.cumsum(CREATININE_RISE * deficit - CREATININE_FALL, axis=1)
    strain = strain - np.minimum(np.minimum.accumulate(strain, axis=1), 0)  # never below entry
    score = blend(wander(rng, deficit.shape, 0.6, 0.5), (-URINE_KIDNEY, bad))
    score = score - URINE_DEFICIT * (deficit - 0.25)
    return {"urine": URINE.of(score), "serum_creatinine": CREATININE.of(bad) * np.exp(strain)}


def liver(rng: np.random.Generator, people: People, course: Course) -> dict[str, np.ndarray]:
    """Let both enzymes rise hours after deep shock, together; a bad liver clears less lactate."""
    injury = lfilter([LIVER_SPEED], [1, LIVER_SPEED - 1], course.shock**1.5, axis=1)
    common = 0.20 * people.lactate[:, None] + 0.85 * rng.standard_normal((len(injury), 1))
    common = common + LIVER_SHOCK * (injury - 0.4)
    apart = ENZYMES_APART[:, None, None] * rng.standard_normal((2, len(injury), 1))
    jitter = 0.05 * rng.standard_normal(injury.shape)
    return {"ALT": ALT.of(common + apart[0] + jitter), "AST": AST.of(common + apart[1] + jitter)}


def lungs_and_head(
    rng: np.random.Generator, course: Course, ventilated: np.ndarray
) -> dict[str, np.ndarray]:
    """Return PaO2, and the classes of FiO2 and GCS."""
    shape = course.shock.shape
    lungs, shock = wander(rng, shape, 0.8, 0.9), course.shock - 0.6
    gas = blend(wander(rng, shape, 0.5, 0.5), (0.3, lungs))
    head = wander(rng, shape, 0.8, 0.9) - GCS_SHOCK * shock - GCS_DOSE * (course.dose - 0.3)
    oxygen = blend(rng.standard_normal(shape), (-0.9, lungs)) + 0.1 * shock
    gcs = np.where(ventilated[:, None], place(head, GCS_SEDATED), place(head, GCS_AWAKE))
    return {"PO2": PO2.of(gas), "FiO2": place(oxygen, FIO2_SHARE), "GCS_total": gcs}


def rounds(
    rng: np.random.Generator, course: Course, ventilated: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what is measured when, ``(N, T)`` booleans."""
    shape = course.shock.shape

    def happens(probability: np.ndarray | float) -> np.ndarray:
        return rng.random(shape) < probability

    on_round = (np.arange(HOURS) + rng.integers(0, ROUND, (len(ventilated), 1))) % ROUND == 0
    oxygen = (ventilated | (rng.random(len(ventilated)) < ON_OXYGEN))[:, None]
    often = np.where(ventilated, 1, FIO2_AWAKE)[:, None]
    catheter = rng.random((len(ventilated), 1)) < CATHETER
    panel = course.panel_m.astype(bool)
    first = panel & (panel.cumsum(axis=1) == 1)
    enzymes = panel & happens(np.where(first, ENZYMES_FIRST, ENZYMES_LATER))
    return {
        "urine": happens(np.where(catheter, URINE_WITH, URINE_WITHOUT)),
        "ALT": enzymes,
        "AST": enzymes,
        "FiO2": oxygen & happens(np.where(on_round, FIO2_ON_ROUND, FIO2_BETWEEN) * often),
        "GCS_total": happens(np.where(on_round, GCS_ON_ROUND, GCS_BETWEEN)),
        "PO2": course.po2_m.astype(bool),
        "lactic_acid": course.lactate_m.astype(bool),
        "serum_creatinine": panel,
    }


def fill(values: np.ndarray, measured: np.ndarray, typical: float) -> np.ndarray:
    """Carry measurements forward, the first one back, and give ``typical`` where there is none."""
    hour = np.where(measured, np.arange(values.shape[1]), -1)  # (N, T)
    last = np.maximum.accumulate(hour, axis=1)
    first = measured.argmax(axis=1)[:, None]
    charted = np.take_along_axis(values, np.where(last < 0, first, last), axis=1)
    return np.where(measured.any(axis=1, keepdims=True), charted, typical)


def place(score: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the class of a standard normal score, each class as often as its share asks for."""
    edges = ndtri(np.cumsum(shares)[:-1] / shares.sum())
    return np.searchsorted(edges, score, side="right")
