"""Walk through a cohort, patient by patient."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pandas as pd

from hgteach import figures
from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.errors import InputError
from hgteach.figures.patients import is_lane
from hgteach.schema import Schema
from hgteach.widgets.explorer import Drawn, Explorer


def groups(table: pd.DataFrame, schema: Schema = ART_HIV) -> dict[str, np.ndarray]:
    """Return the identifiers of patients worth a look, under a name for each group.

    A group that the table's columns cannot tell, or that nobody belongs to, is left out.
    """
    who = table[schema.patient]
    found = {"All patients": np.unique(who)}
    lanes = [c.name for c in schema.columns if is_lane(c) and c.name in table]
    if lanes:
        codes = pd.DataFrame({name: table[name].cat.codes for name in lanes}).groupby(who)
        changed = (codes.max() != codes.min()).any(axis=1)
        found["Regimen changed at least once"] = changed.index[changed].to_numpy()
    if "VL" in table:
        last = table.sort_values(schema.time, kind="stable").groupby(who)["VL"].last()
        found["Viral load above 1,000 at the end"] = last.index[last > 1000].to_numpy()
    return {name: ids for name, ids in found.items() if len(ids)}


def step(chosen: np.ndarray, current: int, by: int) -> int:
    """Return the neighbour of ``current`` in the sorted ``chosen``: ``by`` is +1 or -1.

    ``current`` need not be among them, and the two ends are walls.
    """
    place = (
        np.searchsorted(chosen, current, side="right")
        if by > 0
        else (np.searchsorted(chosen, current) - 1)
    )
    return int(chosen[np.clip(place, 0, len(chosen) - 1)])


class PatientBrowser(Explorer):
    """An explorer of one patient at a time, with buttons to step through a group."""

    def __init__(self, table: pd.DataFrame, schema: Schema) -> None:
        """Lay out the controls and show the first patient."""
        self._groups = groups(table, schema)
        everybody = self._groups["All patients"]
        wide = {"description_width": "initial"}
        self.number = ipywidgets.BoundedIntText(
            value=int(everybody[0]),
            min=int(everybody[0]),
            max=int(everybody[-1]),
            description="Patient number",
            style=wide,
            layout={"width": "210px"},
        )
        self.group = ipywidgets.Dropdown(
            options=[(f"{name} ({len(ids):,})", name) for name, ids in self._groups.items()],
            description="Step through",
            style=wide,
            layout={"width": "370px"},
        )
        self.previous = ipywidgets.Button(description="Previous", tooltip="Previous patient")
        self.next = ipywidgets.Button(description="Next", tooltip="Next patient")
        self.previous.on_click(lambda _: self._step(-1))
        self.next.on_click(lambda _: self._step(+1))
        self.group.observe(lambda _: self._enter_group(), names="value")

        def draw(patient: int) -> Drawn:
            rows = figures.one_patient(table, patient, schema)
            words = figures.describe_patient(rows, patient, schema)
            figure = figures.patient(rows, patient, schema)
            for axis in figure.axes[:-1]:  # the lowest says the months; each axis costs time
                axis.xaxis.set_visible(False)
            return figure, words

        super().__init__(draw, patient=self.number)
        self.children[0].children = [self.number, self.previous, self.next, self.group]

    def _step(self, by: int) -> None:
        """Move to the neighbour within the chosen group."""
        self.number.value = step(self._groups[self.group.value], self.number.value, by)

    def _enter_group(self) -> None:
        """Show the first patient of a newly chosen group."""
        self.number.value = int(self._groups[self.group.value][0])


def patient_browser(table: pd.DataFrame, schema: Schema = ART_HIV) -> PatientBrowser:
    """Return the controls and the picture that let a learner walk through a cohort.

    Args:
        table: labelled rows with whole-number patient identifiers.
        schema: the table's schema.

    Raises:
        InputError: the table is empty, or its patients are not numbered.
    """
    if table.empty or not pd.api.types.is_integer_dtype(table[schema.patient]):
        raise InputError(
            f"The patient browser needs rows, and whole numbers in '{schema.patient}'."
        )
    return PatientBrowser(table, schema)
