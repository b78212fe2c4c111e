"""Exercises of the notebook applications/07-hypotension: charts, and what treatment did."""

import numpy as np

from hgteach.course.comparing import choose, close, same_shape
from hgteach.course.registry import exercise


@exercise(
    "carry-forward",
    title="Carry the last measurement forward",
    minutes=10,
    difficulty=1,
    prompt="""
One person's charts: `values` holds what the blood contained in each hour, `measured` is True where
somebody took it. Write `carry(values, measured)`: what stands in the charts. An hour without a
measurement repeats the last one; before the first there is `nan`.
""",
    hint="Walk through the hours with a variable `last`. It begins as `np.nan`.",
    meaning="A carried value is yesterday's news in today's column. Only the flag tells.",
)
def carry(values, measured):
    """Remember the last measurement, hour by hour."""
    charts, last = [], np.nan
    for value, taken in zip(values, measured, strict=True):
        last = value if taken else last
        charts.append(last)
    return np.array(charts)


@carry.verify
def _(answer):
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    measured = np.array([False, True, False, False, True, False])
    got = answer(values, measured)
    same_shape(got, (6,))
    got = np.asarray(got, dtype=float)
    think = "Which measurement is the last one before hour 3?"
    close(got[1:], [2.0, 2.0, 2.0, 5.0, 5.0], "from the first measurement on", think=think)
    close(np.isnan(got[:1]), [True], "before the first", think="Nobody knows it: `np.nan`.")


@carry.wrong
def _(values, measured):
    """Blanks instead of carrying."""
    return np.where(measured, values, np.nan)


@carry.wrong
def _(values, measured):
    """Also carries the first measurement back."""
    first = values[np.argmax(measured)]
    return np.where(np.isnan(carry(values, measured)), first, carry(values, measured))


@exercise(
    "matched-comparison",
    title="Compare like with like",
    minutes=15,
    difficulty=2,
    prompt="""
`before` and `after` hold the pressure in an hour and in the next one; `started` is True where a
vasopressor was begun in between. Write `matched(before, after, started)`. Sort the hours into
groups by `before // 5`. In each group take the mean change of those who started less the mean
change of those who did not. Return the mean of these differences, each group counting as often as
somebody *started* in it. Leave out groups that lack one of the two.
""",
    hint="`for g in np.unique(before // 5):` then two means, and a weight `(started & own).sum()`.",
    meaning="Low pressures rise by themselves. Whoever was as low, untreated, shows by how much.",
)
def matched(before, after, started):
    """Compare within groups of equal pressure, then average as the treated are spread."""
    change, group = after - before, before // 5
    differences, weights = [], []
    for g in np.unique(group):
        own = group == g
        if (own & started).any() and (own & ~started).any():
            differences.append(change[own & started].mean() - change[own & ~started].mean())
            weights.append((own & started).sum())
    return np.average(differences, weights=weights)


@matched.verify
def _(answer):
    before = np.array([51.0, 52, 53, 54, 71, 72, 73, 74, 90, 91])
    after = np.array([64.0, 65, 60, 61, 75, 73, 74, 75, 70, 70])
    started = np.array([True, True, True, False, True, False, False, False, False, False])
    close(answer(before, after, started), matched(before, after, started), "two groups of three",
          think="Three of the four who started stand in the lowest group.")  # fmt: skip
    rng = np.random.default_rng(0)
    before = rng.uniform(50, 80, 400)
    started = rng.random(400) < (80 - before) / 40
    after = before + 0.4 * (75 - before) + 5 * started
    close(answer(before, after, started), matched(before, after, started), "400 hours", rtol=1e-3,
          think="Does every group count as often as somebody started in it?")  # fmt: skip


@matched.wrong
def _(before, after, started):
    """Before and after, without anybody to compare with."""
    return (after - before)[started].mean()


@matched.wrong
def _(before, after, started):
    """Compares everybody with everybody."""
    return (after - before)[started].mean() - (after - before)[~started].mean()


@exercise(
    "why-so-large",
    title="Why does before–after promise so much?",
    minutes=5,
    difficulty=2,
    prompt="""
After the start of a vasopressor the pressure rises by far more than the drug does in that hour.
Which is the main reason? Set `answer` to the letter.

- **a**: the drug works better in the people who need it
- **b**: treatment begins in an unusually low hour, and the next hour would be higher anyway
- **c**: the sickest people are treated, so the comparison is unfair to the drug
""",
    hint="What does the line of the *untreated* do after an equally low hour?",
    meaning="Regression to the mean flatters whatever is begun at the worst moment.",
)
def answer():
    """Chance lows pass by themselves."""
    return "b"


@answer.verify
def _(letter):
    choose(letter, "b", {
        "a": "In the simulator the drug adds the same to everybody. Look at the untreated.",
        "c": "That makes the drug look worse, not better: it is the trap of the *other* picture.",
    })  # fmt: skip


answer.wrong("a")
answer.wrong("c")
