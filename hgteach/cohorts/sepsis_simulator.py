"""A simulated stand-in for the sepsis cohort, short enough to read in one sitting.

Nothing here is patient data. Eighty hours of intensive care are played for some thousands of
invented people, in twenty steps of four hours:

1. *The course.* Everybody has a hidden ``shock``, which mostly eases and sometimes grows.
2. *The circulation*, step by step, because here treatment and patient answer each other. Shock
   lowers the mean arterial pressure (MAP). Whoever treats looks at the last MAP and gives
   vasopressors and fluid. Both raise the next MAP, by amounts that are known: ``EFFECTS``.
3. *The organs.* Lung, kidney, liver and inflammation follow the shock, each with a will of its own.
4. *What is measured.* Each laboratory value is a weighted sum of those, a *score*. Scores keep
   their order and take the published shape (:mod:`hgteach.cohorts.quartiles`). What physiology
   fixes is computed instead: pH from bicarbonate and carbon dioxide, the three blood pressures
   from each other, totals from the amounts.

Published are quartiles, shares and a few correlations (:mod:`hgteach.cohorts.sepsis_published`).
All else is invented: every weight below, every effect of treatment, who gets treated, the doses,
how people get better or worse, and all tails. Nobody dies or leaves. Laboratory values move in
every step, as in a synthetic file; a hospital measures them once or twice a day.

Arrays hold one row a patient and one entry a step, ``(N, T)``, or one entry a patient, ``(N,)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from hgteach.cohorts.chance import even, normal, source
from hgteach.cohorts.quartiles import Quartiles
from hgteach.cohorts.scores import blend, levels, score, standard, wander
from hgteach.cohorts.sepsis import PATIENTS, SEPSIS, STEPS
from hgteach.cohorts.sepsis_published import BOUNDS, INVENTED, QUARTILES, SHARES
from hgteach.cohorts.sepsis_published import DECILES as DECILE_SHARES


@dataclass(frozen=True)
class Effects:
    """What moves the mean arterial pressure, mmHg. These are truths of the simulation only."""

    shock: float = -7.5  # for each unit of shock
    vasopressor: float = 16.0  # at most; half of it at ``half_dose``
    half_dose: float = 0.15  # µg/kg/min
    fluid: float = 3.0  # for each litre given in the same four hours
    usual: float = 75.3  # without shock or treatment
    between: float = 8.5  # standard deviation between people
    within: float = 8.0  # standard deviation from step to step


@dataclass(frozen=True)
class Care:
    """How the people who treat decide: by the last MAP, and by other signs of the shock."""

    target: float = 65.0  # mmHg
    start: float = -3.0  # log odds of a vasopressor at the target, for somebody without one
    stay: float = 5.0  # added for somebody who has one already
    per_mmhg: float = 0.12  # added for each mmHg below the target
    severity: float = 1.2  # added for each unit of shock
    usual_dose: float = 0.12  # µg/kg/min
    dose_rise: float = 0.7  # natural log, for each unit of shock
    highest_dose: float = 10.0
    expected: float = 77.7  # mmHg; who is below it gets more fluid, who is above it less
    fluid_rise: float = 0.5  # score of fluid for each 13 mmHg


EFFECTS, CARE = Effects(), Care()
SPREAD_OF_SHOCK, EASING, SPREAD_OF_EASING = 0.8, 0.5, 0.9  # at mid-stay; over the 80 hours
UPSETS, MEMORY = 0.55, 0.7  # what is neither, and how much of it lasts four hours
STARTED_INPUT = Quartiles(100, 2600, 6400, lower=0, upper=18000)  # mL before the first step
STARTED_OUTPUT = Quartiles(1, 90, 1000, lower=0, upper=5000)
PULSE_PRESSURE, PULSE_SPREAD = 60.0, 0.33  # mmHg; natural log
SOLUBILITY, PK = 0.03, 6.1  # of carbon dioxide, mmol/L/mmHg; of carbonic acid
DECIMALS = {"pH": 3, "FiO2": 3, "MaxVaso": 3, "IonisedCa": 3, "Creatinine": 2, "TotalBili": 2,
            "K": 2, "Mg": 2, "Ca": 2, "Albumin": 2, "Lactate": 2}  # fmt: skip


def simulate_sepsis(patients: int = PATIENTS, seed: int = 0) -> pd.DataFrame:
    """Return a simulated stand-in for the sepsis cohort, in the published layout.

    The same arguments always give the same table. A cohort of 300 is *not* the first 300 patients
    of a larger one: scores are ranked within the cohort.

    Args:
        patients: how many people, at least 1.
        seed: a whole number from 0 up.

    Returns:
        ``patients * 20`` rows, sorted by patient and step; the 44 columns of ``SEPSIS`` with
        integer codes, then PatientID and Timepoints. ``attrs["provenance"]`` says that this is a
        simulated stand-in.

    Raises:
        InputError: ``patients`` or ``seed`` is out of range.
    """
    rng = source(patients, seed)
    age = normal(rng, patients)
    values: dict[str, np.ndarray] = {
        "Age": shape("Age", age),
        "Gender": even(rng, patients) < SHARES["Gender"][1],
        "ReAd": even(rng, patients) < SHARES["ReAd"][1],
    }
    values = {name: np.repeat(v[:, None], STEPS, axis=1) for name, v in values.items()}
    shock = draw_shock(rng, patients)
    values |= circulation(rng, shock)
    hidden = organs(rng, age, shock)
    values |= blood_pressures(rng, values["MeanBP"])
    values |= breathing(rng, hidden)
    values |= laboratory(rng, hidden)
    values |= urine(rng, hidden, values["MeanBP"])
    values |= totals(rng, hidden, values)
    values |= consciousness(rng, hidden)

    columns = {}
    for column in SEPSIS.columns:
        flat = values[column.name].reshape(-1)  # (N * T,)
        columns[column.name] = (
            np.round(flat, DECIMALS.get(column.name, 1))
            if column.kind == "real"
            else flat.astype(np.int64)
        )
    columns["PatientID"] = np.repeat(np.arange(patients), STEPS)
    columns["Timepoints"] = np.tile(np.arange(STEPS), patients)
    table = pd.DataFrame(columns)
    table.attrs["provenance"] = (
        f"Simulated stand-in for the sepsis cohort, made by hgteach ({patients:,} patients, "
        f"seed {seed}). Not patient data, and not the Health Gym file."
    )
    return table


def draw_shock(rng: np.random.Generator, patients: int) -> np.ndarray:
    """Return everybody's course: a straight line, mostly easing, and upsets that fade."""
    middle = SPREAD_OF_SHOCK * normal(rng, patients)
    change = -EASING + SPREAD_OF_EASING * normal(rng, patients)  # from first to last step
    line = middle[:, None] + change[:, None] * np.linspace(-0.5, 0.5, STEPS)
    return line + UPSETS * wander(rng, line.shape, lasting=0, memory=MEMORY)


