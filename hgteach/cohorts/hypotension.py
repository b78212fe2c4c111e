"""The acute-hypotension cohort: its schema, and the table to learn from.

3,910 patients of an intensive care unit, the first 48 hours each, one row an hour: nine numbers,
four classes and seven flags that say what was measured. Published as *Synthetic Acute Hypotension
and Sepsis Datasets Based on MIMIC-III* (Kuo et al., PhysioNet, doi 10.13026/p0tv-0r98), which is
for people who signed a data-use agreement.

What is certain. Names, kinds, classes and their order are those of the authors' published code
(github.com/Nic5472K/ScientificData2021_HealthGym); analyses of the released file by others read
the same 20 names, ``PatientID`` and ``Timepoints``. A class is coded by the lower end of its bin:
fluid_boluses 0, 250, 500, 1000; vasopressors 0, 0.000001, 8.4, 20.28; FiO2 0, 0.2 … 1. Its label
is the one in the published figures (``<500`` reads: from 250 to below 500). What is chosen here:
that the patient and the hour come last, as in the ART-for-HIV file; that hours count from 0; the
bounds, except 250 mmHg, above which the authors dropped blood pressures.

Two warnings about units. ``fluid_boluses`` and ``vasopressors`` are sums over the hour. The
figures label vasopressors mcg/kg/min, but the code adds up rate times minutes, so it is the dose
of an hour, in mcg/kg (norepinephrine-like; 8.4 and 20.28 are 0.14 and 0.34 mcg/kg/min).
"""

from __future__ import annotations

import pandas as pd

from hgteach.schema import Column, Schema

PATIENTS, HOURS = 3910, 48
LOW_MAP, LOW_HOURS = 65, 7  # mmHg; a patient is in the cohort after so many hours at most so low


def _number(name: str, unit: str, description: str, upper: float | None = None) -> Column:
    """Return a column of numbers that cannot be negative."""
    return Column(name, "real", unit=unit, lower=0, upper=upper, description=description)


def _classes(
    name: str, levels: str, codes: tuple[float, ...], unit: str, description: str
) -> Column:
    """Return a column of classes, each coded by the lower end of its bin."""
    return Column(name, "categorical", tuple(levels.split()), codes, unit, description=description)


def _flag(name: str, description: str) -> Column:
    """Return a column that says whether something was measured in this hour."""
    return Column(name, "binary", ("False", "True"), (0, 1),
                  description=f"{description} measured in this hour")  # fmt: skip


HYPOTENSION = Schema(
    name="hypotension",
    patient="PatientID",
    time="Timepoints",
    columns=(
        _number("MAP", "mmHg", "lowest mean arterial pressure of the hour", 250),
        _number("diastolic_bp", "mmHg", "lowest diastolic blood pressure of the hour", 250),
        _number("systolic_bp", "mmHg", "lowest systolic blood pressure of the hour", 250),
        _number("urine", "mL", "urine passed in the hour"),
        _number("ALT", "IU/L", "alanine aminotransferase, a liver enzyme"),
        _number("AST", "IU/L", "aspartate aminotransferase, a liver enzyme"),
        _number("PO2", "mmHg", "partial pressure of oxygen in arterial blood (PaO2)"),
        _number("lactic_acid", "mmol/L", "lactate in blood"),
        _number("serum_creatinine", "mg/dL", "creatinine in serum"),
        _classes("fluid_boluses", "<250 <500 <1000 ≥1000", (0, 250, 500, 1000), "mL",
                 "fluid given as a bolus in the hour"),
        _classes("vasopressors", "0 <8.4 <20.28 ≥20.28", (0, 1e-06, 8.4, 20.28), "mcg/kg",
                 "vasopressor given in the hour"),
        _classes("FiO2", "<.2 .2 .3 .4 .5 .6 .7 .8 .9 1.0",
                 (0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), "",
                 "fraction of inspired oxygen"),
        _classes("GCS_total", "3 4 5 6 7 8 9 10 11 12 13 14 15", tuple(range(3, 16)), "",
                 "Glasgow Coma Scale: 15 fully awake, 3 no response"),
        _flag("urine_m", "urine"),
        _flag("ALT_AST_m", "ALT or AST"),
        _flag("FiO2_m", "FiO2"),
        _flag("GCS_total_m", "GCS"),
        _flag("PO2_m", "PaO2"),
        _flag("lactic_acid_m", "lactate"),
        _flag("serum_creatinine_m", "creatinine"),
    ),
)

SHIFTED = tuple(HYPOTENSION.real)
"""Numbers that the authors stored as x + 1."""
FLAG_OF = {
    "urine": "urine_m", "ALT": "ALT_AST_m", "AST": "ALT_AST_m", "PO2": "PO2_m",
    "lactic_acid": "lactic_acid_m", "serum_creatinine": "serum_creatinine_m", "FiO2": "FiO2_m",
    "GCS_total": "GCS_total_m",
}  # fmt: skip
"""Which flag says that a column was measured. Blood pressures and treatments have none."""


def load_hypotension(patients: int | None = None) -> pd.DataFrame:
    """Return the acute-hypotension cohort with labels, one row a patient and hour.

    The published file is read if it was fetched (``hgteach data fetch hypotension --from-file
    CSV``); otherwise the table is a *simulated stand-in*. ``table.attrs["provenance"]`` says which.

    Args:
        patients: keep the first so many of the 3,910 patients; ``None`` keeps them all.

    Returns:
        ``patients * 48`` rows by 22 columns, sorted by patient and hour. Units: ``HYPOTENSION``.

    Raises:
        InputError: ``patients`` is out of range, or the fetched file has been damaged.
    """
    from hgteach.cohorts.catalogue import COHORTS

    return COHORTS["hypotension"].load(patients)
