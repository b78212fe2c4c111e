"""A trained generator: draws synthetic patients, and lives in one safe file."""

from __future__ import annotations

from collections.abc import Iterator
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
from hgteach.visits import Visits

FILE_NAME = "generator.safetensors"
KIND = "generator, version 1"
PATIENTS_AT_ONCE = 500  # bounds the memory of a large draw
PATIENTS_A_PART = 10 * PATIENTS_AT_ONCE  # of a table that is made piece by piece


@dataclass(repr=False)
class Generator:
    """What training gives back.

    Attributes:
        name: the model, e.g. ``v1``.
        schema: the columns it makes.
        layout: how the file that it was trained on wrote them.
        visits: puts what the network makes together again, if the table was irregular.
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
    visits: Visits | None = None

    def __repr__(self) -> str:
        """Say in a line what it is: a cell that ends in one should not print the whole network."""
        epochs, columns = len(self.history), len(self.schema.columns)
        return f"<Generator {self.name}: {columns} columns, {epochs} epochs on {self.provenance}>"

    def generate(self, n_patients: int, seed: int = 0) -> pd.DataFrame:
        """Draw synthetic patients.

        Args:
            n_patients: how many, 1 or more.
            seed: the same seed gives the same patients on the same machine.

        Returns:
            labelled rows, sorted by patient and time: as many a patient as there are times, or
            as the patient's own length says, if the real ones have different lengths. Patients
            are numbered from 0, whatever the real ones are called, so that nobody takes a
            synthetic patient for a real one. Numbers are in the units of the training table.

        Raises:
            InputError: ``n_patients`` is below 1, or the seed is negative.
        """
        (table,) = self.generate_in_parts(n_patients, seed, max(1, n_patients))
        return table

    def generate_in_parts(
        self, n_patients: int, seed: int = 0, patients: int = PATIENTS_A_PART
    ) -> Iterator[pd.DataFrame]:
        """Draw the same patients, but yield a table of every so many ``patients``.

        So a number of patients that would not fit into memory can be written piece by piece. Give
        a multiple of ``PATIENTS_AT_ONCE``, or the patients are others.
        """
        if n_patients < 1:
            raise InputError(f"Ask for at least one patient, not {n_patients}.")
        random = seeded(seed)
        for first in range(0, n_patients, patients):
            yield self._draw(first, min(patients, n_patients - first), random)

    def _draw(self, first: int, n_patients: int, random: torch.Generator) -> pd.DataFrame:
        """Draw patients and number them from ``first``."""
        draws = []
        self.network.eval()
        with torch.inference_mode():
            for start in range(0, n_patients, PATIENTS_AT_ONCE):
                size = min(PATIENTS_AT_ONCE, n_patients - start)
                draws.append(self.network.sample(size, len(self.times), random).numpy())
        matrix = from_sequences(np.concatenate(draws))  # (n_patients * T, F)
        table = self.preprocessor.inverse_transform(matrix)
        table[self.schema.patient] = np.repeat(
            np.arange(first, first + n_patients), len(self.times)
        )
        table[self.schema.time] = np.tile(np.asarray(self.times), n_patients)
        if self.visits is not None:
            table = self.visits.restore(table)
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
        if self.visits is not None:
            about["visits"] = self.visits.to_dict()
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
        if not path.is_file() and (path.parent / "checkpoint.safetensors").is_file():
            raise InputError(f"The training in {folder} was cut off. Train with --resume first.")
        about, tensors = container.read(path, KIND)
        try:
            schema = Schema.from_dict(about["schema"])
            architecture = architecture_of(about["model"])(**about["architecture"])
            preprocessor = Preprocessor.from_dict(about["preprocessor"])
            network = GENERATORS[about["model"]](preprocessor.schema, architecture)
            network.load_state_dict(tensors)
            layout = about["layout"].items()
            layout = Layout(**{k: tuple(v) if isinstance(v, list) else v for k, v in layout})
            columns = {schema.patient, schema.time, *schema.names}
            if not about["times"] or {*layout.order} != columns:
                raise ValueError("its rows or columns are not those of its schema")
            return cls(
                name=about["model"],
                schema=schema,
                layout=layout,
                preprocessor=preprocessor,
                architecture=architecture,
                network=network,
                times=about["times"],
                provenance=about["provenance"],
                history=pd.DataFrame(about["history"]),
                visits=Visits.from_dict(about["visits"]) if "visits" in about else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{path} does not fit together ({str(error).splitlines()[0]}). Train it again."
            ) from None


def seeded(seed: int) -> torch.Generator:
    """Return a source of random numbers of its own, so that no other code can disturb it."""
    if not 0 <= seed < 2**64:
        raise InputError(f"A seed is a whole number from 0 up, below 2^64, not {seed}.")
    return torch.Generator().manual_seed(seed)
