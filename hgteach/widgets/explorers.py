"""The explorers of the lessons: each binds controls to a drawing of tested functions' results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import torch
from scipy import signal, stats
from scipy.special import boxcox
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from hgteach import figures
from hgteach.errors import InputError
from hgteach.evaluation.association import correlations
from hgteach.evaluation.diversity import subgroups
from hgteach.evaluation.dynamics import patient_dynamics
from hgteach.evaluation.membership import true_positives
from hgteach.evaluation.patients import Patients
from hgteach.evaluation.summaries import channels
from hgteach.figures import INK, PALE, REAL, SYNTHETIC
from hgteach.models.v2 import PatientMemory
from hgteach.schema import Schema
from hgteach.sequences import curriculum_loaders
from hgteach.widgets.explorer import Drawn, Explorer, choice, slider


def _panels(*widths: float, left: float = 0.08, right: float = 0.98, gap: float = 0.25) -> Any:
    """Return a figure and a row of axes. Fixed margins cost half of what a layout engine costs."""
    margins = {"left": left, "right": right, "top": 0.89, "bottom": 0.16, "wspace": gap}
    margins["width_ratios"] = widths
    return figures.subplots(1, len(widths), figsize=(9, 3.1), layout="none", gridspec_kw=margins)


def _titled(axis: Any, title: str, across: str, up: str = "") -> None:
    axis.set_title(title, y=1.02)  # a fixed height saves matplotlib the search for a free one
    axis.set(xlabel=across, ylabel=up)


def box_cox(values: pd.Series | np.ndarray, name: str = "VL") -> Explorer:
    """Bend positive ``values`` by a Box–Cox power, and see how likely that power is.

    Raises:
        InputError: a value is missing, or not above 0.
    """
    x = np.asarray(values, dtype=float)
    if not (x > 0).all():
        raise InputError(f"Box–Cox needs numbers above 0 in {name}; leave out the others.")
    powers = np.linspace(-1, 1, 201).round(2)
    likelihood = np.array([stats.boxcox_llf(power, x) for power in powers]) / len(x)
    likelihood -= likelihood.max()

    def draw(power: float) -> Drawn:
        power = round(power, 2)  # 0.30000000000000004 helps nobody
        y = boxcox(x, power)
        skew = stats.skew(y)
        here = np.interp(power, powers, likelihood)
        fig, axes = _panels(1.6, 1)
        counts, edges = np.histogram(y, 60)
        axes[0].stairs(counts, edges, fill=True, color=REAL)
        bell = stats.norm(y.mean(), y.std()).pdf(edges) * len(y) * (edges[1] - edges[0])
        axes[0].plot(edges, bell, color=INK, label="normal, same mean and spread")
        axes[0].legend(loc="upper right")
        _titled(axes[0], f"{name}, λ = {power:g}", f"Box–Cox of {name}", "values")
        axes[1].plot(powers, likelihood, color=INK, lw=1)
        axes[1].plot(power, here, "o", color=REAL)
        _titled(axes[1], "how likely is this λ?", "λ", "log-likelihood, best = 0")
        return fig, f"""With λ = {power:g} the histogram of {name} has skewness {skew:z.1f}
            (0 is symmetric). The log-likelihood is {abs(here):.2f} a value below that of the best
            λ, {powers[likelihood.argmax()]:g}."""

    tip = "1 changes nothing, 0 is the logarithm, below 0 bends more"
    return Explorer(draw, power=slider("Power λ", -1.0, 1.0, 0.05, 0.5, tip))


def batch_shape(x: Tensor) -> Explorer:
    """Cut sequences, ``(P, T, F)``, to a length, deal them into batches, and see who is left."""
    patients, timesteps = x.shape[:2]
    least = min(8, patients)  # hundreds of batches could not be told apart

    def dealt(length: int, largest: int, last: str) -> list[tuple[int, ...]]:
        if last == "equal parts":
            (loader,) = curriculum_loaders(x, [length], largest).values()
            return [tuple(batch.shape) for batch in loader]
        loader = DataLoader(
            TensorDataset(x[:, :length]), largest, drop_last=last == "dropped if not full"
        )
        return [tuple(batch.shape) for (batch,) in loader]

    def draw(length: int, largest: int, last: str) -> Drawn:
        shapes = dealt(length, largest, last)
        sizes = np.array([shape[0] for shape in shapes], dtype=int)
        tops = np.r_[0, sizes.cumsum()]
        fig, axis = _panels(1, left=0.09)
        axis.barh(0, timesteps, patients, align="edge", color=PALE)
        axis.barh(tops[:-1], length, sizes, align="edge", color=REAL, edgecolor="white", lw=1.5)
        for top, shape in zip(tops, shapes if len(shapes) <= 8 else [], strict=False):
            axis.annotate(f"  {shape}", (0, top + shape[0] / 2), color="white", va="center")
        _titled(axis, "blue: what an epoch sees at this length; grey: what it does not",
                "month", "patients")  # fmt: skip
        axis.set(xlim=(0, timesteps), ylim=(patients, 0))
        kinds = " and ".join(map(str, dict.fromkeys(shapes))) or "none"
        uneven = sizes.max() / sizes.min() if len(sizes) else 1
        return fig, f"""Batches: {len(shapes)}, of shape {kinds} (patients, months, channels).
            {patients - tops[-1]} of {patients} patients sit out this epoch. A patient of the
            smallest batch weighs {uneven:.1f} times as much as one of the largest."""

    return Explorer(
        draw,
        length=slider("Sequence length", 1, timesteps, 1, min(10, timesteps), "months kept"),
        largest=slider("Largest batch", least, patients, 1, min(256, patients), "patients in it"),
        last=choice("Last batch", ["dropped if not full", "smaller", "equal parts"],
                    "what happens when the patients do not fill all batches"),
    )  # fmt: skip


def noisy_scores(
    critic: Callable[[Tensor], Tensor], records: Tensor, schema: Schema, seed: int = 1
) -> Explorer:
    """Mix noise into patients' records, ``(B, T, F)``, and watch the critic's score of each."""
    noise = torch.rand(records.shape, generator=torch.Generator().manual_seed(seed))
    shares = np.linspace(0, 1, 21)
    with torch.inference_mode():
        scores = np.array([critic(torch.lerp(records, noise, float(s))).numpy() for s in shares])

    def draw(percent: int, patient: int) -> Drawn:
        k = percent // 5
        mean, own = scores.mean(axis=1), scores[:, patient]  # (21,)
        fig, axes = _panels(1.1, 1, left=0.15)
        mixed = torch.lerp(records[patient], noise[patient], percent / 100).T.numpy()  # (F, T)
        axes[0].imshow(mixed, "Greys", vmin=0, vmax=1, aspect="auto", interpolation="none")
        middles = [(block.start + block.stop - 1) / 2 for block in schema.blocks]
        axes[0].set_yticks(middles, [block.column.name for block in schema.blocks], size=7)
        axes[0].set_xticks(range(0, records.shape[1], 5))
        _titled(axes[0], f"patient {patient}, {percent} % noise", "month")
        axes[1].fill_between(shares, *np.quantile(scores, [0.1, 0.9], axis=1), color=PALE)
        axes[1].plot(shares, mean, color=INK, label="mean of all (band: middle 80 %)")
        axes[1].plot(shares, own, color=REAL, lw=1, label="this patient")
        axes[1].plot(shares[k], own[k], "o", color=REAL)
        axes[1].legend()
        _titled(axes[1], "the critic's score", "share of noise", "score [no unit]")
        return fig, f"""With {percent} % of noise the critic gives patient {patient} the score
            {own[k]:.2f}, and {own[0]:.2f} without. All {len(records)} patients together:
            {mean[k]:.2f}, and {mean[0]:.2f} without."""

    return Explorer(
        draw,
        percent=slider("Noise in the record [%]", 0, 100, 5, 30, "at 100 no patient is left"),
        patient=slider("Patient", 0, len(records) - 1, 1, 0, "whose record is spoilt"),
    )


def latent_buffer(
    memories: Mapping[str, PatientMemory], vectors: Tensor, group: Tensor, seed: int = 0
) -> Explorer:
    """Draw months of input around a remembered patient, and see whose they could be.

    Args:
        memories: those to compare, by name.
        vectors: what they remember, ``(N, latent)``; the first two numbers are drawn.
        group: to which group each of them belongs, ``(N,)``.
        seed: fixes the noise.
    """
    noise = torch.randn((50, 6, vectors.shape[1]), generator=torch.Generator().manual_seed(seed))

    def draw(memory: str, patient: int, scatter: float) -> Drawn:
        recalled = vectors[patient].expand(len(noise), -1)  # (50, latent)
        months = memories[memory].around(scatter * noise, torch.Generator(), recalled)
        months = months.flatten(0, 1)  # (300, latent)
        nearest = torch.cdist(months, vectors).argmin(dim=1)
        same = (group[nearest] == group[patient]).float().mean()
        fig, axis = _panels(1, right=0.7)
        axis.plot(*months[:, :2].T, "o", ms=3, color=SYNTHETIC, alpha=0.5, label="months drawn")
        axis.plot(*vectors[:, :2].T, "o", ms=3, color=INK, alpha=0.5, label="everybody remembered")
        axis.plot(*vectors[patient, :2], "*", ms=16, color=REAL, mec="white", label="recalled")
        axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
        axis.set(xlim=(-5, 5), ylim=(-4, 4))
        _titled(axis, f"memory: {memory}", "latent 0", "latent 1")
        return fig, f"""Fifty patients of six months are drawn around patient {patient} (memory:
            {memory}), with {scatter:g} times its scatter. For {same:.0%} of the months the
            nearest remembered person is of the same group."""

    return Explorer(
        draw,
        memory=choice("Memory", memories, "how wide months scatter around the one recalled"),
        patient=slider("Recalled patient", 0, len(vectors) - 1, 1, 0, "around whom is drawn"),
        scatter=slider("Scatter, times", 0.0, 3.0, 0.25, 1.0, "0: no noise, 1: as generated"),
    )


def snapshots(real: pd.DataFrame, made: Mapping[int, pd.DataFrame], schema: Schema) -> Explorer:
    """Go through a training by epoch: two numbers, and who is there, beside the real ones.

    Args:
        real: what the generator learns from.
        made: by epoch, what it made then.
        schema: its first two numbers are drawn, and the groups of its static columns.
    """
    found = {epoch: subgroups(real, table, schema) for epoch, table in made.items()}
    people = sorted(set().union(*(table.index for table in found.values())))
    names, spread = {"real": figures.source_name(real), "synthetic": "synthetic"}, {}
    for name in schema.real[:2]:
        log = bool(real[name].min() > 0 and real[name].skew() > 2)
        tables = {0: real, **made}.items()
        values = {key: np.log10(t[name]) if log else t[name] for key, t in tables}
        bins = np.histogram_bin_edges(values[0], 40)
        label = f"{'log10 ' * log}{name} [{schema[name].unit}]"
        counts = {key: np.histogram(v, bins)[0] / len(v) * 100 for key, v in values.items()}
        spread[label] = bins, counts

    def draw(epoch: int) -> Drawn:
        fig, axes = _panels(*[1] * len(spread), 1.1, left=0.06, gap=0.45)
        for axis, (label, (bins, counts)) in zip(axes, spread.items(), strict=False):
            axis.stairs(counts[0], bins, fill=True, color=REAL, alpha=0.4)
            axis.stairs(counts[epoch], bins, color=SYNTHETIC, lw=2)
            _titled(axis, f"epoch {epoch}", label, "% of months")
        table = found[epoch][["real", "synthetic"]].reindex(people, fill_value=0.0)
        place = np.arange(len(people))
        for part, colour, k in (("real", REAL, -0.2), ("synthetic", SYNTHETIC, 0.2)):
            axes[-1].barh(place + k, 100 * table[part], 0.4, color=colour, label=names[part])
        axes[-1].set_yticks(place, [", ".join(who) for who in people])
        axes[-1].invert_yaxis()
        axes[-1].legend(loc="upper right")
        _titled(axes[-1], "who is there", "% of patients")
        apart = (table["real"] - table["synthetic"]).abs().sum() / 2
        lost = "; ".join(", ".join(who) for who in found[epoch].index[found[epoch]["lost"]])
        return fig, f"""After epoch {epoch}, {apart:.0%} of the synthetic patients would have to
            change groups to match. Lost groups: {lost or 'none'}."""

    tip = "how long the generator had learnt"
    epoch = choice("Epoch", made, tip, kind=ipywidgets.SelectionSlider)
    explorer = Explorer(draw, epoch=epoch)
    for stage in reversed(made):  # draw all of them now, and end at the first
        epoch.value = stage
    return explorer


def correlation_types(cohort: pd.DataFrame | Patients, schema: Schema, seed: int = 0) -> Explorer:
    """Look at three correlations of the same two numbers: over rows, of trends, of cycles.

    Raises:
        InputError: a number is missing in some row, so no line can be drawn through it.
    """
    patients = Patients.of(cohort, schema).select(schema.real)
    schema = patients.schema
    values = channels(patients)[0]  # (C, P, T)
    if np.isnan(values).any():
        raise InputError("This explorer needs every number in every month; leave out the others.")
    rest = signal.detrend(values)
    change = (values - rest)[:, :, -1] - (values - rest)[:, :, 0]  # (C, P)
    rows = np.random.default_rng(seed).choice(values[0].size, 2500)
    trend, cycle, _ = patient_dynamics(patients, schema)
    clouds = {  # what is drawn: (C, points), the number, and what a point is
        "static": (values.reshape(len(values), -1)[:, rows], correlations(patients, schema)),
        "trend": (change, trend),
        "cycle": (rest.reshape(len(values), -1)[:, rows], cycle),
    }
    points = {"static": "a patient in a month", "trend": "a patient's line, last month less first",
              "cycle": "a month, less the patient's line"}  # fmt: skip
    amount = [(schema[name].lower is not None and schema[name].lower >= 0) for name in schema.real]
    scales = [f"{'log10 ' * log}{name}" for log, name in zip(amount, schema.real, strict=True)]
    names = [(a, b) for k, a in enumerate(schema.real) for b in schema.real[:k]]

    def draw(kind: str, pair: str) -> Drawn:
        a, b = (schema.real.index(name) for name in pair.split(" with "))
        found = {name: table.to_numpy()[a, b] for name, (_, table) in clouds.items()}
        fig, axes = _panels(1.3, 1)
        axes[0].plot(*clouds[kind][0][[a, b]], "o", ms=2, alpha=0.4, color=REAL)
        if kind != "static":
            axes[0].axhline(0, color=INK, lw=0.8)
            axes[0].axvline(0, color=INK, lw=0.8)
        _titled(axes[0], f"a point is {points[kind]}", scales[a], scales[b])
        colours = [REAL if name == kind else PALE for name in found]
        axes[1].bar(list(found), found.values(), color=colours)
        axes[1].axhline(0, color=INK, lw=0.8)
        _titled(axes[1], "the three numbers", "", "correlation, or agreement")
        axes[1].set_ylim(-1, 1)
        said = ", ".join(f"{name} {value:+.2f}" for name, value in found.items())
        return fig, f"""{pair}, {kind}: a point is {points[kind]}. The three numbers: {said}. (The
            trend counts patients whose two lines run the same way, less those in whom they run
            against each other.)"""

    return Explorer(
        draw,
        kind=choice("Correlation", clouds, "of rows, of long-term lines, or of what they leave"),
        pair=choice("Of", (f"{a} with {b}" for a, b in names), "two numbers of the same patients"),
    )


def attack_threshold(attacked: Mapping[str, pd.DataFrame]) -> Explorer:
    """Move an attacker's threshold: who is recognised, and who is wrongly accused.

    Args:
        attacked: what ``membership.attack`` returned, under a name each.
    """
    rules = [name for name in next(iter(attacked.values())) if name != "member"]
    allowed = np.arange(0, 21)  # percent of the outsiders

    def draw(copy: str, rule: str, percent: int) -> Drawn:
        score, is_member = attacked[copy][rule].to_numpy(), attacked[copy]["member"].to_numpy()
        member, outsider = score[is_member], score[~is_member]
        threshold = np.sort(outsider)[-1 - int(percent / 100 * len(outsider))]
        curve = [100 * true_positives(member[None], outsider[None], p / 100)[0] for p in allowed]
        found = (member > threshold).sum()
        fig, axes = _panels(1.6, 1)
        bins = np.histogram_bin_edges(score, 40)
        for values, colour, label in ((member, REAL, "members"), (outsider, INK, "outsiders")):
            axes[0].stairs(np.histogram(values, bins)[0], bins, color=colour, lw=1.8, label=label)
        axes[0].axvline(threshold, color=SYNTHETIC, lw=2, label="accused to the right")
        axes[0].legend()
        _titled(axes[0], f"copy {copy}", f"score: {rule}", "candidates")
        axes[1].plot(allowed, curve, color=REAL, drawstyle="steps-post")
        axes[1].plot(allowed, allowed, color=PALE, lw=4, zorder=0, label="guessing")
        axes[1].plot(percent, curve[percent], "o", color=SYNTHETIC)
        axes[1].legend()
        _titled(axes[1], "who is recognised", "outsiders accused [%]", "members [%]")
        axes[1].set_ylim(0, 103)
        return fig, f"""Copy {copy}, by {rule}: who may wrongly accuse {percent} % of the outsiders
            accuses {(outsider > threshold).sum()} of {len(outsider)}, and recognises {found} of
            {len(member)} members ({found / len(member):.0%}). Guessing would find {percent} %."""

    return Explorer(
        draw,
        copy=choice("Copy", attacked, "the synthetic cohort that is attacked"),
        rule=choice("Score", rules[::-1], "what the attacker goes by"),
        percent=slider("False alarms allowed [%]", 0, 20, 1, 1, "this sets the threshold"),
    )
