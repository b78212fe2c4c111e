"""Exercises of the notebook hands-on/03-v1-wgan-gp: the critic, its penalty, and what it hides."""

import pandas as pd
import torch
from torch import nn

from hgteach.course.comparing import Wrong, choose, close, describe
from hgteach.course.registry import exercise


@exercise(
    "penalty-of-a-line",
    title="The penalty of a critic that you can read",
    minutes=5,
    difficulty=1,
    prompt=r"""
Take a critic without hidden layers: $D(x) = w \cdot x$. Write `linear_penalty(w)`: its gradient
penalty $(\lVert \nabla_x D \rVert - 1)^2$, for a tensor `w` of any length. You need no autograd.
""",
    hint=r"""
What is the gradient of $w \cdot x$ with respect to $x$? Does it depend on $x$? Its length is the
square root of the sum of its squared parts.
""",
    meaning="Only slope one is free: a critic that is too steep pays, and so does one that is too "
    "flat to tell the generator anything.",
)
def linear_penalty(w):
    """Return the gradient penalty of D(x) = w · x: the gradient is w, wherever you stand."""
    return (w.norm() - 1) ** 2


@linear_penalty.verify
def _(answer):
    think = "This gradient has length one, so this critic should pay nothing."
    close(answer(torch.tensor([0.6, 0.8])), 0.0, "w = (0.6, 0.8)", think=think)
    think = "Its gradient has length 5. How far is that from one?"
    close(answer(torch.tensor([3.0, 4.0])), 16.0, "w = (3, 4)", think=think)
    think = "A flat critic has slope 0. The penalty pulls up as well as down."
    close(answer(torch.zeros(3)), 1.0, "w = (0, 0, 0)", think=think)


@linear_penalty.wrong
def _(w):
    """Punishes only steepness, as if flat were free."""
    return torch.relu(w.norm() - 1) ** 2


@linear_penalty.wrong
def _(w):
    """Forgets the square root in the length."""
    return ((w**2).sum() - 1) ** 2


@exercise(
    "whose-gradient",
    title="Whose turn is it to learn?",
    minutes=10,
    difficulty=2,
    prompt="""
This is how the critic's loss stands in many a public notebook (the penalty is left out):

```python
def critic_loss(critic, generator, real, noise):
    fake = generator(noise)
    return critic(fake).mean() - critic(real).mean()
```

The number is right. But call `.backward()` on it, and look at the gradients of *both* networks.
Write a version in which only the critic gets gradients.
""",
    hint="""
Follow the chain rule backwards from the loss: through the critic, into `fake`, and then where?
Somewhere on that way the tensor has to lose its memory of how it was made. But the critic must
keep its own.
""",
    meaning="The generator only poses in this step: its gradients stay empty, and no time is spent "
    "on them.",
)
def critic_loss(critic, generator, real, noise):
    """Return mean score of fakes minus mean score of real ones; only the critic can learn."""
    fake = generator(noise).detach()
    return critic(fake).mean() - critic(real).mean()


def _two_small_networks():
    """Return a critic, a generator, real points and noise, always the same ones."""
    random = torch.Generator().manual_seed(3)
    critic, generator = nn.Linear(2, 1, bias=False), nn.Linear(4, 2)
    with torch.no_grad():
        for weights in (*critic.parameters(), *generator.parameters()):
            weights.copy_(torch.randn(weights.shape, generator=random))
    real, noise = torch.randn(8, 2, generator=random), torch.randn(8, 4, generator=random)
    return critic, generator, real, noise


@critic_loss.verify
def _(answer):
    critic, generator, real, noise = _two_small_networks()
    loss = answer(critic, generator, real, noise)
    think = "The loss falls as real points score higher than fakes."
    close(loss, critic_loss(critic, generator, real, noise), "the loss", think=think)
    if not getattr(loss, "requires_grad", False):
        raise Wrong("the loss has lost every gradient, the critic's too, so nobody learns now.")
    loss.backward()
    if any(p.grad is not None for p in generator.parameters()):
        raise Wrong(
            "the loss is right, but after `.backward()` the generator has gradients too. They "
            "push it to *lower* the score of its fakes. Where should they stop?"
        )
    with torch.no_grad():
        slope = generator(noise).mean(0) - real.mean(0)  # (2,)
    close(critic.weight.grad[0], slope, "the critic's gradient", think="Which parts reach it?")


@critic_loss.wrong
def _(critic, generator, real, noise):
    """As published: fakes are not detached."""
    return critic(generator(noise)).mean() - critic(real).mean()


@critic_loss.wrong
def _(critic, generator, real, noise):
    """Stops every gradient, not only the generator's."""
    with torch.no_grad():
        return critic(generator(noise)).mean() - critic(real).mean()


@critic_loss.wrong
def _(critic, generator, real, noise):
    """Detaches the score instead of the fake, so the critic learns from real points only."""
    return critic(generator(noise)).mean().detach() - critic(real).mean()


