"""A simulated clinic whose file has everything that files of clinics have. Nobody in it is real."""

import numpy as np
import pandas as pd

GIVEN = ("Ana", "Ben", "Chi", "Dan", "Eva", "Finn", "Gia", "Hugo", "Ines", "Jan", "Kai", "Lea")
FAMILY = ("Abel", "Berg", "Costa", "Diaz", "Eder", "Funk", "Gomes", "Holm", "Ito", "Jung", "Kim")


def simulate_clinic(patients: int = 240, seed: int = 0) -> pd.DataFrame:
    """Simulate visits to a blood-pressure clinic, as a person would find them in a file.

    Dates are texts, patients come one to nine times when they like, laboratory values are often
    missing, ``-9`` stands for an unknown number of cigarettes, and there are names and notes.
    Older people come more often and have more tests. All of it is invented for a lesson.
    """
    random = np.random.default_rng(seed)
    age = random.normal(58, 12, patients).clip(25, 92).round()
    rows = 1 + random.binomial(8, 1 / (1 + np.exp(-(age - 62) / 12)))
    who = np.repeat(np.arange(patients), rows)
    position = np.arange(len(who)) - np.repeat(np.cumsum(rows) - rows, rows)
    gap = np.where(position == 0, 0, random.gamma(4, 21, len(who)).round() + 7)
    start = pd.to_timedelta(random.integers(0, 300, patients), unit="D")
    first = pd.Timestamp("2019-01-07") + start
    day = pd.Series(gap).groupby(who).cumsum().to_numpy()
    site, diabetic = random.integers(1, 4, patients), random.random(patients) < (age - 20) / 130
    own = random.normal(0, 9, patients)
    systolic = 128 + (0.35 * (age - 58) + own)[who] - 2 * position
    systolic += random.normal(0, 7, len(who))
    hba1c = np.where(diabetic, 7.4, 5.5)[who] + random.normal(0, 0.4, len(who))
    tested = random.random(len(who)) < 0.25 + 0.4 * diabetic[who]
    smoked = random.poisson(6, patients) * (random.random(patients) < 0.3)
    smoked = np.where(random.random(patients) < 0.1, -9, smoked)
    table = pd.DataFrame({
        "patient": [f"C-{w:04d}" for w in who],
        "name": [f"{GIVEN[w % 12]} {FAMILY[w % 11]}" for w in who],
        "visit": (first[who] + pd.to_timedelta(day, unit="D")).strftime("%d.%m.%Y"),
        "site": site[who],
        "sex": random.choice(["female", "male"], patients)[who],
        "age": age[who].astype(int),
        "diabetes": pd.Series(np.where(diabetic, "yes", "no")).mask(
            random.random(patients) < 0.12)[who].to_numpy(),
        "cigarettes": smoked[who],
        "systolic": systolic.round().astype(int),
        "hba1c": np.where(tested, hba1c.round(1), np.nan),
        "risk": pd.cut(systolic, [0, 125, 145, 300], labels=["low", "medium", "high"]).astype(str),
        "note": [f"seen by nurse {n}, plan as before" for n in random.integers(1, 400, len(who))],
    })
    table.attrs["provenance"] = "a simulated clinic, invented for this course: nobody in it is real"
    return table
