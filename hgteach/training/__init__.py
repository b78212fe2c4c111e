"""Training: a table goes in, a :class:`Generator` comes out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from hgteach.errors import InputError
from hgteach.models.v1 import Critic, RecurrentGenerator
from hgteach.preprocess import Preprocessor
from hgteach.schema import Layout, Schema
from hgteach.sequences import to_sequences
from hgteach.training import checkpoint, container
from hgteach.training.gan import GanTraining
from hgteach.training.generator import Generator, seeded
from hgteach.training.presets import PRESETS, GanSettings, settings_for

__all__ = ["PRESETS", "GanSettings", "Generator", "train"]


def train(
    model: str,
    table: pd.DataFrame,
    schema: Schema,
    *,
    preset: str = "classroom",
    settings: GanSettings | None = None,
    epochs: int | None = None,
    seed: int = 0,
    layout: Layout | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Generator:
    """Train a generator on a labelled table.

    Args:
        model: ``v1``.
        table: labelled rows (``schema.label``), every patient with the same times. Columns that
            the schema does not name are left out.
        schema: what the columns are.
        preset: ``classroom`` (about a minute on a laptop) or ``published`` (the series' setting).
        settings: your own settings, instead of a preset.
        epochs: how many, instead of the preset's.
        seed: fixes weights, noise and order; the same seed gives the same generator on the same
            machine.
        layout: how the file wrote the table, kept for those who write synthetic files.
        out: a folder for the trained generator. A checkpoint is kept there after each epoch.
        resume: go on from the checkpoint in ``out``.
        progress: show a bar.

    Returns:
        The generator. If you interrupt the training, it is the one of the last finished epoch.

    Raises:
        InputError: the table does not fit the schema, a loss is no longer a number, or the
            checkpoint does not belong to this training.
    """
    settings = settings or settings_for(model, preset)
    last = settings.epochs if epochs is None else epochs
    if last < 1:
        raise InputError(f"Train for at least one epoch, not {last}.")
    if resume and out is None:
        raise InputError("To resume, name the folder that holds the checkpoint.")
    table = table.sort_values([schema.patient, schema.time], kind="stable", ignore_index=True)
    preprocessor = Preprocessor(schema)
    matrix = preprocessor.fit(table).transform(table)  # (P * T, F)
    x = torch.from_numpy(to_sequences(matrix, table, schema))  # (P, T, F)

    training = _prepare(x, schema, settings, seed)
    folder = None if out is None else container.make_folder(out)
    about = {"model": model, "schema": schema.to_dict(), "seed": seed}
    about["settings"] = asdict(replace(settings, epochs=0))  # more epochs may follow
    identity = checkpoint.fingerprint(x, about)
    if resume:
        checkpoint.restore(folder, training, identity)
    _run(training, last, folder, identity, f"training {model}", progress)

    kept = {schema.patient, schema.time, *schema.names}
    generator = Generator(
        name=model,
        schema=schema,
        layout=layout or Layout(tuple(c for c in table.columns if c in kept), ()),
        preprocessor=preprocessor,
        architecture=settings.architecture,
        network=training.generator,
        times=table[schema.time].iloc[: x.shape[1]].tolist(),
        provenance=table.attrs.get("provenance", "a table of unknown origin"),
        history=pd.DataFrame(training.history),
    )
    if folder is not None:
        generator.save(folder)
    return generator


def _prepare(x: Tensor, schema: Schema, settings: GanSettings, seed: int) -> GanTraining:
    """Draw the first weights. PyTorch draws them from its global source, which is put back."""
    random = seeded(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = RecurrentGenerator(schema, settings.architecture)
        critic = Critic(schema, settings.architecture)
    return GanTraining(generator, critic, x, settings, random)


def _run(
    training: GanTraining,
    last: int,
    folder: Path | None,
    identity: dict[str, str],
    title: str,
    progress: bool,
) -> None:
    """Train with a bar. An interrupt goes back to the end of the last finished epoch."""
    done = len(training.history)
    finished = training.state()
    with tqdm(total=last, initial=done, desc=title, unit="epoch", disable=not progress) as bar:
        try:
            for row in training.epochs(last):
                finished = training.state()
                if folder is not None:
                    checkpoint.save(folder, training, identity)
                bar.set_postfix(gap=f"{row['score_gap']:.2f}", penalty=f"{row['penalty']:.3f}")
                bar.update()
        except KeyboardInterrupt:
            if not training.history:
                raise
            training.load_state(finished)
            bar.write(f"Interrupted. Keeping epoch {len(training.history)} of {last}.")
