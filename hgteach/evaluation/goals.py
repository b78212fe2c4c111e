"""What clinicians hope for or prepare for, as yes or no in each row.

HIV: suppression of the virus, recovery of CD4. Sepsis and acute hypotension: a vasopressor, the
drug that holds up blood pressure when fluid no longer does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hgteach.evaluation.measure import NotMeasured
from hgteach.evaluation.patients import EMPTY, Patients

AHEAD = 6  # months: how far ahead the goals of HIV are foreseen


@dataclass(frozen=True)
class Goal:
    """A column on one side of a threshold.

    Attributes:
        name: what it is called.
        column: the column that decides; of levels, their codes are compared.
        threshold: in the column's unit.
        below: whether the goal lies below the threshold, or from it upwards.
        ahead: how many rows ahead it is worth foreseeing.
    """

    name: str
    column: str
    threshold: float
    below: bool = False
    ahead: int = AHEAD

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
SEPSIS_VASOPRESSOR = Goal("a vasopressor", "MaxVaso", 0.01, ahead=1)
"""From 0.01 µg/kg/min, about the lowest dose in use: models leave less where there is none."""
HYPOTENSION_VASOPRESSOR = Goal("a vasopressor", "vasopressors", 1.0, ahead=1)
"""Any class but the first, which is no vasopressor."""


def goals_of(patients: Patients) -> tuple[Goal, ...]:
    """Return the clinical goals that a cohort can be asked for, or else one stand-in for them.

    The stand-in is the second level of the first binary column that changes, or else whether the
    first number lies above its median in these patients (so ask the real ones).

    Raises:
        NotMeasured: there is neither.
    """
    schema = patients.schema
    numbers = (SUPPRESSION, RECOVERY, SEPSIS_VASOPRESSOR)
    clinical = [goal for goal in numbers if goal.column in schema.real]
    if HYPOTENSION_VASOPRESSOR.column in schema.categorical:
        clinical.append(HYPOTENSION_VASOPRESSOR)
    if clinical:
        return tuple(clinical)
    for column in schema.columns:
        if column.kind == "binary" and not column.static:
            return (Goal(f"{column.name} is {column.levels[1]}", column.name, 1.0),)
    for column in schema.columns:
        if column.kind == "real" and not column.static:
            middle = float(np.nanmedian(patients[column.name]))
            name = f"{column.name} above {middle:g}"
            return (Goal(name, column.name, np.nextafter(middle, np.inf)),)
    raise NotMeasured("No column changes over time that could be foreseen or waited for.")


def goal_words(patients: Patients) -> str:
    """Name the goals, with how many rows ahead each is foreseen in a record that is long enough."""
    try:
        return ", ".join(f"{g.name}, foreseen {g.ahead} rows ahead" for g in goals_of(patients))
    except NotMeasured:
        return "none here"
