"""Exercises of the notebook applications/01-survival: waits, arrivals, and immortal time."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close, describe
from hgteach.course.registry import exercise


@exercise(
    "who-is-censored",
    title="Who is censored?",
    minutes=3,
    difficulty=1,
    prompt="""
A study follows viraemic people for 60 months and asks how long they wait for their first suppressed
month. Whose wait is censored? Set `who` to the letter.

- **a**: someone who is suppressed in month 4 and rebounds in month 9
- **b**: someone who is suppressed in month 0
- **c**: someone who moves abroad in month 20, never having been suppressed
""",
    hint="Of whom do we know a month before which the wait had not ended, and nothing more?",
    meaning="Censored means: the wait was longer than we saw. It is knowledge, only less of it.",
)
def who():
    """Of the one who leaves we know that the wait took more than 20 months."""
    return "c"


@who.verify
def _(letter):
    rebound = "We ask for the first arrival, and this one was seen to arrive."
    over = "This wait was over before we began to look, so this person is not among those we ask."
    choose(letter, "c", {"a": rebound, "b": over})


who.wrong("a")
who.wrong("b")


@exercise(
    "kaplan-meier-by-hand",
    title="A curve from waits",
    minutes=10,
    difficulty=2,
    prompt="""
Write `still_waiting(months, reached)` for two arrays with an entry a person: the Kaplan–Meier
estimate for the months 0, 1, 2, … up to the longest wait, as an array. Somebody who is censored in
month 3 is still watched in month 3.
""",
    hint="""
In month m the watched are those with `months >= m`, and the arriving those with `months == m` who
also reached. `np.cumprod` multiplies as it goes.
""",
    meaning="Each month is a small experiment of its own, and everybody takes part while watched.",
)
def still_waiting(months, reached):
    """Multiply the shares of those who do not arrive, month by month."""
    every = np.arange(months.max() + 1)
    watched = (months >= every[:, None]).sum(axis=1)
    arrive = ((months == every[:, None]) & reached).sum(axis=1)
    return np.cumprod(1 - arrive / watched)


@still_waiting.verify
def _(answer):
    cases = (
        ("three who all arrive", [1, 2, 3], [1, 1, 1], "After month 1, two of three still wait."),
        ("one who leaves", [1, 2, 3], [1, 0, 1], "Who leaves in month 2 is not there in month 3."),
        ("leaving and arriving together", [2, 2, 4, 4], [1, 0, 0, 1], "Who is watched in month 2?"),
    )
    for what, months, reached, think in cases:
        months, reached = np.array(months), np.array(reached, dtype=bool)
        close(answer(months, reached), still_waiting(months, reached), what, think=think)


@still_waiting.wrong
def _(months, reached):
    """Leaves the censored out."""
    months = months[reached]
    return np.array([(months > m).mean() for m in range(months.max() + 1)])


@still_waiting.wrong
def _(months, reached):
    """Counts the censored as arrived."""
    return np.array([(months > m).mean() for m in range(months.max() + 1)])


@exercise(
    "confirmed-suppression",
    title="Suppressed, and confirmed",
    minutes=15,
    difficulty=3,
    prompt="""
One low value may be a fluke. Write `confirmed(suppressed)` for an array of True and False,
`(P, T)`: the pair `(months, reached)`, an entry a patient. A wait ends in the *second* of the first
two months in a row that are suppressed. Whoever never has two in a row waits until the last month,
T - 1, and has not reached it.
""",
    hint="""
`suppressed[:, 1:] & suppressed[:, :-1]` says for the months 1 to T - 1 whether this one and the one
before are suppressed. `argmax(axis=1)` finds the first True, and 0 if there is none: ask `any` too.
""",
    meaning="A stricter goal makes waits longer. Write down which one you used.",
)
def confirmed(suppressed):
    """Look at pairs of neighbours; the first pair ends the wait in its second month."""
    both = suppressed[:, 1:] & suppressed[:, :-1]
    reached = both.any(axis=1)
    months = np.where(reached, both.argmax(axis=1) + 1, suppressed.shape[1] - 1)
    return months, reached


@confirmed.verify
def _(answer):
    records = np.array(
        [[0, 1, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]], dtype=bool
    )
    found = answer(records)
    if not (isinstance(found, tuple | list) and len(found) == 2):
        raise Wrong(f"expected the pair (months, reached), got {describe(found)}.")
    months, reached = confirmed(records)
    close(found[1], reached, "reached", think="Low, high, low is never confirmed.")
    close(found[0], months, "months", think="In which month is the second of the two?")


@confirmed.wrong
def _(suppressed):
    """Takes the first low month."""
    reached = suppressed.any(axis=1)
    return np.where(reached, suppressed.argmax(axis=1), suppressed.shape[1] - 1), reached


@confirmed.wrong
def _(suppressed):
    """Stops in the first month of the pair."""
    months, reached = confirmed(suppressed)
    return np.where(reached, months - 1, months), reached


@exercise(
    "immortal-time",
    title="The drug that makes immortal",
    minutes=5,
    difficulty=2,
    prompt="""
A study compares people who collected at least six monthly prescriptions of a new drug with people
who collected fewer. The first group lives longer. Set `answer` to what follows.

- **a**: the drug works: the groups differ in nothing else
- **b**: nothing: whoever died in the first five months could not be in the first group
- **c**: the drug harms, since the healthier people collect it
""",
    hint="What must you do for six months in order to be counted among the treated?",
    meaning="Let a treatment count from the day on which it is given, and nobody is immortal.",
)
def answer():
    """Membership needs six months of life, so survival up to then is built in."""
    return "b"


@answer.verify
def _(letter):
    choose(letter, "b", {
        "a": "Can somebody who dies in month 2 be in the first group?",
        "c": "That may be so too, but it would not turn a benefit into a harm by itself.",
    })  # fmt: skip


answer.wrong("a")
answer.wrong("c")
