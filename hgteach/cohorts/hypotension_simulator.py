"""A simulated stand-in for the acute-hypotension cohort, short enough to read in one sitting.

Nothing here is patient data. Forty-eight hours in an intensive care unit are played for invented
people. *Shock* comes with them and wanes, sometimes it returns. It lowers the blood pressure.
Clinicians look at the pressure and at the last lactate, and answer with fluid or a vasopressor,
some sooner, some later. Treatment raises the pressure from the next hour on, by amounts that stand
in :class:`Effects`: the truth that a lesson can ask for. What shock does to the organs, and what
of it is ever written down, is in :mod:`hgteach.cohorts.hypotension_charts`.

Within an hour: pressure is read, then clinicians act, then the next hour follows. So row t of the
table holds a pressure, the answer to it, and the answer's effect shows in row t + 1.

The constants were chosen by hand and by trial until the table met its published targets, then
rounded. How close it comes: ``python -m hgteach.cohorts.hypotension_calibration``.

Arrays hold one entry per patient, ``(N,)``, or a row per patient and a column per hour,
``(N, T)``. Probabilities are per hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from hgteach.cohorts.chance import source
from hgteach.cohorts.hypotension import HOURS, HYPOTENSION, LOW_HOURS, LOW_MAP, PATIENTS


@dataclass(frozen=True)
class Effects:
    """What treatment really does to the mean arterial pressure (MAP). Invented, but known.

    Attributes:
        vasopressor: mmHg that each dose class (0, 1, 2, 3) adds once it acts fully.
        onset: the share of the way to its full effect that a vasopressor covers in an hour; it
            wears off as fast. A first hour of class 1 adds ``onset * vasopressor[1]``.
        litre: mmHg that a litre of fluid adds in the next hour, in the average patient. People
            differ: in some a bolus does next to nothing.
        leak: the share of that effect that is lost in every later hour.
        shock: mmHg that one unit of shock takes away.
    """

    vasopressor: tuple[float, float, float, float] = (0.0, 8.0, 12.0, 16.0)
    onset: float = 0.6
    litre: float = 5.0
    leak: float = 0.25
    shock: float = 9.0


EFFECTS = Effects()

# Shock: 0 is none. Patients bring some along, it wanes, and it may come back.
SHOCK_AT_ENTRY = (0.9, 1.0)  # gamma: shape, scale
RECOVERY, RECOVERY_SPREAD = 0.035, 0.6  # share that wanes in an hour; natural log
RELAPSE, RELAPSE_SIZE = 0.012, 0.9  # probability; mean of an exponential
VENTILATED, VENTILATED_SHOCK = -1.5, 0.7  # logit of being on a ventilator

# Blood pressure. MAP lies between diastolic and systolic, here a bit over a quarter of the way
# up. The textbook's third holds within a heartbeat; these are three lowest readings of an hour.
USUAL_MAP, USUAL_SPREAD = 80.5, 9.0  # mmHg, without shock or treatment
FLUCTUATION, PERSISTENCE = 9.0, 0.6  # mmHg; how much of it is left an hour later
MAP_LIMITS = (25, 170)
PULSE, PULSE_SPREAD, PULSE_JITTER = 54.5, 0.25, 0.12  # mmHg; natural log
PULSE_FOLLOWS_MAP = 0.35  # a tenth more pressure, this many tenths more pulse pressure
PLACE_OF_MAP, PLACE_JITTER = 0.264, 0.05

# The clinicians. Chances are logits. Low pressure counts in units of 5 mmHg below 65, lactate in
# doublings above 1.7 mmol/L; "taste" is a clinician's own: above 0 quick with vasopressors.
TASTE_SPREAD = 0.6
START, START_LOW_MAP, START_LACTATE = -4.5, 0.75, 0.55
MORE, MORE_LOW_MAP = -3.4, 0.65  # one dose class up
LESS, LESS_HIGH_MAP = -2.0, 0.6  # one dose class down, or off
BOLUS, BOLUS_LOW_MAP, BOLUS_ON_VASOPRESSOR, BOLUS_PER_DAY = -3.65, 0.55, -0.4, -0.5
BOLUS_ML = np.array([0, 250, 500, 1000])
BOLUS_SHARE = np.array([0.02, 0.47, 0.51])  # of the boluses: 250, 500, 1000 mL


@dataclass(frozen=True)
class People:
    """What a patient brings along and keeps, ``(N,)`` each."""

    usual_map: np.ndarray
    pulse: np.ndarray  # usual pulse pressure, mmHg
    recovery: np.ndarray
    fluid_response: np.ndarray  # times Effects.litre; mean 1
    taste: np.ndarray  # of whoever treats this patient
    lactate: np.ndarray  # standard normal: high in those who clear it badly
    shock: np.ndarray  # at entry
    ventilated: np.ndarray  # on a ventilator, and sedated

    @classmethod
    def draw(cls, rng: np.random.Generator, patients: int) -> People:
        """Draw people who have nothing to do with each other."""
        normal = rng.standard_normal
        shape, scale = SHOCK_AT_ENTRY
        shock = rng.gamma(shape, scale, patients)
        return cls(
            usual_map=USUAL_MAP + USUAL_SPREAD * normal(patients),
            pulse=PULSE * np.exp(PULSE_SPREAD * normal(patients)),
            recovery=np.minimum(RECOVERY * np.exp(RECOVERY_SPREAD * normal(patients)), 0.5),
            fluid_response=rng.gamma(1.5, 1 / 1.5, patients),
            taste=TASTE_SPREAD * normal(patients),
            lactate=normal(patients),
            shock=shock,
            ventilated=rng.random(patients) < expit(VENTILATED + VENTILATED_SHOCK * shock),
        )

    def take(self, who: np.ndarray) -> People:
        """Return some of the people."""
        return People(*(values[who] for values in vars(self).values()))


@dataclass
class Course:
    """What happened, hour by hour, ``(N, T)`` each. The table shows only some of it."""

    shock: np.ndarray
    map: np.ndarray
    lactate: np.ndarray  # mmol/L, measured or not
    lactate_m: np.ndarray
    po2_m: np.ndarray
    panel_m: np.ndarray  # a panel of blood chemistry was taken
    fluid: np.ndarray  # class 0 to 3
    dose: np.ndarray  # class 0 to 3

    @classmethod
    def empty(cls, patients: int) -> Course:
        """Return a course with nothing in it yet."""
        return cls(*(np.zeros((patients, HOURS)) for _ in range(3)),
                   *(np.zeros((patients, HOURS), dtype=np.int64) for _ in range(5)))  # fmt: skip

    def take(self, who: np.ndarray) -> Course:
        """Return the course of some of the patients."""
        return Course(*(values[who] for values in vars(self).values()))


Policy = Callable[..., tuple[np.ndarray, np.ndarray]]  # arguments and results of `treat`


def simulate_hypotension(patients: int = PATIENTS, seed: int = 0) -> pd.DataFrame:
    """Return a simulated stand-in for the acute-hypotension cohort, in the published layout.

    The same arguments always give the same table. As in the published cohort, only people with at
    least 7 hours of a MAP of 65 mmHg or less are in it; the others are drawn and left out.

    Args:
        patients: how many people, at least 1.
        seed: a whole number from 0 up.

    Returns:
        ``patients * 48`` rows, sorted by patient and hour; 20 variables with the published codes,
        then ``PatientID`` and ``Timepoints``. Nothing is missing: what was not measured is filled
        as the authors filled it (:mod:`hgteach.cohorts.hypotension_charts`).
        ``attrs["provenance"]`` says that this is a simulated stand-in.

    Raises:
        InputError: ``patients`` or ``seed`` is out of range.
    """
    from hgteach.cohorts.hypotension_charts import write_charts

    rng = source(patients, seed)
    people, course = admit(rng, patients)
    columns = write_charts(rng, people, course)
    for name in ("fluid_boluses", "vasopressors", "FiO2", "GCS_total"):
        columns[name] = np.asarray(HYPOTENSION[name].codes)[columns[name]]
    table = pd.DataFrame({name: columns[name].reshape(-1) for name in HYPOTENSION.names})
    table["PatientID"] = np.repeat(np.arange(patients), HOURS)
    table["Timepoints"] = np.tile(np.arange(HOURS), patients)
    table.attrs["provenance"] = (
        f"Simulated stand-in for the acute-hypotension cohort, made by hgteach ({patients:,} "
        f"patients, seed {seed}). Not patient data, and not the Health Gym file."
    )
    return table


def admit(rng: np.random.Generator, patients: int) -> tuple[People, Course]:
    """Play people's two days until so many are found whose pressure was low for long enough."""
    found: list[tuple[People, Course]] = []
    missing = patients
    while missing > 0:
        people = People.draw(rng, 2 * missing + 8)
        course = play(rng, people)
        who = np.flatnonzero((course.map <= LOW_MAP).sum(axis=1) >= LOW_HOURS)[:missing]
        found.append((people.take(who), course.take(who)))
        missing -= len(who)
    return tuple(
        type(parts[0])(*map(np.concatenate, zip(*(vars(p).values() for p in parts), strict=True)))
        for parts in zip(*found, strict=True)
    )


