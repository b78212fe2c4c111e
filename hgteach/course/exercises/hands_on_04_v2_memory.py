"""Exercises of the notebook hands-on/04-v2-memory: who is there, who is missing, and by luck?"""

import numpy as np
import pandas as pd
import torch

from hgteach.course.comparing import Wrong, close
from hgteach.course.registry import exercise


@exercise(
    "memory-switched-off",
    title="Switch the memory off",
    minutes=5,
    difficulty=1,
    prompt="""
To learn what a part does, take it away. Write `switched_off(vectors)` for remembered vectors
`(N, latent)`: a memory of the same shape in which every row is the same, the mean of all. It tells
the generator nothing about who this is.
""",
    hint="""
A mean over the right axis has shape `(latent,)`. `expand` or `repeat` makes N rows of it.
""",
    meaning="Same network, same noise, same average: what changes in the patients is what the "
    "memory did.",
)
def switched_off(vectors):
    """Replace every row by the mean row."""
    return vectors.mean(dim=0, keepdim=True).repeat(len(vectors), 1)  # (N, latent)


@switched_off.verify
def _(answer):
    vectors = torch.tensor([[1.0, 10.0], [3.0, 20.0], [5.0, 90.0]])
    think = "The mean goes over patients, not over the numbers of one patient."
    close(answer(vectors), switched_off(vectors), think=think)


@switched_off.wrong
def _(vectors):
    """Takes the mean over the numbers of each patient, so that rows still differ."""
    return vectors.mean(dim=1, keepdim=True).repeat(1, vectors.shape[1])


@switched_off.wrong
def _(vectors):
    """Moves the average as well."""
    return torch.zeros_like(vectors)


@exercise(
    "absent-by-chance",
    title="Missing, or just not drawn?",
    minutes=5,
    difficulty=2,
    prompt="""
A group makes up `share` of the patients (0.01 is one in a hundred). A *perfect* generator draws
`patients` people, each independently. Write `absent(share, patients)`: the probability that nobody
of the group is among them.
""",
    hint="""
What is the probability that the first person is not of the group? And then also not the second?
""",
    meaning="With 300 patients a group of 1 % is absent by luck one time in twenty. Draw more "
    "before you say that somebody was forgotten.",
)
def absent(share, patients):
    """Every single draw must miss the group."""
    return (1 - share) ** patients


@absent.verify
def _(answer):
    close(answer(0.5, 2), 0.25, "half, two draws", think="Both draws must miss.")
    close(answer(0.01, 300), 0.99**300, "1 % and 300 patients")
    close(answer(1.0, 3), 0.0, "a group of everybody")


@absent.wrong
def _(share, patients):
    """Adds up chances, and leaves the range of probabilities."""
    return max(0.0, 1 - share * patients)


@absent.wrong
def _(share, patients):
    """Gives the chance that somebody is there."""
    return 1 - (1 - share) ** patients


@exercise(
    "groups-lost",
    title="Who was lost?",
    minutes=15,
    difficulty=3,
    prompt="""
Write `lost(real, synthetic)` for two tables with the columns `PatientID`, `Gender` and `Ethnic`,
one row a month: the set of pairs `(gender, ethnic)` that are *more than 1 %* of the real patients
and *less than a tenth of that share* among the synthetic ones. A patient is counted once, by their
first row.
""",
    hint="""
`drop_duplicates("PatientID")` keeps a patient's first row. `value_counts(["Gender", "Ethnic"],
normalize=True)` gives shares of pairs. A pair that never occurs in the synthetic table has no row
there: `reindex(..., fill_value=0)`.
""",
    meaning="Shares, not presence: a group of which one person is left of thirty is lost as well.",
)
def lost(real, synthetic):
    """Compare the shares of pairs; a pair that does not occur has share 0."""
    shares = [
        table.drop_duplicates("PatientID")[["Gender", "Ethnic"]]
        .astype(str)
        .value_counts(normalize=True)
        for table in (real, synthetic)
    ]
    there, made = shares[0], shares[1].reindex(shares[0].index, fill_value=0.0)
    return set(there.index[(there > 0.01) & (made < 0.1 * there)])


def _cohort(counts, months=2):
    """Return a table of ``counts[(gender, ethnic)]`` patients, in a fixed order."""
    pairs = [pair for pair, number in counts.items() for _ in range(number)]
    table = pd.DataFrame(pairs, columns=["Gender", "Ethnic"]).assign(PatientID=range(len(pairs)))
    table = table.loc[np.repeat(table.index, months)].reset_index(drop=True)
    return table.astype({"Gender": "category", "Ethnic": "category"})


@lost.verify
def _(answer):
    pairs = [(sex, ethnic) for sex in ("Male", "Female") for ethnic in ("Other", "Asian")]
    real = _cohort(dict(zip(pairs, (140, 40, 18, 2), strict=True)))
    for made, what in (
        ((140, 40, 18, 2), "a perfect copy"),
        ((199, 1, 0, 0), "a collapsed copy"),
        ((1960, 5, 35, 0), "a copy of 2,000 patients"),
    ):
        synthetic = _cohort(dict(zip(pairs, made, strict=True)))
        expected = lost(real, synthetic)
        found = answer(real, synthetic)
        try:
            found = {(str(gender), str(ethnic)) for gender, ethnic in found}
        except (TypeError, ValueError):
            raise Wrong(f"{what}: expected a set of pairs, got {found!r:.60}.") from None
        for pair in sorted(found ^ expected)[:1]:
            says = "does not count" if pair in found else "is missing"
            raise Wrong(f"{what}: the group {pair} {says}. Did you compare shares of patients?")


@lost.wrong
def _(real, synthetic):
    """Asks only who is absent altogether."""
    pairs = [
        set(
            t.drop_duplicates("PatientID")[["Gender", "Ethnic"]].astype(str).itertuples(False, None)
        )
        for t in (real, synthetic)
    ]
    return pairs[0] - pairs[1]


@lost.wrong
def _(real, synthetic):
    """Compares counts, although the copy may be larger."""
    counts = [
        t.drop_duplicates("PatientID")[["Gender", "Ethnic"]].astype(str).value_counts()
        for t in (real, synthetic)
    ]
    made = counts[1].reindex(counts[0].index, fill_value=0)
    enough = counts[0] > 0.01 * counts[0].sum()
    return set(counts[0].index[enough & (made < 0.1 * counts[0])])