def circulation(rng: np.random.Generator, shock: np.ndarray) -> dict[str, np.ndarray]:
    """Play pressure and treatment against each other, step by step."""
    patients = len(shock)
    untreated = (
        EFFECTS.usual
        + EFFECTS.between * normal(rng, patients)[:, None]
        + EFFECTS.within * wander(rng, shock.shape, lasting=0, memory=0.5)
        + EFFECTS.shock * shock
    )
    habit = wander(rng, shock.shape, lasting=0.8, memory=0.4)  # how freely fluid is given here
    tolerance = 0.8 * normal(rng, patients)  # natural log: some need more of the same drug
    pressure, dose, fluid = (np.empty_like(shock) for _ in range(3))
    last, treated = untreated[:, 0], rng.random(patients) < expit(shock[:, 0] - 2.2)
    for step in range(STEPS):
        odds = (CARE.start + CARE.stay * treated + CARE.per_mmhg * (CARE.target - last)
                + CARE.severity * shock[:, step])  # fmt: skip
        treated = rng.random(patients) < expit(odds)
        wanted = CARE.usual_dose * np.exp(CARE.dose_rise * shock[:, step] + tolerance)
        dose[:, step] = np.where(treated, np.clip(wanted, 0.01, CARE.highest_dose), 0)
        need = CARE.fluid_rise * (CARE.expected - last) / 13
        fluid[:, step] = shape("Input4H", need + np.sqrt(1 - CARE.fluid_rise**2) * habit[:, step])
        pressure[:, step] = untreated[:, step] + raised(dose[:, step], fluid[:, step])
        last = pressure[:, step]
    return {"MeanBP": np.clip(pressure, 30, 160), "MaxVaso": dose, "Input4H": fluid}


def raised(dose: np.ndarray, fluid: np.ndarray) -> np.ndarray:
    """Return by how many mmHg a dose (µg/kg/min) and fluid (mL in four hours) raise the MAP."""
    drug = EFFECTS.vasopressor * dose / (dose + EFFECTS.half_dose)
    return drug + EFFECTS.fluid * fluid / 1000


