"""The pictures of an evaluation's page, each with its description and how to read it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.figure import Figure

from hgteach.cohorts.catalogue import step_of
from hgteach.errors import InputError
from hgteach.evaluation.association import associations
from hgteach.evaluation.attributes import infer
from hgteach.evaluation.distances import closeness, closest, needs_holdout
from hgteach.evaluation.diversity import subgroups
from hgteach.evaluation.effects import compare_effects
from hgteach.evaluation.marginals import marginals
from hgteach.evaluation.measure import NotForThisTable, NotMeasured, Task
from hgteach.evaluation.membership import attack, success
from hgteach.evaluation.page import Picture
from hgteach.evaluation.policy import compare_policies, recommendations
from hgteach.evaluation.prediction import prediction
from hgteach.evaluation.survival import cox_agreement, waiting_curves
from hgteach.evaluation.trajectories import switching
from hgteach.figures import realism, safety, utility
from hgteach.figures.overlays import distributions
from hgteach.figures.palette import png

PANELS, NAMES, LEVELS = 15, 30, 12  # more than that of them nobody can read in one picture
Drawn = tuple[Figure, str]  # the figure and what it shows, in words


def pictures(task: Task) -> Iterator[Picture]:
    """Yield each picture of a report; one that cannot be drawn has a reason in its place."""
    for draw, title, family, reading in SHOWN:
        try:
            with warnings.catch_warnings(action="ignore"):  # odd tables have odd means
                figure, alt = draw(task)
                image = png(figure)
            yield Picture(title, family, image, " ".join(alt.split()), reading)
        except NotForThisTable:
            continue
        except InputError as reason:
            yield Picture(title, family, None, str(reason), reading)
        except Exception as error:  # an odd table must not cost the page
            yield Picture(title, family, None, f"It failed ({type(error).__name__}: {error}).", "")


def spreads(task: Task) -> Drawn:
    """Draw the values of each column, or of those that differ most."""
    found = marginals(task.real, task.synthetic, task.real.schema)
    found = found[found[["missing in real", "missing in synthetic"]].max(axis=1) < 1]
    if found.empty:
        raise NotMeasured("No column holds values in both tables.")
    worst = found.nlargest(PANELS, "distance")
    schema = task.real.schema.select(worst["column"])
    first = worst.iloc[0]
    figure = distributions(task.real.table(), task.synthetic.table(), schema,
                           labels=("real", "synthetic"))
    return figure, f"""One panel for each of {len(worst)} columns, real in blue and synthetic in
        orange. They differ most in {first['column']} (distance {first['distance']:.2f} of 1)."""


def pairs(task: Task) -> Drawn:
    """Draw how strongly every two columns go together."""
    schema = task.real.schema.select(task.real.schema.names[:NAMES])
    found = associations(task.real, task.synthetic, schema)
    if found.empty:
        raise NotMeasured("One column alone goes with nothing.")
    tables = []
    for who in ("real", "synthetic"):
        table = found.pivot_table(who, "column b", "column a", dropna=False)
        table = table.reindex(index=schema.names, columns=schema.names)
        tables.append(table.fillna(table.T))
    worst = found.loc[found["difference"].abs().idxmax()]
    return realism.matrices(*tables), f"""Three triangles of coloured squares, one a pair of
        columns: real, synthetic, and their difference. It is largest for {worst['column a']} and
        {worst['column b']}: {worst['real']:.2f} in real and {worst['synthetic']:.2f} in synthetic
        rows."""


def middles(task: Task) -> Drawn:
    """Draw how the numbers of the patients develop."""
    schema = task.real.schema
    names = [c.name for c in schema.columns if c.kind == "real" and not c.static][:6]
    if not names or task.real.timesteps < 2:
        raise NotMeasured("No number changes over time.")
    groups = task.real.select(names), task.synthetic.select(names)
    name, last = names[0], [np.nanmedian(group[names[0]][:, -1]) for group in groups]
    return realism.courses(*groups, groups[0].schema), f"""For each number that changes, a line (the
        median patient) and a band (the middle half), real in blue and synthetic in orange. In the
        last row the median {name} is {last[0]:,.3g} in real and {last[1]:,.3g} in synthetic
        patients."""


def switches(task: Task) -> Drawn:
    """Draw the transitions of the column in which they differ most."""
    schema = task.real.schema
    found = switching(task.real, task.synthetic, schema).set_index("column")
    found = found[[len(schema[name].levels) <= LEVELS for name in found.index]]
    if found["distance"].isna().all():
        raise NotMeasured("No patient has two rows with levels that could change.")
    worst = found.loc[found["distance"].idxmax()]
    figure = realism.transition_tables(task.real, task.synthetic, schema, worst.name)
    return figure, f"""Two tables of percentages, real and synthetic: from each level of
        {worst.name} (row) to the level one row later (column). From one row to the next,
        {worst['real']:.1%} of real and {worst['synthetic']:.1%} of synthetic rows change."""


def who(task: Task) -> Drawn:
    """Draw the groups of patients."""
    found = subgroups(task.real, task.synthetic, task.real.schema).nlargest(20, "real")
    return realism.groups(found), f"""Two bars for each of {len(found)} groups of patients, real in
        blue and synthetic in orange. Groups lost in the copy: {found['lost'].sum()}."""


def waits(task: Task) -> Drawn:
    """Draw how long patients wait for a clinical goal."""
    curves = waiting_curves(task.real, task.synthetic, task.real.schema)
    last = curves.groupby(["goal", "cohort"], sort=False)["waiting"].last()
    said = "; ".join(f"{goal}, {cohort}: {share:.0%}" for (goal, cohort), share in last.items())
    step = step_of(task.real.schema)
    return utility.waiting_curves(curves, step=step), f"""Falling curves of the share of patients
        who still wait for a goal, real in blue and synthetic in orange. Still waiting at the end:
        {said}."""


def hazards(task: Task) -> Drawn:
    """Draw what speeds the goal up or slows it down."""
    found = cox_agreement(task.real, task.synthetic, task.real.schema)
    apart = (found["overlap"] == 0).sum()
    return utility.hazard_ratios(found), f"""Hazard ratios with 95 % intervals, real as blue circles
        and synthetic as orange squares. Of {len(found)} pairs of intervals, {apart} do not
        touch or lack their synthetic half."""


def foresight(task: Task) -> Drawn:
    """Draw how well a model trained on the copy foresees."""
    found = prediction(task.real, task.synthetic, task.real.schema, holdout=task.holdout,
                       seed=task.seed, resamples=100)  # fmt: skip
    said = "; ".join(f"{row.goal}, {row.setting}: {row.AUC:.2f}" for row in found.itertuples())
    return utility.predictions(found), f"""Areas under the curve with 95 % intervals. TRTR is
        trained and tested on real patients, TSTR trained on synthetic and tested on real ones,
        TRTS the other way round. {said}."""


def advice(task: Task) -> Drawn:
    """Draw which regimens the two policies recommend."""
    schema = task.real.schema
    shares = recommendations(compare_policies(task.real, task.synthetic, schema, seed=task.seed),
                             schema)  # fmt: skip
    first = shares.idxmax()
    return utility.policy_heatmaps(shares, schema), f"""Two tables of how often each regimen is
        recommended, learned from real (blue) and from synthetic records (orange). Most often:
        {first['real']} after real, {first['synthetic']} after synthetic records."""


def drops(task: Task) -> Drawn:
    """Draw how well each treatment seems to work."""
    found = compare_effects(task.real, task.synthetic, task.real.schema)
    orders = (found[f"drop {who}"].dropna().sort_values(ascending=False).index
              for who in ("real", "synthetic"))  # fmt: skip
    one, other = (", ".join(order) for order in orders)
    return utility.treatment_effects(found), f"""Mean drop of viral load under each treatment, real
        in blue and synthetic in orange, with 95 % intervals. From the largest drop to the smallest
        in real patients: {one}; in synthetic ones: {other or 'none could be estimated'}."""


def neighbours(task: Task) -> Drawn:
    """Draw how near synthetic patients lie to training and holdout patients."""
    found = closest(task.real, task.synthetic, needs_holdout(task), task.real.schema,
                    seed=task.seed)  # fmt: skip
    share = closeness(found).loc["closer to real", "value"]
    return safety.closest_distances({"": found}), f"""Two rising curves: how far synthetic patients
        are from the nearest training patient (blue) and the nearest holdout patient (dashed).
        {share:.0%} are nearer to a training patient; 50 % would be by chance."""


def attacked(task: Task) -> Drawn:
    """Draw whom an attacker recognises."""
    found = attack(task.real, task.synthetic, needs_holdout(task), task.real.schema,
                   seed=task.seed)  # fmt: skip
    rate = success(found, resamples=1).loc["density ratio", "TPR"]
    return safety.recognised({"this copy": found}), f"""A rising curve of the share of training
        patients recognised against the share of outsiders wrongly accused. At 1 % false alarms,
        {rate:.1%} are recognised; guessing finds 1 %."""


def secrets(task: Task) -> Drawn:
    """Draw what an attacker guesses about people."""
    found = infer(task.real, task.synthetic, needs_holdout(task), task.real.schema, resamples=1,
                  seed=task.seed)  # fmt: skip
    worst = found["advantage"].idxmax()
    return safety.guessed(found), f"""For each column, the share of right guesses about training
        patients (blue) and about the holdout (open). They differ most for {worst}:
        {found.loc[worst, 'training']:.0%} and {found.loc[worst, 'control']:.0%}."""


SHOWN: tuple[tuple[Callable[[Task], Drawn], str, str, str], ...] = (
    (spreads, "How values are spread", "realism",
     "Good: orange lies on blue. Bad: a hump, a tail or a level that only one of them has."),
    (pairs, "Which columns go together", "realism",
     "Good: the first two triangles look alike and the third is white. Bad: colour in the third. "
     "The darker a square, the closer the two columns go together."),
    (middles, "How numbers develop", "realism",
     "Good: lines and bands run together. Bad: the copy stands still, drifts, or has a band that "
     "is much narrower or wider."),
    (switches, "Who changes, and to what", "realism",
     "Good: both tables hold about the same numbers. Bad: copies that switch all the time (small "
     "numbers from top left to bottom right) or never. It is the column that differs most."),
    (who, "Who is in the copy", "realism",
     "Good: both bars of a group are equally long. Bad: a group that has shrunk or disappeared."),
    (waits, "Waiting for the goal (Kaplan–Meier)", "utility",
     "Good: the two curves run together, within each other's bands. Bad: they part, so the copy "
     "would tell patients another time to wait."),
    (hazards, "What hastens or delays it (Cox)", "utility",
     "Good: each orange interval covers its blue one. Bad: it lies elsewhere, on the other side of "
     "1, or is missing."),
    (foresight, "Risk models trained on the copy", "utility",
     "Good: TSTR stands as far right as TRTR. Bad: it falls towards 0.5, where a coin would do."),
    (advice, "Which treatment is recommended", "utility",
     "Good: the same cells are dark. Bad: recommendations have moved. Two groups of real patients "
     "never look quite alike either. Nothing here is advice to a patient."),
    (drops, "Which treatment works", "utility",
     "Good: blue and orange agree and stand in the same order. Bad: the order is another one."),
    (neighbours, "How near the copies come", "safety",
     "Good: the two curves lie on each other. Bad: the blue one lies to the left, so copies sit "
     "on training patients. Good curves alone prove nothing."),
    (attacked, "Whom an attacker recognises", "safety",
     "Good: the curve follows the grey line, which is guessing. Bad: it lies above it, above all "
     "at the left, where hardly anybody is accused wrongly."),
    (secrets, "What an attacker guesses", "safety",
     "Good: each blue point lies on its open one. Bad: it lies to the right, so the copy knows "
     "more about training patients than about others."),
)  # fmt: skip
