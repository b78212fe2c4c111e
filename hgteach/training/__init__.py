"""Training: a table goes in, a :class:`Generator` comes out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from hgteach.errors import InputError
from hgteach.models.build import GENERATORS, build
from hgteach.models.v1 import PUBLISHED
from hgteach.schema import Layout, Schema
from hgteach.training import checkpoint, container, distributed
from hgteach.training.diffusion import DiffusionTraining
from hgteach.training.diffusion_presets import DiffusionSettings
from hgteach.training.gan import GanTraining
from hgteach.training.generator import Generator, seeded
from hgteach.training.presets import PRESETS, GanSettings, settings_for
from hgteach.training.ready import Ready

__all__ = ["PRESETS", "DiffusionSettings", "GanSettings", "Generator", "train"]

SHOWN = {"gap": "score_gap", "penalty": "penalty", "loss": "loss"}  # beside the bar, if present


def train(
    model: str,
    table: pd.DataFrame | Ready,
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
        table: labelled rows (``schema.label``). Every patient needs the same times and every
            cell a value, unless the schema says that they may differ (``irregular``, ``missing``).
            Columns that the schema does not name are left out. Or what
            ``hgteach.streaming.streamed`` made of a file that is too large for the memory.
        schema: what the columns are.
        preset: ``classroom`` (about a minute on a laptop) or ``published`` (the series' setting).
        settings: your own settings, instead of a preset. Their ``least_steps`` may ask for more
            epochs than their ``epochs``; give ``epochs`` here to have just so many.
        epochs: how many, instead of the preset's (see ``least_steps`` there).
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
    asked = settings.epochs if epochs is None else epochs
    if asked < 1:
        raise InputError(f"Train for at least one epoch, not {asked}.")
    if resume and out is None:
        raise InputError("To resume, name the folder that holds the checkpoint.")
    if out is not None and not resume:
        checkpoint.refuse_to_replace(Path(out))
    if isinstance(table, str | Path):
        raise InputError("Train takes a table: read the file with hgteach.cohorts.reading first.")
    ready = table if isinstance(table, Ready) else Ready.of(table, schema, layout)
    x, seen = ready.x, ready.preprocessor.schema

    if isinstance(settings, GanSettings):
        settings = _fitted(settings, *x.shape[:2])
    folder = None if out is None else container.make_folder(out)
    about = {"model": model, "schema": schema.to_dict(), "seed": seed}
    about["settings"] = asdict(replace(settings, epochs=0))  # more epochs may follow
    identity = {"data": ready.data, "settings": json.dumps(about, sort_keys=True)}
    device = distributed.join()
    training = _prepare(model, x.to(device), seen, settings, seed)
    if resume:
        checkpoint.restore(folder, training, identity)
    distributed.check_same_epoch(len(training.history))
    last = epochs or _epochs(settings, training)
    writes = folder if distributed.is_first() else None
    shows = progress and distributed.is_first()
    _run(training, last, writes, identity, f"training {model}", shows)

    generator = Generator(
        name=model,
        schema=schema,
        layout=ready.layout,
        preprocessor=ready.preprocessor,
        architecture=settings.architecture,
        network=training.average.cpu(),
        times=ready.times,
        provenance=ready.provenance,
        history=pd.DataFrame(training.history),
        visits=ready.visits,
    )
    if writes is not None:
        generator.save(writes)
    return generator


def _fitted(settings: GanSettings, patients: int, timesteps: int) -> GanSettings:
    """Give v2.5 a place for every timestep (the series' has 100), and a memory its size."""
    sizes = settings.architecture
    longest = max(sizes.longest, timesteps)
    memory_size = sizes.memory_size or min(patients, PUBLISHED.memory_size)
    return replace(
        settings, architecture=replace(sizes, longest=longest, memory_size=memory_size)
    )


def _epochs(
    settings: GanSettings | DiffusionSettings, training: checkpoint.Training
) -> int:
    """Return how many epochs the settings mean for the patients at hand."""
    if isinstance(training, DiffusionTraining):
        return settings.epochs
    steps = sum(map(len, training.loaders.values()))  # of the generator, in an epoch
    return max(settings.epochs, ceil(settings.least_steps / steps))


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
            said = f"Interrupted. Keeping epoch {done} of {last}; resume to go on."
            bar.write(said, file=sys.stderr)