def blood_pressures(rng: np.random.Generator, mean: np.ndarray) -> dict[str, np.ndarray]:
    """Place the other two around the mean: one third of the pulse below it, two thirds above."""
    own = wander(rng, mean.shape, lasting=0.6, memory=0.6)
    z = 3 * np.tanh(blend(own, (0.3, standard(mean))) / 3)  # nobody is beyond three deviations
    pulse = PULSE_PRESSURE * np.exp(PULSE_SPREAD * z)
    below = 0.335 + 0.03 * wander(rng, mean.shape, lasting=0.3, memory=0.3)  # share of the pulse
    diastolic = np.maximum(mean - below * pulse, 20)
    return {"DiaBP": diastolic, "SysBP": diastolic + pulse}


def organs(rng: np.random.Generator, age: np.ndarray, shock: np.ndarray) -> dict[str, np.ndarray]:
    """Return the hidden states, each of variance 1: higher is worse."""
    size = shock.shape
    hidden = {"shock": standard(shock), "age": np.repeat(age[:, None], STEPS, axis=1)}
    hidden["lung"] = blend(wander(rng, size, 0.85, 0.9), (0.25, hidden["shock"]))
    hidden["kidney"] = blend(
        wander(rng, size, 0.9, 0.9), (0.3, hidden["shock"]), (0.25, hidden["age"])
    )
    hidden["liver"] = blend(wander(rng, size, 0.9, 0.9), (0.25, hidden["shock"]))
    hidden["inflammation"] = blend(wander(rng, size, 0.7, 0.7), (0.3, hidden["shock"]))
    need = blend(wander(rng, size, 0.85, 0.95), (0.6, hidden["lung"]), (0.3, hidden["shock"]))
    hidden["ventilated"] = levels(need, SHARES["Mech"]).astype(float)
    return hidden