def play(rng: np.random.Generator, people: People, answer: Policy | None = None) -> Course:
    """Play 48 hours: shock moves, pressure is read, blood is taken, clinicians answer.

    Args:
        rng: the source of chance.
        people: who is played.
        answer: another policy than the clinicians': a function with the arguments and results of
            :func:`treat`. So a lesson can let a learned policy loose, here and only here.
    """
    answer, patients = answer or treat, len(people.taste)
    course = Course.empty(patients)
    shock = people.shock
    lagging = 0.8 * shock  # what lactate has seen of the shock so far
    wobble = FLUCTUATION * rng.standard_normal(patients)
    pressor, fluid = np.zeros(patients), np.zeros(patients)  # mmHg, acting now
    dose = np.zeros(patients, dtype=np.int64)
    last_lactate = np.full(patients, 1.7)  # mmol/L, as far as the clinicians know
    for hour in range(HOURS):
        if hour:
            relapse = rng.random(patients) < RELAPSE
            shock = shock * (1 - people.recovery)
            shock = shock + relapse * RELAPSE_SIZE * rng.exponential(size=patients)
            fresh = np.sqrt(1 - PERSISTENCE**2) * FLUCTUATION
            wobble = PERSISTENCE * wobble + fresh * rng.standard_normal(patients)
            lagging = lagging + LACTATE_SPEED * (shock - lagging)
        pressure = people.usual_map - EFFECTS.shock * shock + pressor + fluid + wobble
        pressure = np.clip(pressure, *MAP_LIMITS)
        lactate = lactate_of(rng, people, lagging)
        panel, po2, lactate_m = take_blood(rng, people, shock, dose, hour)
        last_lactate = np.where(lactate_m, lactate, last_lactate)

        fluid_class, dose = answer(rng, people, pressure, last_lactate, dose, hour)
        full = np.asarray(EFFECTS.vasopressor)[dose]
        pressor = pressor + EFFECTS.onset * (full - pressor)
        given = BOLUS_ML[fluid_class] / 1000 * EFFECTS.litre * people.fluid_response
        fluid = fluid * (1 - EFFECTS.leak) + given

        now = (shock, pressure, lactate, lactate_m, po2, panel, fluid_class, dose)
        for values, value in zip(vars(course).values(), now, strict=True):
            values[:, hour] = value
    return course


