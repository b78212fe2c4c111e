"""The sepsis cohort: its schema, and the table to learn from.

2,164 people with sepsis in intensive care, 20 steps of four hours each (80 hours), 44 variables.
Health Gym published it as ``C001_FakeSepsis.csv``, a *synthetic* cohort made from MIMIC-III (Kuo
et al. 2022; PhysioNet, doi 10.13026/p0tv-0r98, behind a data use agreement). It is not part of this
course; ``hgteach data fetch sepsis --from-file CSV`` takes the copy of somebody who may use it.
Without it the table is a *simulated stand-in*.

**What is certain.** The names of the 44 columns, ``PatientID`` and ``Timepoints``, which of them
are numbers, two-level or classes, that 0 and 1 code the two-level ones and 3 to 15 the GCS: the
authors' own preparation script for that file reads it so. Gender 0 is male and 1 female: so does
their plotting script. Age is in years in the file, in days in its source.

**What we chose.** The order of the columns in a file (any order is read). The codes 0 to 9 of the
ten classes ``C1`` to ``C10`` of SpO2, Temp, PTT, PT and INR; a file that counts from 1 is read too.
Units are those of the published figures. Ionised calcium is labelled mg/dL there, but 1.13 is
mmol/L, so we say mmol/L. Age, Gender and ReAd (readmission) are static here. The generator behind
the published file treated them as changing; where they change within a patient, ``fetch`` settles
them (median age, the more frequent level) and the provenance says so.

**Scales.** The authors scaled 18 numbers by min-max and 17 as log(x + 1) by min-max, and gave five
columns that fitted neither ten classes between their deciles. This course has one way for all
numbers, Box-Cox and min-max with a fitted exponent (:mod:`hgteach.preprocess`). ``LOGGED`` lists
the 17.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hgteach.schema import Column, Schema

PATIENTS, STEPS, HOURS = 2164, 20, 4

# Name, unit, description; in the authors' order. Static columns are marked below.
_NUMBERS = (
    ("Age", "years", "age"),
    ("HR", "beats/min", "heart rate"),
    ("SysBP", "mmHg", "systolic blood pressure"),
    ("MeanBP", "mmHg", "mean arterial pressure"),
    ("DiaBP", "mmHg", "diastolic blood pressure"),
    ("RR", "breaths/min", "respiratory rate"),
    ("K", "meq/L", "potassium"),
    ("Na", "meq/L", "sodium"),
    ("Cl", "meq/L", "chloride"),
    ("Ca", "mg/dL", "calcium"),
    ("IonisedCa", "mmol/L", "ionised calcium (labelled mg/dL in the published figures)"),
    ("CO2", "meq/L", "total carbon dioxide in serum"),
    ("Albumin", "g/dL", "albumin"),
    ("Hb", "g/dL", "haemoglobin"),
    ("pH", "", "arterial pH"),
    ("BE", "meq/L", "base excess"),
    ("HCO3", "meq/L", "bicarbonate"),
    ("FiO2", "fraction", "inspired oxygen"),
    ("Glucose", "mg/dL", "glucose"),
    ("BUN", "mg/dL", "blood urea nitrogen"),
    ("Creatinine", "mg/dL", "creatinine"),
    ("Mg", "mg/dL", "magnesium"),
    ("SGOT", "u/L", "aspartate aminotransferase"),
    ("SGPT", "u/L", "alanine aminotransferase"),
    ("TotalBili", "mg/dL", "total bilirubin"),
    ("WbcCount", "10⁹/L", "white blood cells"),
    ("PlateletsCount", "10⁹/L", "platelets"),
    ("PaO2", "mmHg", "arterial oxygen pressure"),
    ("PaCO2", "mmHg", "arterial carbon dioxide pressure"),
    ("Lactate", "mmol/L", "arterial lactate"),
    ("InputTotal", "mL", "fluid given since before the first step"),
    ("Input4H", "mL", "fluid given in these four hours"),
    ("MaxVaso", "µg/kg/min", "highest vasopressor dose in these four hours"),
    ("OutputTotal", "mL", "urine since before the first step"),
    ("Output4H", "mL", "urine in these four hours"),
)
LOGGED = SHIFTED = tuple(name for name, _, _ in _NUMBERS[18:])
"""Numbers that the authors stored as log(x + 1)."""
DECILES = ("SpO2", "Temp", "PTT", "PT", "INR")
_STATIC = ("Age", "Gender", "ReAd")


def _two(name: str, levels: tuple[str, str], description: str) -> Column:
    """Return a two-level column, coded 0 and 1."""
    return Column(name, "binary", levels, (0, 1), static=name in _STATIC, description=description)


def _tenths(name: str, description: str) -> Column:
    """Return a column of ten classes between deciles."""
    levels = tuple(f"C{i}" for i in range(1, 11))
    return Column(name, "categorical", levels, tuple(range(10)), description=description)


SEPSIS = Schema(
    name="sepsis",
    patient="PatientID",
    time="Timepoints",
    columns=(
        *(
            Column(name, "real", unit=unit, static=name in _STATIC,
                   lower=None if name == "BE" else 0, description=description)
            for name, unit, description in _NUMBERS
        ),
        _two("Gender", ("Male", "Female"), "sex as recorded"),
        _two("ReAd", ("False", "True"), "readmitted to intensive care"),
        _two("Mech", ("False", "True"), "mechanically ventilated in these four hours"),
        Column("GCS", "categorical", tuple(map(str, range(3, 16))), tuple(range(3, 16)),
               description="Glasgow coma scale, 3 (deep coma) to 15 (awake)"),
        _tenths("SpO2", "oxygen saturation, class between deciles (%)"),
        _tenths("Temp", "temperature, class between deciles (°C)"),
        _tenths("PTT", "partial thromboplastin time, class between deciles (s)"),
        _tenths("PT", "prothrombin time, class between deciles (s)"),
        _tenths("INR", "international normalised ratio, class between deciles"),
    ),
)  # fmt: skip

EXAMPLE_VARIABLES = (
    "Age", "HR", "MeanBP", "Creatinine", "Lactate", "Input4H", "MaxVaso", "Output4H",
    "Gender", "Mech", "GCS",
)  # fmt: skip
"""A handful for lessons: who, circulation, kidney, treatment, consciousness."""


def load_sepsis(patients: int | None = None) -> pd.DataFrame:
    """Return the sepsis cohort with labels, one row a patient and step of four hours.

    The published file is read if it was fetched (``hgteach data fetch sepsis --from-file CSV``);
    otherwise the table is a *simulated stand-in*. ``table.attrs["provenance"]`` says which.

    Args:
        patients: keep the first so many of the 2,164 patients; ``None`` keeps them all.

    Returns:
        ``patients * 20`` rows by 46 columns, sorted by patient and step. Units: ``SEPSIS``.

    Raises:
        InputError: ``patients`` is out of range, or the fetched file has been damaged.
    """
    from hgteach.cohorts.catalogue import COHORTS

    return COHORTS["sepsis"].load(patients)


def tidy_sepsis(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Bring a table as published into this schema's coding, and say what was changed.

    Classes counted from 1 are counted from 0. A static column that changes within a patient is
    settled: the median number, or the most frequent level (the lower code where two are equal).
    """
    table, said = raw.copy(deep=False), []
    for name in DECILES:
        if name in table and pd.api.types.is_numeric_dtype(table[name]) and table[name].max() == 10:
            table[name] = table[name] - 1
            said.append(f"the classes of {name} counted from 0")
    for name in _STATIC:
        if not {name, SEPSIS.patient} <= set(table) or not pd.api.types.is_numeric_dtype(
            table[name]
        ):
            continue
        groups = table.groupby(SEPSIS.patient, sort=False)[name]
        if (table[name] != groups.transform("first")).any():
            middle = groups.transform("median")
            table[name] = middle if name == "Age" else np.ceil(middle - 0.5).astype("int64")
            said.append(f"{name} settled within each patient")
    return table, said