def breathing(rng: np.random.Generator, hidden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return ventilation, oxygen and the acid-base state, which agree by Henderson-Hasselbalch."""
    lung, shock, size = hidden["lung"], hidden["shock"], hidden["shock"].shape
    ventilated = standard(hidden["ventilated"])
    oxygen = blend(wander(rng, size, 0.5, 0.6), (0.5, lung), (0.4, ventilated))
    arterial = blend(wander(rng, size, 0.4, 0.5), (-0.45, lung), (0.3, oxygen))
    carbon = blend(wander(rng, size, 0.7, 0.7), (0.35, lung))
    # The kidneys hold bicarbonate back when carbon dioxide is high; lactate uses it up.
    buffer = blend(
        wander(rng, size, 0.7, 0.7), (0.7, carbon), (-0.3, shock), (-0.15, hidden["kidney"])
    )
    values = {
        "Mech": hidden["ventilated"],
        "FiO2": shape("FiO2", score(oxygen)),
        "PaO2": shape("PaO2", score(arterial)),
        "PaCO2": shape("PaCO2", score(carbon)),
        "HCO3": shape("HCO3", score(buffer)),
    }
    rate = blend(wander(rng, size, 0.4, 0.4), (0.35, lung), (0.2, shock))
    values["RR"] = shape("RR", score(rate))
    values["SpO2"] = deciles(rng, "SpO2", (0.5, arterial), (-0.3, lung))
    noise = 0.012 * rng.standard_normal(lung.shape)
    values["pH"] = PK + np.log10(values["HCO3"] / (SOLUBILITY * values["PaCO2"])) + noise
    # Van Slyke's equation, less its share of haemoglobin; then what laboratories disagree on.
    excess = 0.93 * (values["HCO3"] - 24.4 + 14.8 * (values["pH"] - 7.4))
    values["BE"] = shape("BE", score(excess + 1.2 * rng.standard_normal(lung.shape)))
    serum = values["HCO3"] + 4.0 * wander(rng, size, 0.5, 0.5)
    values["CO2"] = shape("CO2", score(serum))
    hidden["buffer"] = standard(buffer)
    return values


def laboratory(rng: np.random.Generator, hidden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return heart rate and everything that a tube of blood shows."""
    patients, _ = size = hidden["shock"].shape
    shock, kidney, liver, age = (hidden[name] for name in ("shock", "kidney", "liver", "age"))
    inflammation = hidden["inflammation"]

    def own(lasting: float = 0.7, memory: float = 0.7) -> np.ndarray:
        return wander(rng, size, lasting, memory)

    sodium, albumin = own(0.8, 0.8), blend(own(0.9, 0.8), (-0.3, inflammation))
    calcium = blend(own(), (0.5, albumin), (-0.2, shock))
    clotting = blend(own(0.8, 0.8), (0.45, liver), (0.25, shock))
    # Platelets fall in most people while fluid adds up, and rise again in some.
    falling = normal(rng, patients) + 0.8
    platelets = own(0.97, 0.7) - 0.3 * falling[:, None] * np.linspace(-1, 1, STEPS)
    scores = {
        "HR": blend(own(0.6, 0.6), (0.4, shock), (0.25, inflammation), (-0.2, age)),
        "K": blend(own(), (0.4, kidney)),
        "Mg": blend(own(), (0.3, kidney)),
        "Na": sodium,
        "Cl": blend(own(), (0.67, sodium), (-0.35, hidden["buffer"])),
        "Ca": calcium,
        "IonisedCa": blend(own(), (0.5, calcium)),
        "Albumin": albumin,
        "Hb": blend(own(0.9, 0.8), (-0.15, age)),
        "Glucose": blend(own(0.6, 0.5), (0.2, shock)),
        "BUN": blend(own(0.8, 0.8), (0.76, kidney)),
        "Creatinine": blend(own(0.8, 0.8), (0.8, kidney)),
        "SGOT": blend(own(), (0.93, liver)),
        "SGPT": blend(own(), (0.93, liver)),
        "TotalBili": blend(own(0.9, 0.8), (0.5, liver)),
        "WbcCount": blend(own(), (0.6, inflammation)),
        "PlateletsCount": platelets - 0.2 * liver,
        "Lactate": blend(own(0.5, 0.5), (0.65, shock), (0.2, liver)),
    }
    values = {name: shape(name, score(z)) for name, z in scores.items()}
    values["Temp"] = deciles(rng, "Temp", (0.5, inflammation), (0.2, scores["HR"]))
    values["PTT"] = deciles(rng, "PTT", (0.5, clotting))
    values["PT"] = deciles(rng, "PT", (0.99, clotting))
    values["INR"] = deciles(rng, "INR", (0.99, clotting))
    return values


def urine(
    rng: np.random.Generator, hidden: dict[str, np.ndarray], pressure: np.ndarray
) -> dict[str, np.ndarray]:
    """Return urine in four hours: less with failing kidneys, in shock and at a low pressure."""
    z = blend(wander(rng, pressure.shape, 0.98, 0.5), (-0.5, hidden["kidney"]),
              (-0.15, hidden["shock"]), (0.1, standard(pressure)))  # fmt: skip
    hidden["urine"] = score(z)
    return {"Output4H": shape("Output4H", hidden["urine"])}


def totals(
    rng: np.random.Generator, hidden: dict[str, np.ndarray], values: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Add the amounts up, from what was given and passed before the first step."""
    patients = len(hidden["shock"])
    habit = score(values["Input4H"].mean(axis=1))
    before = 0.3 * hidden["shock"][:, 0] + 0.7 * habit + 0.6 * normal(rng, patients)
    passed = 0.8 * hidden["urine"][:, 0] + 0.3 * before + 0.5 * normal(rng, patients)
    amounts = {name: np.round(values[name], 1) for name in ("Input4H", "Output4H")}
    given = np.round(STARTED_INPUT.of(before), 1)[:, None]
    urine = np.round(STARTED_OUTPUT.of(passed), 1)[:, None]
    return {
        "InputTotal": given + amounts["Input4H"].cumsum(axis=1),
        "OutputTotal": urine + amounts["Output4H"].cumsum(axis=1),
    }


def consciousness(rng: np.random.Generator, hidden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the Glasgow coma scale: the ventilated are sedated, the sickest drowsy."""
    own = wander(rng, hidden["shock"].shape, 0.7, 0.85)
    sedated = standard(hidden["ventilated"])
    z = blend(own, (-0.45, sedated), (-0.25, hidden["shock"]))
    return {"GCS": 3 + levels(z, SHARES["GCS"])}


def shape(name: str, z: np.ndarray) -> np.ndarray:
    """Give scores the published quartiles of a column."""
    return Quartiles(*(QUARTILES | INVENTED)[name], *BOUNDS.get(name, ())).of(z)


def deciles(rng: np.random.Generator, name: str, *parts: tuple[float, np.ndarray]) -> np.ndarray:
    """Return a variable as one of ten classes."""
    return levels(blend(wander(rng, parts[0][1].shape, 0.6, 0.6), *parts), DECILE_SHARES[name])