@exercise(
    "a-penalty-of-ten",
    title="A log that says 10",
    minutes=5,
    difficulty=2,
    prompt="""
A colleague's log shows a gradient penalty (before its weight of 10) that has settled at 10, and
calls the training converged. Suppose the critic is equally steep everywhere. How steep is it? Give
a number.
""",
    hint="Write down the definition of the penalty, set it equal to 10, and solve for the slope.",
    meaning="A slope of 4.16 where 1 is allowed: this critic breaks its rule by a factor of four, "
    "and its score gap is no distance. The penalty should fall towards 0; 10 is only its weight, "
    "and that the series' implementation post 12 expects about 10 is a slip.",
)
def steepness():
    """Solve (slope - 1)² = 10; a slope is never negative, so one root is left."""
    return 1 + 10**0.5


@steepness.verify
def _(answer):
    if isinstance(answer, int | float) and abs(answer - 10**0.5) < 0.02:
        raise Wrong("that is how far the slope is from one. And the slope itself?")
    try:
        close(answer, 1 + 10**0.5, rtol=0.005)
    except Wrong:  # whose words would give the number away
        think = "The penalty is the square of something. Of what?"
        raise Wrong(f"not {describe(answer)}. {think}") from None


steepness.wrong(10.0)
steepness.wrong(11)
steepness.wrong(3.162)


@exercise(
    "near-zero-twice",
    title="Near zero twice",
    minutes=5,
    difficulty=2,
    prompt="""
In the toy's curves, the score gap is near 0 at the very first step and near 0 again at the last.
The clouds above them differ wildly. How do you read that? Answer `"a"`, `"b"` or `"c"`.

- **a** The generator was as good at the start as at the end.
- **b** A gap is a distance only if the critic is as good as it may be. At the start it was not.
- **c** The training went round in a circle and has failed.
""",
    hint="""
Two networks make the gap. Which of them was untrained at the first step, and what would its scores
look like?
""",
    meaning="A loss of a GAN has two authors, so compare the *samples* with the real data, by a "
    "measure that neither network trains on.",
)
def reading():
    """Answer b: an untrained critic scores everybody alike, so its gap is near 0, too."""
    return "b"


@reading.verify
def _(answer):
    choose(
        answer,
        "b",
        {
            "a": "look at the clouds at step 0: are they alike? The gap says so, the picture does "
            "not. Who measured?",
            "c": "look at the last cloud: it lies where the real one does. So what else may be "
            "small at the start, when no network has learned anything?",
        },
    )


reading.wrong("a")
reading.wrong("c")


@exercise(
    "switches-per-year",
    title="Measure restlessness",
    minutes=15,
    difficulty=3,
    prompt="""
One patient switches treatment once in five years, another every month. Both count as "ever
switched", so that share cannot tell them apart. Design a measure that can: write
`switches_per_year(table, column)`, the number of changes from one month to the next, per patient
and *year*, averaged over all patients. The table has one row a patient (`PatientID`) and month
(`Timestep`); do not rely on the order of its rows. Then use it on `Ethnic` and on
`Base Drug Combo`, for the cohort and for both synthetic tables.
""",
    hint="""
`table.groupby("PatientID")[column].shift()` is last month's value, once the rows are in order. The
first month of a patient has no month before it: it can be no switch, and no chance for one either.
""",
    meaning="No histogram sees this: every month can hold the right shares while nobody stays who "
    "they are. Whatever you care about needs a measure that can fail on it.",
)
def switches_per_year(table, column):
    """Return 12 times the share of month-to-month steps at which ``column`` changes."""
    ordered = table.sort_values(["PatientID", "Timestep"])
    before = ordered.groupby("PatientID")[column].shift()
    changed = ordered[column].astype(object) != before.astype(object)
    return 12 * changed[before.notna()].mean()


@switches_per_year.verify
def _(answer):
    def table(*courses):
        rows = [(p, t, v) for p, course in enumerate(courses) for t, v in enumerate(course)]
        return pd.DataFrame(rows, columns=["PatientID", "Timestep", "Drug"])

    think = "Nobody switches here. Did two patients touch, or did a first month count?"
    close(answer(table("AAA", "BBB"), "Drug"), 0.0, "two steady patients", think=think)
    think = "Every step is a switch, and a year has twelve months."
    close(answer(table("ABABA"), "Drug"), 12.0, "a switch every month", think=think)
    think = "Three switches in eight steps from month to month. There and back counts as two."
    found = answer(table("ABAAA", "AABBB"), "Drug")
    close(found, 12 * 3 / 8, "three switches in two patients", think=think)
    mixed = table("AAAA", "BBBB", "ABBB").sort_values("Timestep", ignore_index=True)
    think = "These rows are sorted by month, so neighbouring rows are different patients."
    close(answer(mixed, "Drug"), 12 / 9, "rows sorted by month", think=think)
    upside_down = table("ABBB", "AAAA").iloc[[3, 1, 0, 2, 6, 4, 7, 5]]
    think = "These rows are shuffled within each patient: put them in order of time first."
    close(answer(upside_down, "Drug"), 12 / 6, "shuffled rows", think=think)


@switches_per_year.wrong
def _(table, column):
    """Lets neighbouring patients touch, and takes a first month for a switch."""
    return 12 * (table[column] != table[column].shift()).mean()


@switches_per_year.wrong
def _(table, column):
    """Measures who ever switches, once more."""
    return table.groupby("PatientID")[column].nunique().gt(1).mean()


@switches_per_year.wrong
def _(table, column):
    """Trusts the order of the rows."""
    before = table.groupby("PatientID")[column].shift()
    return 12 * (table[column] != before)[before.notna()].mean()
