"""Exercises of the notebook applications/05-who-disappears: error by group, and what mends it."""

import numpy as np

from hgteach.course.comparing import Wrong, close, same_shape
from hgteach.course.registry import exercise


@exercise(
    "off-by-group",
    title="Right for everybody, wrong for each",
    minutes=5,
    difficulty=1,
    prompt="""
Write `off_by_group(predicted, happened, group)` for three arrays with one entry a person: a risk
between 0 and 1, whether it happened, and the number of the group (0, 1, …). Return, for each group
in this order, the mean risk less the share to whom it happened.
""",
    hint="`np.bincount(group, weights=…)` adds up by group. What do you divide by?",
    meaning="Errors of groups can cancel, and then the mean over all people is no warning.",
)
def off_by_group(predicted, happened, group):
    """Sums of the differences by group, over the sizes of the groups."""
    return np.bincount(group, weights=predicted - happened) / np.bincount(group)


@off_by_group.verify
def _(answer):
    predicted, happened = np.array([0.5, 0.5, 0.2, 0.2, 0.2]), np.array([1, 1, 0, 0, 1])
    group = np.array([0, 0, 1, 1, 1])
    found = answer(predicted, happened, group)
    same_shape(found, (2,), "two groups")
    close(found, [-0.5, 0.2 - 1 / 3], "two groups", think="Below 0 is a risk that was too low.")
    close(answer(np.array([0.5, 0.5]), np.array([1, 0]), np.array([1, 0])), [0.5, -0.5],
          "two people", think="They cancel over both, not by group.")  # fmt: skip


@off_by_group.wrong
def _(predicted, happened, group):
    """Divides by everybody."""
    return np.bincount(group, weights=predicted - happened) / len(group)


@off_by_group.wrong
def _(predicted, happened, group):
    """Looks the wrong way."""
    return np.bincount(group, weights=happened - predicted) / np.bincount(group)


@exercise(
    "people-to-see-it",
    title="How many people to see it?",
    minutes=10,
    difficulty=2,
    prompt="""
In a group, something happens to a share `risk` of people. A model's mean prediction for the group
is off by `gap`. Write `people_to_see(gap, risk)`: the smallest number of people of this group in
the test set for which the 95 % interval of the observed share (1.96 standard errors to each side)
reaches no further than `gap`.
""",
    hint="A share of n people has the standard error sqrt(risk · (1 − risk) / n). Solve for n.",
    meaning="An error of 5 points at a risk of 12 % needs 163 people of the group. A test "
    "set of 300 with 36 of them cannot see it, and says so only if you ask for the interval.",
)
def people_to_see(gap, risk):
    """1.96 standard errors are the gap; round up, because people are whole."""
    return int(np.ceil(risk * (1 - risk) * (1.96 / gap) ** 2))


@people_to_see.verify
def _(answer):
    close(answer(0.1, 0.5), 97, "gap 0.1 at risk 0.5", think="Halves of people do not exist.")
    close(answer(0.05, 0.12), 163, "gap 0.05 at risk 0.12", think="Half the gap, how many more?")


@people_to_see.wrong
def _(gap, risk):
    """Takes one standard error."""
    return int(np.ceil(risk * (1 - risk) / gap**2))


@people_to_see.wrong
def _(gap, risk):
    """Rounds down."""
    return int(risk * (1 - risk) * (1.96 / gap) ** 2)


@exercise(
    "mend-on-site",
    title="Mend it on site",
    minutes=20,
    difficulty=3,
    prompt="""
A clinic gets a model and has its own records of one group. Write `mend(predicted, happened)`: new
risks for these people, with the mean that was observed. Move all of them by one constant *on the
log-odds scale*, log(p / (1 − p)), so that they stay between 0 and 1, in the same order, and every
pair keeps its odds ratio. To one in a million is close enough.
""",
    hint="""
The mean of the new risks grows with the constant. So start from two constants that are surely too
small and too large, try the middle, and keep the half that holds the answer; fifty times.
""",
    meaning="One number from real people of the group mends the level. It needs real people: "
    "those whom the copy had lost. And the order within the group stays as wrong as it was.",
)
def mend(predicted, happened):
    """Halve the interval of constants until the means agree."""
    odds, low, high = np.log(predicted / (1 - predicted)), -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = np.mean(1 / (1 + np.exp(-odds - middle)))
        low, high = (middle, high) if mean < np.mean(happened) else (low, middle)
    return 1 / (1 + np.exp(-odds - middle))


@mend.verify
def _(answer):
    random = np.random.default_rng(0)
    for shift in (0.0, 1.5, -0.8):
        true = random.uniform(0.02, 0.6, 400)
        happened = random.random(400) < true
        predicted = 1 / (1 + np.exp(-np.log(true / (1 - true)) - shift))
        found = answer(predicted, happened)
        same_shape(found, predicted, "the new risks")
        found = np.asarray(found, float)
        if not ((found > 0) & (found < 1)).all():
            raise Wrong("a new risk is not between 0 and 1.")
        close(found.mean(), happened.mean(), "the mean", rtol=0, atol=2e-6)
        moved = np.log(found / (1 - found)) - np.log(predicted / (1 - predicted))
        close(np.ptp(moved), 0.0, "the largest less the smallest move in log-odds", atol=1e-6,
              think="Everybody moves by the same, on the scale of log-odds.")  # fmt: skip


@mend.wrong
def _(predicted, happened):
    """Stretches the risks."""
    return predicted * np.mean(happened) / np.mean(predicted)


@mend.wrong
def _(predicted, happened):
    """Gives everybody the same risk."""
    return np.full(len(predicted), np.mean(happened))
