"""What clinicians hope for, as yes or no each month: suppression of the virus, recovery of CD4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hgteach.evaluation.measure import NotMeasured
from hgteach.evaluation.patients import EMPTY, Patients


@dataclass(frozen=True)
class Goal:
    """A column on the good side of a threshold.

    Attributes:
        name: what it is called.
        column: the column that decides; of levels, their codes are compared.
        threshold: in the column's unit.
        below: whether the goal lies below the threshold, or from it upwards.
    """

    name: str
    column: str
    threshold: float
    below: bool = False

    def reached(self, patients: Patients) -> np.ndarray:
        """Return 1 where the goal is reached, 0 where not, NaN where nobody knows, ``(P, T)``."""
        values = patients[self.column].astype(float)
        if patients.schema[self.column].kind != "real":
            values[values == EMPTY] = np.nan
        reached = values < self.threshold if self.below else values >= self.threshold
        return np.where(np.isnan(values), np.nan, reached)


SUPPRESSION = Goal("viral suppression", "VL", 1000.0, below=True)
"""Below 1,000 copies/mL, the World Health Organization's threshold."""
RECOVERY = Goal("CD4 recovery", "CD4", 500.0)
"""From 500 cells/µL, about the lower end of what is normal without HIV."""


def goals_of(patients: Patients) -> tuple[Goal, ...]:
    """Return the clinical goals that a cohort can be asked for, or else one stand-in for them.

    The stand-in is the second level of the first binary column that changes, or else whether the
    first number lies above its median in these patients (so ask the real ones).

    Raises:
        NotMeasured: there is neither.
    """
    schema = patients.schema
    clinical = tuple(goal for goal in (SUPPRESSION, RECOVERY) if goal.column in schema.real)
    if clinical:
        return clinical
    for column in schema.columns:
        if column.kind == "binary" and not column.static:
            return (Goal(f"{column.name} is {column.levels[1]}", column.name, 1.0),)
    for column in schema.columns:
        if column.kind == "real" and not column.static:
            middle = float(np.nanmedian(patients[column.name]))
            name = f"{column.name} above {middle:g}"
            return (Goal(name, column.name, np.nextafter(middle, np.inf)),)
    raise NotMeasured("No column changes over time that could be foreseen or waited for.")
