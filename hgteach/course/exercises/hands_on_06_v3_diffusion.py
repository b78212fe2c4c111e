"""Exercises of the notebook hands-on/06-v3-diffusion: a loss with a floor, repeats, memorising."""

import numpy as np
import pandas as pd

from hgteach.course.comparing import choose, close
from hgteach.course.registry import exercise


@exercise(
    "never-zero",
    title="A loss that never reaches zero",
    minutes=3,
    difficulty=1,
    prompt="""
v3's loss falls fast, then ever more slowly, and however long you train, it will not reach zero on
patients it has not seen. Why? Set `answer` to the letter.

- **a**: the network is too small; a large enough one would reach zero
- **b**: behind strong noise nobody can know who was there, and the loss counts that as well
- **c**: the critic gets better as well, so the loss means something else in every epoch
- **d**: the learning rate is too high for the last bit
""",
    hint="What would the loss be if the network guessed as well as can be guessed? Zero?",
    meaning="A loss has a floor. Only its distance from the floor can be learnt away, and you "
    "cannot see the floor: so look at what is made.",
)
def answer():
    """The best guess behind noise is still a guess."""
    return "b"


@answer.verify
def _(letter):
    perfect = "Suppose that the network guesses as well as anybody could. Is it always right then?"
    choose(letter, "b", {"a": perfect, "c": "How many networks are trained here?", "d": perfect})


answer.wrong("a")
answer.wrong("c")


@exercise(
    "exact-repeats",
    title="Exactly as last month",
    minutes=8,
    difficulty=2,
    prompt="""
`table` has columns `PatientID` and `Timestep`, in any order of rows, and a column `name`. Write
`exact_repeats(table, name)`: the share of months, each patient's first month left out, in which
the value is exactly that of the month before.
""",
    hint="""
Sort by patient and month first. `groupby("PatientID")[name].shift()` is last month's value within
a patient, and empty in the first month, which equals nothing.
""",
    meaning="In records that carry values forward, most months repeat. A generator that never "
    "repeats is told from them at once, however good its histograms are.",
)
def exact_repeats(table, name):
    """Compare with last month within each patient; the first months count in neither part."""
    table = table.sort_values(["PatientID", "Timestep"])
    before = table.groupby("PatientID")[name].shift()
    return float((table[name] == before).sum() / before.notna().sum())


def _courses(*courses):
    return pd.concat(
        pd.DataFrame({"PatientID": who, "Timestep": range(len(values)), "VL": map(float, values)})
        for who, values in enumerate(courses)
    ).reset_index(drop=True)


@exact_repeats.verify
def _(answer):
    def test(table, what, think=""):
        close(answer(table.copy(), "VL"), exact_repeats(table, "VL"), what, think=think)

    test(_courses([5, 5, 5, 7]), "one patient", "Three months have a month before; two repeat it.")
    test(_courses([5, 5], [5, 6]), "two patients", "Does the second patient repeat the first?")
    test(_courses([1, 2, 2, 1], [3, 3, 3, 3]).sample(frac=1, random_state=0), "shuffled rows")


@exact_repeats.wrong
def _(table, name):
    """Lets a patient repeat the one before, and counts the first months."""
    table = table.sort_values(["PatientID", "Timestep"])
    return float((table[name] == table[name].shift()).mean())


@exact_repeats.wrong
def _(table, name):
    """Trusts the order of the rows."""
    before = table.groupby("PatientID")[name].shift()
    return float((table[name] == before).sum() / before.notna().sum())


@exercise(
    "learnt-by-heart",
    title="Learnt by heart?",
    minutes=12,
    difficulty=3,
    prompt="""
Three arrays with one row a patient: `made` by a generator, `training` patients that it saw, and
equally many `unseen` ones that it did not. Write `learnt_by_heart(made, training, unseen)`: the
share of `made` patients whose nearest training patient is nearer than their nearest unseen one
(squared differences, added up). A tie counts one half.
""",
    hint="""
All distances at once: `((made[:, None] - training[None]) ** 2).sum(axis=2)` is `(made, training)`.
Take the minimum over the training patients, do the same with the unseen ones, compare.
""",
    meaning="One half: the generator is no nearer to those it saw than to others like them. One: "
    "it repeats them. It is a warning light, not a proof of privacy; see Applications 04.",
)
def learnt_by_heart(made, training, unseen):
    """Compare the distance to the nearest of either group; ties count one half."""
    seen, other = (
        ((made[:, None] - group[None]) ** 2).sum(axis=2).min(axis=1) for group in (training, unseen)
    )
    return float(((seen < other) + 0.5 * (seen == other)).mean())


@learnt_by_heart.verify
def _(answer):
    random = np.random.default_rng(0)
    training, unseen = random.normal(size=(30, 4)), random.normal(size=(30, 4))
    close(answer(training, training, unseen), 1.0, "a copy of the training patients")
    close(answer(unseen, training, unseen), 0.0, "a copy of the unseen ones", think="Which is <?")
    close(answer(training, training, training), 0.5, "both groups the same", think="Ties: a half.")
    made = random.normal(size=(50, 4))
    expected = learnt_by_heart(made, training, unseen)
    close(answer(made, training, unseen), expected, "fresh people", think="Nearest: the minimum.")


@learnt_by_heart.wrong
def _(made, training, unseen):
    """Compares mean distances, in which one near twin drowns."""
    seen, other = (
        ((made[:, None] - group[None]) ** 2).sum(axis=2).mean(axis=1)
        for group in (training, unseen)
    )
    return float(((seen < other) + 0.5 * (seen == other)).mean())


@learnt_by_heart.wrong
def _(made, training, unseen):
    """Gives ties away."""
    seen, other = (
        ((made[:, None] - group[None]) ** 2).sum(axis=2).min(axis=1) for group in (training, unseen)
    )
    return float((seen < other).mean())
