"""The three cohorts by name: schema, simulated stand-in, and the published file once it is here.

Nothing heavy is imported until a cohort is asked for. ART for HIV is an open download and has its
own fetching (:mod:`hgteach.cohorts.download`). Sepsis and acute hypotension are behind PhysioNet's
data use agreement: only a copy that the user brings is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hgteach.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from hgteach.schema import Schema

AGREEMENT = "PhysioNet's data use agreement (doi 10.13026/p0tv-0r98)"


@dataclass(frozen=True)
class Cohort:
    """A cohort of Health Gym.

    Attributes:
        name: as the command line calls it.
        module: the part of ``hgteach.cohorts`` that holds its schema and loader.
        patients, steps: the size of the published file.
        every: what a step is, in the plural.
        file: the name of the fetched file in the data folder.
        credentialed: it is behind a data use agreement, so it cannot be downloaded for the user.
    """

    name: str
    module: str
    patients: int
    steps: int
    every: str
    file: str
    credentialed: bool = True

    @property
    def schema(self) -> Schema:
        """The schema: ``SEPSIS`` of ``hgteach.cohorts.sepsis``."""
        return getattr(import_module(f"hgteach.cohorts.{self.module}"), self.module.upper())

    def simulate(self, patients: int, seed: int = 0) -> pd.DataFrame:
        """Return the simulated stand-in in the published layout."""
        simulator = import_module(f"hgteach.cohorts.{self.module}_simulator")
        return getattr(simulator, f"simulate_{self.module}")(patients, seed)

    def tidy(self, raw: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Bring a published file into the schema's coding and bounds; say what was changed.

        The authors stored the numbers that the cohort's module lists as ``SHIFTED`` as x + 1, so
        their generator may step below zero, by less than 1: those become zero. The cohort's own
        ``tidy_…`` does the rest, if it has one.
        """
        from pandas.api.types import is_numeric_dtype

        table, said = raw.drop(columns="Unnamed: 0", errors="ignore"), []  # pandas' row numbers
        module = import_module(f"hgteach.cohorts.{self.module}")
        for name in table.columns.intersection(getattr(module, "SHIFTED", ())):
            if is_numeric_dtype(table[name]):
                below = (table[name] < 0) & (table[name] > -1)
                if below.any():
                    table[name] = table[name].mask(below, 0.0)
                    said.append(f"{int(below.sum()):,} values of {name} just below zero set to 0")
        own: Callable = getattr(module, f"tidy_{self.module}", lambda table: (table, []))
        table, more = own(table)
        return table, said + more

    @property
    def fetched(self) -> Path | None:
        """Where the published file lies if it was fetched, else ``None``."""
        from hgteach.cohorts.download import data_folder

        path = data_folder() / self.file
        return path if path.is_file() else None

    def fetch(self, from_file: str | Path | None = None) -> Path:
        """Take the user's copy of a credentialed file and return where it now lies.

        Raises:
            InputError: there is no copy, or it is not the published file.
        """
        from hgteach.cohorts.download import fetch_art_hiv, fetch_copy

        if not self.credentialed:
            return fetch_art_hiv(from_file=from_file)
        if from_file is None:
            raise InputError(
                f"The {self.name} cohort is behind {AGREEMENT}: get the file there, then run "
                f"'hgteach data fetch {self.name} --from-file CSV'."
            )
        return fetch_copy(self, from_file)

    def load(self, patients: int | None = None) -> pd.DataFrame:
        """Return the published table if it was fetched, else the stand-in, with labels.

        Raises:
            InputError: ``patients`` is out of range, or the fetched file has been damaged.
        """
        from hgteach.cohorts.checking import load_checked
        from hgteach.cohorts.download import provenance_of

        if patients is not None and not 1 <= patients <= self.patients:
            raise InputError(f"Ask for 1 to {self.patients:,} patients, not {patients:,}.")
        if (published := self.fetched) is None:
            raw = self.simulate(patients or self.patients)
            table, provenance = self.schema.label(raw), raw.attrs["provenance"]
        else:
            table = load_checked(published, self.schema)
            table = table.iloc[: (patients or self.patients) * self.steps]
            provenance = provenance_of(published)
        table.attrs["provenance"] = provenance
        return table


def step_of(schema: Schema) -> str:
    """Return what a row of a patient is in a cohort of ours (``month``); elsewhere just a row."""
    cohort = COHORTS.get(schema.name)
    return cohort.every.split()[0].removesuffix("s") if cohort else "row"


COHORTS = {
    cohort.name: cohort
    for cohort in (
        Cohort("art-hiv", "art_hiv", 8916, 60, "months",
               "HealthGymV2_CbdrhDatathon_ART4HIV.csv", credentialed=False),
        Cohort("sepsis", "sepsis", 2164, 20, "steps of four hours", "sepsis.csv"),
        Cohort("hypotension", "hypotension", 3910, 48, "hours", "hypotension.csv"),
    )
}  # fmt: skip