def treat(
    rng: np.random.Generator,
    people: People,
    pressure: np.ndarray,
    lactate: np.ndarray,
    dose: np.ndarray,
    hour: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the fluid class of this hour and the vasopressor class from now on.

    This is the clinicians' policy. It sees the pressure of the hour, the last *measured* lactate
    and what is running already; never the shock itself.
    """
    low = (LOW_MAP - pressure) / 5
    doublings = np.log2(lactate / 1.7)
    chance, kind = rng.random(len(dose)), rng.random(len(dose))
    start = START + START_LOW_MAP * low + START_LACTATE * doublings + people.taste
    more = MORE + MORE_LOW_MAP * low + 0.5 * people.taste
    up = chance < expit(np.where(dose == 0, start, more))
    down = chance > 1 - expit(LESS - LESS_HIGH_MAP * low - 0.5 * people.taste)
    # Whoever is far below target is sometimes started on a higher dose at once.
    step = 1 + (dose == 0) * (kind < 0.15 * np.clip(low, 0, 3))
    new_dose = np.where(up, np.minimum(dose + step, 3), np.where(down & (dose > 0), dose - 1, dose))

    bolus = BOLUS + BOLUS_LOW_MAP * low + BOLUS_PER_DAY * hour / 24 - people.taste
    bolus = rng.random(len(dose)) < expit(bolus + BOLUS_ON_VASOPRESSOR * (dose > 0))
    size = 1 + np.searchsorted(np.cumsum(BOLUS_SHARE)[:-1], rng.random(len(dose)), side="right")
    return np.where(bolus, size, 0), new_dose


# Blood. Lactate answers shock with a delay; blood is taken when people are ill.
LACTATE_SPEED = 0.3  # share of the way to the shock of the hour
LACTATE, LACTATE_SPREAD, LACTATE_SHOCK, LACTATE_JITTER = 1.02, 0.42, 0.42, 0.12  # natural log
LACTATE_LIMITS = (0.4, 25)  # mmol/L
GAS, GAS_SHOCK, GAS_DOSE, GAS_VENTILATED = -4.9, 0.30, 0.40, 2.3  # logit of a blood gas
PANEL_AT_DAWN, PANEL, PANEL_SHOCK = 0.75, -3.5, 0.3  # a probability; logits in other hours
LACTATE_WITH_GAS, LACTATE_WITH_PANEL, PO2_WITH_GAS = 0.62, 0.17, 0.95


def lactate_of(rng: np.random.Generator, people: People, lagging: np.ndarray) -> np.ndarray:
    """Return the lactate in everybody's blood, mmol/L."""
    logged = np.log(LACTATE) + LACTATE_SPREAD * people.lactate + LACTATE_SHOCK * lagging
    logged += LACTATE_JITTER * rng.standard_normal(len(lagging))
    return np.clip(np.exp(logged), *LACTATE_LIMITS)


def take_blood(
    rng: np.random.Generator, people: People, shock: np.ndarray, dose: np.ndarray, hour: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return in whom a chemistry panel, a PaO2 and a lactate are measured this hour."""
    gas = GAS + GAS_SHOCK * shock + GAS_DOSE * dose + GAS_VENTILATED * people.ventilated
    gas = rng.random(len(dose)) < expit(gas)
    dawn = rng.random(len(dose)) < PANEL_AT_DAWN * (hour % 24 == 14)
    panel = dawn | (rng.random(len(dose)) < expit(PANEL + PANEL_SHOCK * shock))
    lactate = rng.random(len(dose)) < gas * LACTATE_WITH_GAS + (panel & ~gas) * LACTATE_WITH_PANEL
    return panel, gas & (rng.random(len(dose)) < PO2_WITH_GAS), lactate
