"""The ART-for-HIV cohort: its schema, and the table to learn from.

8,916 patients, each followed for 60 months, one row a month: two static and eleven changing
variables. The coding is that of the open file HealthGymV2_CbdrhDatathon_ART4HIV.csv (Kuo et al.,
doi 10.6084/m9.figshare.22827878), so that code written for that file works unchanged.
"""

from __future__ import annotations

import pandas as pd

from hgteach.schema import Column, Schema

PATIENTS, MONTHS = 8916, 60


def _levels(name: str, levels: tuple[str, ...], description: str, first: int = 0) -> Column:
    """Return a categorical column whose codes count up from ``first``."""
    codes = tuple(range(first, first + len(levels)))
    kind = "binary" if len(levels) == 2 else "categorical"
    static = first == 1  # the file counts the demographics from 1 and everything else from 0
    return Column(name, kind, levels, codes, static=static, description=description)


NO, YES = "False", "True"
ART_HIV = Schema(
    name="art-hiv",
    patient="PatientID",
    time="Timestep",
    columns=(
        Column("VL", "real", unit="copies/mL", lower=0, description="HIV viral load"),
        Column("CD4", "real", unit="cells/µL", lower=0, description="CD4 cell count"),
        Column("Rel CD4", "real", unit="cells/µL (as published)", lower=0,
               description="relative CD4: nominally a percentage, yet published values pass 100"),
        _levels("Gender", ("Male", "Female"), "sex as recorded", first=1),
        _levels("Ethnic", ("Asian", "African", "Caucasian", "Other"), "ethnicity", first=1),
        _levels("Base Drug Combo",
                ("FTC + TDF", "3TC + ABC", "FTC + TAF", "DRV + FTC + TDF", "FTC + RTVB + TDF",
                 "Other"), "backbone of the regimen"),
        _levels("Comp. INI", ("DTG", "RAL", "EVG", "Not Applied"),
                "complementary integrase inhibitor"),
        _levels("Comp. NNRTI", ("NVP", "EFV", "RPV", "Not Applied"),
                "complementary non-nucleoside reverse transcriptase inhibitor"),
        _levels("Extra PI", ("DRV", "RTVB", "LPV", "RTV", "ATV", "Not Applied"),
                "extra protease inhibitor"),
        _levels("Extra pk-En", (NO, YES), "an extra pharmacokinetic enhancer was given"),
        _levels("VL (M)", (NO, YES), "viral load was measured in this month"),
        _levels("CD4 (M)", (NO, YES), "CD4 was measured in this month"),
        _levels("Drug (M)", (NO, YES), "the regimen was recorded in this month"),
    ),
)

EXAMPLE_VARIABLES = ("VL", "CD4", "Gender", "Ethnic", "Base Drug Combo", "Extra PI", "Extra pk-En")
"""The seven variables of the series' worked examples (22 channels)."""


def load_art_hiv(patients: int | None = None) -> pd.DataFrame:
    """Return the ART-for-HIV cohort with labels, one row a patient and month.

    The published file is read if it was fetched (``hgteach data fetch art-hiv``); otherwise the
    table is a *simulated stand-in*. ``table.attrs["provenance"]`` says which, in a sentence.

    Args:
        patients: keep the first so many of the 8,916 patients; ``None`` keeps them all.

    Returns:
        ``patients * 60`` rows by 15 columns, sorted by patient and month. Viral load is in
        copies/mL and CD4 in cells/µL; binary and categorical columns are pandas categoricals.

    Raises:
        InputError: ``patients`` is out of range, or the fetched file has been damaged.
    """
    from hgteach.cohorts.catalogue import COHORTS  # which needs the schema above

    return COHORTS["art-hiv"].load(patients)
