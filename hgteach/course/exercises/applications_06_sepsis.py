"""Exercises of the notebook applications/06-sepsis: pressures, who is at risk, and indication."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close, describe
from hgteach.course.registry import exercise


@exercise(
    "mean-pressure",
    title="One third, two thirds",
    minutes=5,
    difficulty=1,
    prompt="""
The heart spends about twice as long filling as beating. So the mean arterial pressure lies one
third of the way from the diastolic to the systolic. Write `mean_pressure(systolic, diastolic)`,
all in mmHg.
""",
    hint="Start at the diastolic pressure and go a third of the difference up.",
    meaning="A row in which the three pressures disagree was not measured in one body.",
)
def mean_pressure(systolic, diastolic):
    """Go one third of the pulse pressure up."""
    return diastolic + (systolic - diastolic) / 3


@mean_pressure.verify
def _(answer):
    several = np.array([150.0, 100.0]), np.array([60.0, 70.0])
    for high, low in ((120.0, 80.0), (90.0, 45.0), several):
        close(answer(high, low), mean_pressure(high, low), f"{high} over {low}",
              think="Which of the two does the mean lie nearer to?")  # fmt: skip


@mean_pressure.wrong
def _(systolic, diastolic):
    """Takes the middle."""
    return (systolic + diastolic) / 2


@mean_pressure.wrong
def _(systolic, diastolic):
    """Goes two thirds up."""
    return diastolic + 2 * (systolic - diastolic) / 3


@exercise(
    "at-risk",
    title="Who can still start?",
    minutes=10,
    difficulty=2,
    prompt="""
Write `at_risk(on)`. `on` is `(patients, steps)`, True where a vasopressor was given. Return two
arrays of True and False, `(patients, steps - 1)` each: `idle`, who has none in this step and so
could start in the next; and `starts`, who has none now **and** has one in the next step.
""",
    hint="`on[:, :-1]` is every step but the last, `on[:, 1:]` the step after each of them.",
    meaning="Asked of everybody, the question is mostly 'who has one already?', and that is easy.",
)
def at_risk(on):
    """Compare each step with the next."""
    idle = ~on[:, :-1]
    return idle, idle & on[:, 1:]


@at_risk.verify
def _(answer):
    on = np.array([[0, 0, 1, 1, 0, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]], dtype=bool)
    found = answer(on)
    if not (isinstance(found, tuple | list) and len(found) == 2):
        raise Wrong(f"expected the pair (idle, starts), got {describe(found)}.")
    idle, starts = at_risk(on)
    close(found[0], idle, "idle", think="Who has none now? The last step has no next one.")
    close(found[1], starts, "starts", think="Somebody who has one already cannot start.")


@at_risk.wrong
def _(on):
    """Counts those who go on."""
    return ~on[:, :-1], on[:, 1:]


@at_risk.wrong
def _(on):
    """Looks at the step itself."""
    return ~on[:, 1:], ~on[:, :-1] & on[:, 1:]


@exercise(
    "why-lower",
    title="Does the drug lower the pressure?",
    minutes=5,
    difficulty=3,
    prompt="""
In steps with a vasopressor the mean pressure is *lower* than in steps without. The simulator says
that the drug raises it. What explains both? Set `answer` to the letter.

- **a**: the drug takes longer than four hours to work
- **b**: it is given to those whose pressure is low, and does not bring all of it back
- **c**: chance; there are too few steps with the drug
""",
    hint="Who gets it?",
    meaning="Confounding by indication: a copy that repeats the data repeats the wrong sign, too.",
)
def answer():
    """The sickest are treated."""
    return "b"


@answer.verify
def _(letter):
    choose(letter, "b", {
        "a": "In the simulator it works within the same step. Look at who gets it.",
        "c": "There are thousands of such steps. Look at who gets it.",
    })  # fmt: skip


answer.wrong("a")
answer.wrong("c")
