"""Exercises of the notebook applications/09-datathon: a hopeless number, a tie, a copy."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close
from hgteach.course.registry import exercise


@exercise(
    "probing-the-board",
    title="What does a board give away?",
    minutes=5,
    difficulty=1,
    prompt="""
A board shows the AUC to six digits and takes any number of files. Set `reading` to the letter of
what a stubborn team can do without any model.

- **a**: nothing: the AUC is an average over all patients, and hides each of them.
- **b**: change one patient's probability at a time, and read that patient's label off the change.
- **c**: only find out how many test patients there are.
""",
    hint="Move one patient from the middle to the very top. Who gains if the label is 1?",
    meaning="Hence few files a day, rounded scores, and a second half of the test for the end.",
)
def reading():
    """Each change of the score is an answer about one person."""
    return "b"


@reading.verify
def _(letter):
    alone = "If one patient alone moves, what alone can move the average?"
    choose(letter, "b", {"a": alone, "c": "That is in the brief. Think of one change at a time."})


reading.wrong("a")
reading.wrong("c")


@exercise(
    "tie-or-lead",
    title="A lead, or a tie?",
    minutes=15,
    difficulty=2,
    prompt="""
Write `behind(truth, first, second, draws)`: the share of draws in which the second team's accuracy
is below the first's (equal ones are not below). `truth`, `first` and `second` hold 0 or 1 for each
patient. Each row of `draws` names the patients of one redraw, by position; both teams are judged
on the *same* patients.
""",
    hint="Is the first team right? `first == truth`. What does indexing that with `draws` give?",
    meaning="Judged on the same patients, what makes a test hard for both teams cancels: a pair "
    "can be told apart although their two intervals overlap.",
)
def behind(truth, first, second, draws):
    """Resample the patients once, for both."""
    right = [(team == truth)[draws].mean(axis=1) for team in (first, second)]
    return np.mean(right[1] < right[0])


@behind.verify
def _(answer):
    truth, first, second = np.array([1, 0, 1, 1]), np.array([1, 0, 1, 0]), np.array([1, 0, 0, 1])
    draws = np.array([[0, 1, 2, 3], [2, 2, 0, 1], [3, 3, 0, 1], [0, 1, 0, 1], [2, 2, 2, 3]])
    think = "In which of the five draws has the second team fewer right answers?"
    close(answer(truth, first, second, draws), 0.4, "five draws of four patients", think=think)
    close(answer(truth, first, first, draws), 0.0, "a team against itself", think=think)


@behind.wrong
def _(truth, first, second, draws):
    """Counts equal ones as behind."""
    right = [(team == truth)[draws].mean(axis=1) for team in (first, second)]
    return np.mean(right[1] <= right[0])


@behind.wrong
def _(truth, first, second, draws):
    """Takes the means first, so nothing is redrawn."""
    return float((second == truth).mean() < (first == truth).mean())


@exercise(
    "catch-the-jitter",
    title="Catch the jitter",
    minutes=20,
    difficulty=3,
    prompt="""
A team adds noise to training patients, so no value is the same. Write `copies(cohort, training)`
for two arrays `(people, features)`: True for each person of the cohort who is at least three times
nearer to one training patient than to any other training patient. How large the noise is, and in
which unit, nobody tells you.
""",
    hint="""
`cdist` from `scipy.spatial.distance` gives all distances. Sort each row: the first two are enough.
""",
    meaning="A limit on the distance itself would need the unit; a ratio does not. And a real new "
    "person has many who are about as near.",
)
def copies(cohort, training):
    """Compare the nearest with the second nearest."""
    apart = np.sqrt(((cohort[:, None] - training[None]) ** 2).sum(axis=2))
    first, second = np.sort(apart, axis=1)[:, :2].T
    return 3 * first <= second


@copies.verify
def _(answer):
    for unit in (1.0, 1000.0):
        random = np.random.default_rng(0)
        training = unit * random.normal(size=(80, 30))
        near = training[:20] + 0.1 * unit * random.normal(size=(20, 30))
        found = np.asarray(answer(np.concatenate([near, unit * random.normal(size=(20, 30))]),
                                  training))  # fmt: skip
        if found.shape != (40,) or found.dtype != bool:
            raise Wrong(f"expected 40 times True or False, got {found.dtype} {found.shape}.")
        if not found[:20].all():
            raise Wrong(f"{(~found[:20]).sum()} of 20 jittered copies slip through.")
        if found[20:].any():
            raise Wrong(f"{found[20:].sum()} of 20 new people are called copies.")


@copies.wrong
def _(cohort, training):
    """Looks for equal values."""
    return (cohort[:, None] == training[None]).all(axis=2).any(axis=1)


@copies.wrong
def _(cohort, training):
    """Puts a limit on the distance itself."""
    return np.sqrt(((cohort[:, None] - training[None]) ** 2).sum(axis=2)).min(axis=1) < 2
