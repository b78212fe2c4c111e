"""Exercises of the notebook implementation/06-learning: steps, distances, gradients, Adam."""

from math import ceil

import torch
from torch import nn

from hgteach.course.comparing import Wrong, close, describe
from hgteach.course.registry import exercise


@exercise(
    "steps-in-an-epoch",
    title="What an epoch costs",
    minutes=5,
    difficulty=1,
    prompt="""
Write `steps_in_an_epoch(patients, batch_size, lengths, critic_steps)`: the pair (steps of the
critic, steps of the generator) in one epoch. `lengths` is a list such as `[10, 20, 30]`; nobody is
left out, so 100 patients with a batch size of 34 make 3 batches.
""",
    hint="Batches a length, times lengths, is the number of the generator's turns. And of the "
    "critic's?",
    meaning="The published settings on 300 patients: 60 steps of the critic and 12 of the "
    "generator an epoch. The series' own loader drops the second batch, so it takes half of both.",
)
def steps_in_an_epoch(patients, batch_size, lengths, critic_steps):
    """Every length sees every patient; the last batch counts even if it is small."""
    rounds = ceil(patients / batch_size) * len(lengths)
    return rounds * critic_steps, rounds


@steps_in_an_epoch.verify
def _(answer):
    close(answer(100, 34, [10], 3), (9, 3), "the lesson", think="Three batches, one length.")
    think = "300 patients do not fit into one batch of 256."
    close(answer(300, 256, [10, 20, 30, 40, 50, 60], 5), (60, 12), "as published", think=think)
    close(answer(256, 256, [5, 7], 1), (2, 2), "one full batch", think="256 fit exactly.")


@steps_in_an_epoch.wrong
def _(patients, batch_size, lengths, critic_steps):
    """Drops the last batch, as the series' loader does."""
    rounds = patients // batch_size * len(lengths)
    return rounds * critic_steps, rounds


@steps_in_an_epoch.wrong
def _(patients, batch_size, lengths, critic_steps):
    """Takes months for lengths."""
    rounds = ceil(patients / batch_size) * sum(lengths)
    return rounds * critic_steps, rounds


@exercise(
    "one-answer-for-all",
    title="One answer for all",
    minutes=10,
    difficulty=2,
    prompt="""
A share `rare` of a cohort are women: their channel *Female* is 1, everybody else's 0. A generator
that cannot tell its patients apart gives all of them the same value `said`, between 0 and 1. Write
`cost(said, rare)`: the distance of the two crowds, sorted and subtracted. Then put in `rare = 0.14`
and find the cheapest `said`. Is it the honest 0.14?
""",
    hint="Of 100 people, 86 are at 0 and 14 at 1. How far is each from `said`? Take the mean.",
    meaning="A straight line has its lowest point at an end: that nobody is a woman costs 0.14, "
    "the honest answer 0.24. Absolute distances ask for the median, which is the majority. "
    "Only a generator that already tells people apart is led to the right shares. The "
    "cross-entropy of `likeness_loss`, with which v2 is trained, is lowest at the honest answer.",
)
def cost(said, rare):
    """The rare ones are 1 - said away, all others said."""
    return rare * (1 - said) + (1 - rare) * said


@cost.verify
def _(answer):
    close(answer(0.0, 0.14), 0.14, "nobody is a woman", think="14 of 100 are off, by 1 each.")
    close(answer(1.0, 0.14), 0.86, "everybody is a woman", think="Now the other 86 are off.")
    think = "Being right on average is not enough: each of 100 people is compared with one other."
    close(answer(0.14, 0.14), 0.2408, "the honest share", think=think)
    close(answer(0.3, 0.5), 0.5, "half and half", think="Half are 0.3 away, half 0.7.")


@cost.wrong
def _(said, rare):
    """Compares the means only."""
    return abs(said - rare)


@cost.wrong
def _(said, rare):
    """Squares the distances, whose lowest point is the honest share."""
    return rare * (1 - said) ** 2 + (1 - rare) * said**2


