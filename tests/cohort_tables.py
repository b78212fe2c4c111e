"""Small tables for the tests, in the published ART-for-HIV layout and in a trial's."""

import numpy as np
import pandas as pd

from hgteach.cohorts.art_hiv import ART_HIV


def published_layout(patients: int = 4, months: int = 6, seed: int = 0) -> pd.DataFrame:
    """Return random rows with integer codes and 15 columns in the published order."""
    random, rows = np.random.default_rng(seed), patients * months
    table = {}
    for column in ART_HIV.columns:
        if column.kind == "real":
            table[column.name] = np.round(random.lognormal(5, 1, rows), 3)
        elif column.static:
            table[column.name] = np.repeat(random.choice(column.codes, patients), months)
        else:
            table[column.name] = random.choice(column.codes, rows)
    table["PatientID"] = np.repeat(np.arange(patients), months)
    table["Timestep"] = np.tile(np.arange(months), patients)
    return pd.DataFrame(table)


def trial(patients: int = 12) -> pd.DataFrame:
    """Return a trial of four visits with labels, two-valued codes, counts and a static age."""
    random, rows = np.random.default_rng(1), patients * 4
    return pd.DataFrame(
        {
            "visit": np.tile([1, 2, 3, 4], patients),
            "arm": np.repeat(random.choice(["drug", "placebo"], patients), 4),
            "centre": np.repeat(random.choice([1, 2], patients), 4),
            "age": np.repeat(random.integers(18, 80, patients), 4),
            "seizures": random.poisson(4, rows) + np.arange(rows) % 20,
            "weight": random.normal(70, 9, rows).round(1),
            "person": np.repeat([f"P{i:02d}" for i in range(patients)], 4),
        }
    )
