"""Exercises of the notebook applications/04-privacy: who can be named, a control, an attack."""

import numpy as np

from hgteach.course.comparing import Wrong, choose, close, same_shape
from hgteach.course.registry import exercise


@exercise(
    "who-can-be-named",
    title="Who can be named?",
    minutes=10,
    difficulty=2,
    prompt="""
Write `named(members, outsiders, allowed)`. The first two are arrays of an attack's scores; higher
means *likelier a member*. The attacker accuses everybody above a threshold, which may not accuse
more than `allowed` (a number of people) of the outsiders. Return the largest share of members who
can be accused.
""",
    hint="""
Sort the outsiders' scores. If nobody of them may be accused, the threshold is their largest score;
if one may, the second largest. And *above* is not *at*.
""",
    meaning="An attack that is mediocre on average can still name a few with near certainty.",
)
def named(members, outsiders, allowed):
    """Put the threshold at the score of the first outsider who must not be accused."""
    threshold = np.sort(outsiders)[-1 - allowed]
    return np.mean(members > threshold)


@named.verify
def _(answer):
    members, outsiders = np.array([1.0, 4.0, 6.0, 9.0, 3.0]), np.array([2.0, 5.0, 3.0, 6.0])
    think = "Whose score is the first that the threshold may not let through?"
    close(answer(members, outsiders, 0), 0.2, "nobody wrongly accused", think=think)
    close(answer(members, outsiders, 1), 0.4, "one wrongly accused", think=think)
    close(answer(members, outsiders, 3), 0.8, "three wrongly accused", think=think)


@named.wrong
def _(members, outsiders, allowed):
    """Accuses at the threshold as well."""
    return np.mean(members >= np.sort(outsiders)[-1 - allowed])


@named.wrong
def _(members, outsiders, allowed):
    """Puts the threshold among the members."""
    return np.mean(members > np.sort(members)[-1 - allowed])


@exercise(
    "what-has-leaked",
    title="What has leaked?",
    minutes=5,
    difficulty=1,
    prompt="""
From a synthetic cohort an attacker guesses what happened later to people: rightly for 80 % of the
training patients and for 79 % of the holdout. Always guessing the commonest value would have been
right for 50 %. Set `reading` to the letter.

- **a**: a breach: 80 % of secrets guessed is 30 points more than without the copy.
- **b**: mostly medicine that the copy rightly teaches: it tells as much of people it never saw.
- **c**: nothing to see: the attack is wrong for one in five.
""",
    hint="Would leaving the training patients out of the training have protected them?",
    meaning="A leak is what the copy tells of its own patients beyond what it tells of anybody.",
)
def reading():
    """The control was never in the data, and is guessed just as well."""
    return "b"


@reading.verify
def _(letter):
    gain = "The holdout's people were in no training data. Why are they guessed as well?"
    choose(letter, "b", {"a": gain, "c": "Would 100 % of a harmless rule be worse than this?"})


reading.wrong("a")
reading.wrong("c")


@exercise(
    "see-the-pieces",
    title="Build the attack that sees it",
    minutes=20,
    difficulty=3,
    prompt="""
A publisher sews each synthetic course together from six-month pieces of different patients and
adds a little noise. Write `score(candidates, synthetic, reference)` for three arrays of numbers
`(people, months)`, the last holding other real people: one score for each candidate, higher for a
likelier member. The check makes such copies and asks how often you rank a member above an
outsider; 85 % of the pairs are needed. Comparing whole courses wins hardly more than half.
""",
    hint="""
Cut all three into pieces of six months. For a piece, `cdist` from `scipy.spatial.distance` gives
the distances to all synthetic pieces of the same months; take the smallest. A piece that is common
is near to everything: divide by the smallest distance to the reference. Combine the pieces.
""",
    meaning="Nothing in the copy was near to anybody as a whole. The attacker chooses the "
    "distance, and you will not be told which.",
)
def score(candidates, synthetic, reference):
    """Mean over the pieces of how much nearer the synthetic piece is than a stranger's."""
    total = 0
    for start in range(0, candidates.shape[1], 6):
        part = slice(start, start + 6)
        to_made, to_known = (
            np.sqrt(((candidates[:, None, part] - other[None, :, part]) ** 2).sum(axis=2)).min(1)
            for other in (synthetic, reference)
        )
        total = total + np.log((to_known + 0.01) / (to_made + 0.01))
    return total


@score.verify
def _(answer):
    random, wins = np.random.default_rng(0), []
    for _ in range(4):
        people = random.normal(size=(180, 24)).cumsum(axis=1) / 3
        members, outsiders, known = people[:60], people[60:120], people[120:]
        source = random.integers(60, size=(60, 4)).repeat(6, axis=1)
        made = members[source, np.arange(24)] + 0.12 * random.normal(size=(60, 24))
        found = answer(np.concatenate([members, outsiders]), made, known)
        same_shape(found, (120,), "the scores")
        found = np.asarray(found, float)
        if not np.isfinite(found).all():
            raise Wrong("a score is not a finite number. Was something divided by nought?")
        wins.append((found[:60, None] > found[None, 60:]).mean())
    if np.mean(wins) < 0.5:
        raise Wrong(f"members win {np.mean(wins):.0%} of the pairs. Is a high score a member?")
    if np.mean(wins) < 0.85:
        raise Wrong(f"members win {np.mean(wins):.0%} of the pairs; 85 % are needed. Look at "
                    "pieces, and compare with people whom the copy cannot know.")  # fmt: skip


@score.wrong
def _(candidates, synthetic, reference):
    """Compares whole courses."""
    return -((candidates[:, None] - synthetic[None]) ** 2).sum(axis=2).min(axis=1)


@score.wrong
def _(candidates, synthetic, reference):
    """Scores the wrong way round."""
    apart = ((candidates[:, None] - synthetic[None]) ** 2)[:, :, :6].sum(axis=2)
    return apart.min(axis=1)