@exercise(
    "freeze-the-critic",
    title="Leave no traces",
    minutes=10,
    difficulty=2,
    prompt="""
In `generator_turn`, `.backward()` leaves gradients in the critic, too; they are cleared later.
Write `generator_gradients(generator, critic, noise)`: a list with the gradients of the loss
`-critic(generator(noise)).mean()`, one for each of the generator's parameters, that leaves
`.grad` of *both* networks untouched.
""",
    hint="`.backward()` writes into `.grad` of everything on its way. Which function, used for the "
    "penalty, *returns* gradients instead? And would `detach` help here?",
    meaning="`autograd.grad` computes only what was asked for. The way back still runs *through* "
    "the critic: frozen means that it does not move, not that it is cut off.",
)
def generator_gradients(generator, critic, noise):
    """Ask for the gradients of the generator's parameters, and of nothing else."""
    loss = -critic(generator(noise)).mean()
    return list(torch.autograd.grad(loss, list(generator.parameters())))


@generator_gradients.verify
def _(answer):
    random = torch.Generator().manual_seed(4)
    generator, critic = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    with torch.no_grad():
        for weights in (*generator.parameters(), *critic.parameters()):
            weights.copy_(torch.randn(weights.shape, generator=random))
    noise = torch.randn(6, 3, generator=random)
    expected = generator_gradients(generator, critic, noise)
    found = answer(generator, critic, noise)
    if any(w.grad is not None for w in (*generator.parameters(), *critic.parameters())):
        raise Wrong("after your function, `.grad` is no longer empty. Who wrote into it?")
    if not isinstance(found, tuple | list):
        raise Wrong(f"expected a list of {len(expected)} gradients, got {describe(found)}.")
    think = "The loss has a minus sign, and the way back leads through the critic."
    close(found, expected, "the gradients", think=think)


@generator_gradients.wrong
def _(generator, critic, noise):
    """Goes backward, which leaves gradients everywhere."""
    (-critic(generator(noise)).mean()).backward()
    return [w.grad for w in generator.parameters()]


@generator_gradients.wrong
def _(generator, critic, noise):
    """Forgets the sign: this generator learns to be caught."""
    loss = critic(generator(noise)).mean()
    return list(torch.autograd.grad(loss, list(generator.parameters())))


@exercise(
    "first-step-of-adam",
    title="Why a fresh Adam jumps",
    minutes=15,
    difficulty=3,
    prompt=r"""
Adam keeps a running mean $m$ of the gradient and $v$ of its square, both from 0: $m \leftarrow
\beta_1 m + (1 - \beta_1) g$, and $v \leftarrow \beta_2 v + (1 - \beta_2) g^2$. It corrects for the
start, $\hat m = m / (1 - \beta_1^t)$ and $\hat v = v / (1 - \beta_2^t)$ in step $t$, and moves a
weight by $-\text{rate} \cdot \hat m / (\sqrt{\hat v} + 10^{-8})$. Write `first_step(gradient,
rate)`: the move in step 1, for a tensor of gradients. You need neither $\beta$.
""",
    hint=r"Put $t = 1$ and $m = v = 0$ into the formulas. What is left of $\hat m$ and $\hat v$?",
    meaning="Every weight moves by the full rate, however small its gradient: a weight that had "
    "long settled is kicked as far as one that has everything to learn.",
)
def first_step(gradient, rate):
    """With no memory, the mean is the gradient and the root of the mean square its size."""
    return -rate * gradient / (gradient.abs() + 1e-8)


@first_step.verify
def _(answer):
    for gradient in (torch.tensor([3.0, -0.001, 200.0]), torch.tensor([0.0, -1.0])):
        weight = torch.zeros(len(gradient), requires_grad=True)
        weight.grad = gradient.clone()
        torch.optim.Adam([weight], lr=0.01, betas=(0.5, 0.9)).step()
        think = "What do the two corrections do in the very first step?"
        what = "gradients " + ", ".join(f"{g:g}" for g in gradient.tolist())
        close(answer(gradient, 0.01), weight.detach(), what, think=think)


@first_step.wrong
def _(gradient, rate):
    """Plain gradient descent."""
    return -rate * gradient


@first_step.wrong
def _(gradient, rate):
    """Moves uphill."""
    return rate * gradient.sign()
