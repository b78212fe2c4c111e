"""A trained generator: draws synthetic patients, and lives in one safe file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from hgteach.errors import InputError
from hgteach.models.build import GENERATORS, architecture_of
from hgteach.models.v1 import Architecture
from hgteach.models.v3 import DiffusionArchitecture
from hgteach.preprocess import Preprocessor
from hgteach.schema import Layout, Schema
from hgteach.sequences import from_sequences
from hgteach.training import container

FILE_NAME = "generator.safetensors"
KIND = "generator, version 1"
PATIENTS_AT_ONCE = 500  # bounds the memory of a large draw


@dataclass
class Generator:
    """What training gives back.

    Attributes:
        name: the model, e.g. ``v1``.
        schema: the columns it makes.
        layout: how the file that it was trained on wrote them.
        preprocessor: turns channels back into numbers and labels.
        architecture: the sizes of the networks.
        network: the trained weights.
        times: the values of the time column, one a row of each patient.
        provenance: a sentence on the training data.
        history: one row an epoch of training.
    """

    name: str
    schema: Schema
    layout: Layout
    preprocessor: Preprocessor
    architecture: Architecture | DiffusionArchitecture
    network: nn.Module
    times: list[Any]
    provenance: str
    history: pd.DataFrame

    def generate(self, n_patients: int, seed: int = 0) -> pd.DataFrame:
        """Draw synthetic patients.

        Args:
            n_patients: how many, 1 or more.
            seed: the same seed gives the same patients on the same machine.

        Returns:
            ``n_patients * len(times)`` labelled rows, sorted by patient and time; patients are
            numbered from 0. Numbers are in the units of the training table.

        Raises:
            InputError: ``n_patients`` is below 1, or the seed is negative.
        """
        if n_patients < 1:
            raise InputError(f"Ask for at least one patient, not {n_patients}.")
        random = seeded(seed)
        draws = []
        self.network.eval()
        with torch.inference_mode():
            for first in range(0, n_patients, PATIENTS_AT_ONCE):
                size = min(PATIENTS_AT_ONCE, n_patients - first)
                draws.append(self.network.sample(size, len(self.times), random).numpy())
        matrix = from_sequences(np.concatenate(draws))  # (n_patients * T, F)
        table = self.preprocessor.inverse_transform(matrix)
        table[self.schema.patient] = np.repeat(np.arange(n_patients), len(self.times))
        table[self.schema.time] = np.tile(np.asarray(self.times), n_patients)
        table = table[list(self.layout.order)]
        table.attrs["provenance"] = (
            f"Synthetic patients from hgteach {self.name}, trained on: {self.provenance}"
        )
        return table

    def save(self, folder: str | Path) -> Path:
        """Write the generator into ``folder`` and return the file's path."""
        about = {
            "model": self.name,
            "schema": self.schema.to_dict(),
            "layout": asdict(self.layout),
            "preprocessor": self.preprocessor.to_dict(),
            "architecture": asdict(self.architecture),
            "times": self.times,
            "provenance": self.provenance,
            "history": self.history.to_dict(orient="list"),
        }
        path = container.make_folder(folder) / FILE_NAME
        container.write(path, KIND, about, self.network.state_dict())
        return path

    @classmethod
    def load(cls, folder: str | Path) -> Generator:
        """Read a generator that :meth:`save` wrote.

        Raises:
            InputError: there is none, it is damaged, or it was written by something else.
        """
        path = Path(folder) / FILE_NAME
        about, tensors = container.read(path, KIND)
        try:
            schema = Schema.from_dict(about["schema"])
            architecture = architecture_of(about["model"])(**about["architecture"])
            network = GENERATORS[about["model"]](schema, architecture)
            network.load_state_dict(tensors)
            layout = Layout(**{k: tuple(v) for k, v in about["layout"].items()})
            return cls(
                name=about["model"],
                schema=schema,
                layout=layout,
                preprocessor=Preprocessor.from_dict(about["preprocessor"]),
                architecture=architecture,
                network=network,
                times=about["times"],
                provenance=about["provenance"],
                history=pd.DataFrame(about["history"]),
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{path} does not fit together ({str(error).splitlines()[0]}). Train it again."
            ) from None


def seeded(seed: int) -> torch.Generator:
    """Return a source of random numbers of its own, so that no other code can disturb it."""
    if seed < 0:
        raise InputError(f"A seed is a whole number from 0 up, not {seed}.")
    return torch.Generator().manual_seed(seed)
