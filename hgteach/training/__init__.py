"""Training: a table goes in, a :class:`Generator` comes out."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from hgteach.errors import InputError
from hgteach.models.build import GENERATORS, build
from hgteach.models.v1 import PUBLISHED
from hgteach.preprocess import Preprocessor
from hgteach.schema import Layout, Schema
from hgteach.sequences import to_sequences
from hgteach.training import checkpoint, container, distributed
from hgteach.training.diffusion import DiffusionTraining
from hgteach.training.diffusion_presets import DiffusionSettings
from hgteach.training.gan import GanTraining
from hgteach.training.generator import Generator, seeded
from hgteach.training.presets import PRESETS, GanSettings, settings_for

__all__ = ["PRESETS", "DiffusionSettings", "GanSettings", "Generator", "train"]

SHOWN = {"gap": "score_gap", "penalty": "penalty", "loss": "loss"}  # beside the bar, if present


def train(
    model: str,
    table: pd.DataFrame,
    schema: Schema,
    *,
    preset: str = "classroom",
    settings: GanSettings | DiffusionSettings | None = None,
    epochs: int | None = None,
    seed: int = 0,
    layout: Layout | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Generator:
    """Train a generator on a labelled table.

    Args:
        model: ``v1``, ``v2``, ``v2.5`` or ``v3``.
        table: labelled rows (``schema.label``), every patient with the same times. Columns that
            the schema does not name are left out.
        schema: what the columns are.
        preset: ``classroom`` (about a minute on a laptop) or ``published`` (the series' setting).
        settings: your own settings, instead of a preset.
        epochs: how many, instead of the preset's.
        seed: fixes weights, noise and order; the same seed gives the same generator on the same
            machine.
        layout: how the file wrote the table, kept for those who write synthetic files.
        out: a folder for the trained generator; a checkpoint is written there after each epoch.
            A folder that already holds one is refused, unless you resume.
        resume: go on from the checkpoint in ``out``, as if the training had never stopped.
        progress: show a bar.

    Returns:
        The generator. If you interrupt the training, it is the one of the last finished epoch.

    Raises:
        InputError: the table does not fit the schema, a loss is no longer a number, or the
            checkpoint does not belong to this training.
    """
    settings = settings or settings_for(model, preset)
    if isinstance(settings, DiffusionSettings) != (model == "v3"):
        raise InputError(f"{type(settings).__name__} are not settings for {model}.")
    last = settings.epochs if epochs is None else epochs
    if last < 1:
        raise InputError(f"Train for at least one epoch, not {last}.")
    if resume and out is None:
        raise InputError("To resume, name the folder that holds the checkpoint.")
    if out is not None and not resume:
        checkpoint.refuse_to_replace(Path(out))
    table = _known_columns(table, schema)
    table = table.sort_values([schema.patient, schema.time], kind="stable", ignore_index=True)
    preprocessor = Preprocessor(schema)
    matrix = preprocessor.fit(table).transform(table)  # (P * T, F)
    x = torch.from_numpy(to_sequences(matrix, table, schema))  # (P, T, F)

    if isinstance(settings, GanSettings):
        settings = _fitted(settings, *x.shape[:2])
    folder = None if out is None else container.make_folder(out)
    about = {"model": model, "schema": schema.to_dict(), "seed": seed}
    about["settings"] = asdict(replace(settings, epochs=0))  # more epochs may follow
    identity = checkpoint.fingerprint(table, about)
    device = distributed.join()
    training = _prepare(model, x.to(device), schema, settings, seed)
    if resume:
        checkpoint.restore(folder, training, identity)
    distributed.check_same_epoch(len(training.history))
    writes = folder if distributed.is_first() else None
    shows = progress and distributed.is_first()
    _run(training, last, writes, identity, f"training {model}", shows)

    generator = Generator(
        name=model,
        schema=schema,
        layout=layout or Layout(tuple(table.columns), ()),
        preprocessor=preprocessor,
        architecture=settings.architecture,
        network=training.average.cpu(),
        times=table[schema.time].iloc[: x.shape[1]].tolist(),
        provenance=table.attrs.get("provenance", "a table of unknown origin"),
        history=pd.DataFrame(training.history),
    )
    if writes is not None:
        generator.save(writes)
    return generator


def _known_columns(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the columns that ``schema`` names; check that it is clear who and when."""
    known = {schema.patient, schema.time, *schema.names}
    missing = sorted(known - set(table.columns))
    if missing:
        raise InputError(f"The table has no column {missing[0]!r}, which the schema names.")
    for name in (schema.patient, schema.time):
        if table[name].isna().any():
            row = int(table[name].isna().to_numpy().argmax())
            raise InputError(f"Column {name!r} is empty in row {row}. Fill it in or drop the row.")
    if len(table) == 1:
        raise InputError("One row is too little to learn from. Give two patients, or two times.")
    return table[[column for column in table.columns if column in known]]


def _fitted(settings: GanSettings, patients: int, timesteps: int) -> GanSettings:
    """Give v2.5 a place for every timestep (the series' has 100), and a memory its size."""
    sizes = settings.architecture
    longest = max(sizes.longest, timesteps)
    memory_size = sizes.memory_size or min(patients, PUBLISHED.memory_size)
    return replace(
        settings, architecture=replace(sizes, longest=longest, memory_size=memory_size)
    )


def _prepare(
    model: str, x: Tensor, schema: Schema, settings: GanSettings | DiffusionSettings, seed: int
) -> checkpoint.Training:
    """Draw the first weights. PyTorch draws them from its global source, which is put back."""
    random = seeded(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(settings, DiffusionSettings):
            network = GENERATORS[model](schema, settings.architecture)
            return DiffusionTraining(network, x, settings, random)
        networks = build(model, schema, settings.architecture)
    return GanTraining(networks, x, settings, random)


def _run(
    training: checkpoint.Training,
    last: int,
    folder: Path | None,
    identity: dict[str, str],
    title: str,
    progress: bool,
) -> None:
    """Train with a bar. An interrupt goes back to the end of the last finished epoch."""
    done = len(training.history)
    finished = training.state()
    hidden = {} if progress else {"disable": True}  # left out, TQDM_DISABLE may still decide
    with tqdm(total=last, initial=done, desc=title, unit="epoch", **hidden) as bar:
        try:
            for row in training.epochs(last):
                finished, done = training.state(), row["epoch"]
                if folder is not None:
                    checkpoint.save(folder, training, identity)
                bar.set_postfix({k: f"{row[v]:.3f}" for k, v in SHOWN.items() if v in row})
                bar.update()
        except KeyboardInterrupt:
            if not done:
                raise
            training.load_state(finished)
            del training.history[done:]
            if folder is not None:
                checkpoint.save(folder, training, identity)  # its last writing may have stopped
            bar.write(f"Interrupted. Keeping epoch {done} of {last}.", file=sys.stderr)
