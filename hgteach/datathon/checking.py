"""Is a file what the rules ask for? The same checks serve the teams and the scorer."""

from __future__ import annotations

import csv
import io
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd

from hgteach.cohorts.art_hiv import ART_HIV, MONTHS
from hgteach.cohorts.checking import check as check_table
from hgteach.cohorts.reading import read_table
from hgteach.datathon import rules as r
from hgteach.datathon.privacy import copied, refuse
from hgteach.datathon.rules import COHORT_SCHEMA as SCHEMA
from hgteach.errors import InputError
from hgteach.evaluation.distances import courses
from hgteach.evaluation.patients import Patients

PATIENT = ART_HIV.patient
NAMELESS = " A column without a name: row numbers? Write the table with index=False."
REPEATED = 0.01  # share of a cohort's patients that may be the same as another one


def check(submission: str | Path, data: str | Path = ".") -> str:
    """Check one file before it is handed in, and say what it is in a sentence.

    Args:
        submission: a prediction (it has the column ``suppressed``) or a synthetic cohort.
        data: the participants' folder.

    Raises:
        InputError: what is wrong, one sentence each.
    """
    path, data = Path(submission), Path(data)
    rules = r.Rules.load(data)
    test = read_table(data / r.TEST)[PATIENT].unique()
    content = take(path, limit(rules, r.COHORT))
    if r.ANSWER in headings(content, path.name):
        answers = read_prediction(path, test)
        return f"{path.name} is a sound prediction for {len(answers):,} patients."
    training = read_table(data / r.TRAINING)
    cohort = read_cohort(path, rules, np.union1d(training[PATIENT], test))
    refuse(copied(Patients.of(SCHEMA.label(training), SCHEMA), cohort))
    return (
        f"{path.name} is a sound cohort of {len(cohort):,} patients, and no plain copy. The rest "
        "of the privacy floor needs people whom only the organisers have."
    )


def limit(rules: r.Rules, task: str) -> int:
    """Return how many bytes a file of a task may have."""
    rows = rules.test if task == r.PREDICTION else rules.cohort * MONTHS
    return r.BYTES_A_ROW * rows + 10_000


def take(path: Path, largest: int) -> bytes:
    """Read a plain file and nothing else: no link, no pipe, nothing huge.

    Raises:
        InputError: it is not such a file.
    """
    if path.is_symlink():
        raise InputError(f"{path.name} is a link to another file. Hand in the file itself.")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except OSError as error:
        raise InputError(f"{path.name} cannot be opened ({error.strerror}).") from None
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise InputError(f"{path.name} is not an ordinary file.")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise InputError(
            f"{path.name} is larger than {largest / 1e6:.1f} MB, far more than this table needs. "
            "Round the numbers, and leave out what was not asked for."
        )
    return content


def headings(content: bytes, name: str) -> list[str]:
    """Return the headings of a CSV file, before anything is spent on the rest of it."""
    line = content[:10_000].removeprefix(b"\xef\xbb\xbf").split(b"\n")[0]
    try:
        return next(csv.reader(io.StringIO(line.decode("utf-8").strip())), [])
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{name} is not a CSV file: its first line is not text.") from None


def read_prediction(path: Path, patients: np.ndarray) -> pd.Series:
    """Return the probabilities of suppression, indexed by patient, in the order of ``patients``.

    Raises:
        InputError: every fault, one sentence each.
    """
    wanted = [PATIENT, r.ANSWER]
    found = headings(take(path, 10**9), path.name)
    if sorted(found) != sorted(wanted):
        raise InputError(
            f"{path.name}: expected the columns {PATIENT} and {r.ANSWER}, got {_some(found)}."
            + (NAMELESS if "" in found else "")
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if row][1:]
    except (ValueError, OSError, csv.Error):
        raise InputError(f"{path.name} cannot be read as CSV in UTF-8. Save it again.") from None
    odd = sum(len(row) != 2 for row in rows)
    if odd or not rows:
        raise InputError(f"{path.name}: {odd:,} of its {len(rows):,} rows do not have two values.")
    table = pd.DataFrame(rows, columns=[name.strip() for name in found])
    who = pd.to_numeric(table[PATIENT], errors="coerce")
    value = pd.to_numeric(table[r.ANSWER], errors="coerce").to_numpy(float)
    twice, unknown = who[who.duplicated() & who.notna()], ~who.isin(patients)
    absent = np.setdiff1d(patients, who.dropna())
    outside = np.isfinite(value) & ((value < 0) | (value > 1))
    faults = {
        f"{len(absent):,} test patients are missing, for instance {absent[:1]}.": len(absent),
        f"{len(twice):,} rows repeat a patient, for instance {twice.head(1).tolist()}. "
        "Hand in one row for each.": len(twice),
        f"{unknown.sum():,} rows name nobody of {r.TEST}.": unknown.any(),
        f"{(~np.isfinite(value)).sum():,} values of {r.ANSWER} are empty or no number. "
        "Write a probability, such as 0.8.": not np.isfinite(value).all(),
        f"{outside.sum():,} values of {r.ANSWER} lie outside 0 to 1. They are probabilities.":
            outside.any(),
    }  # fmt: skip
    refuse([f"{path.name}: {sentence}" for sentence, true in faults.items() if true])
    return pd.Series(value, index=who.astype("int64")).loc[patients]


def read_cohort(path: Path, rules: r.Rules, given: np.ndarray) -> Patients:
    """Return a synthetic cohort.

    Args:
        path: the file.
        rules: the datathon's.
        given: the identifiers of all patients that were given out.

    Raises:
        InputError: every fault, one sentence each.
    """
    wanted = [PATIENT, SCHEMA.time, *SCHEMA.names]
    found = headings(take(path, 10**9), path.name)
    if sorted(found) != sorted(wanted):
        extra, absent = (_some([n for n in a if n not in b])
                         for a, b in ((found, wanted), (wanted, found)))  # fmt: skip
        raise InputError(
            f"{path.name}: a cohort has the {len(wanted)} columns {', '.join(wanted)}. "
            f"Missing: {absent}. Too many: {extra}."
            + (NAMELESS if "" in found else "")
        )
    raw = read_table(path)
    who = pd.to_numeric(raw[PATIENT], errors="coerce")
    leaked = np.intersect1d(who.dropna(), given)
    if len(leaked):
        raise InputError(
            f"{path.name}: {len(leaked):,} of its patients bear identifiers of patients who were "
            f"given out. That points at people: number yours 0 to {rules.cohort - 1}."
        )
    if set(who) != set(range(rules.cohort)):
        raise InputError(
            f"{path.name}: expected {rules.cohort:,} patients numbered 0 to {rules.cohort - 1}, "
            f"got {raw[PATIENT].nunique():,}, from {_short(who.min())} to {_short(who.max())}."
        )
    empty = int(raw.isna().sum().sum())
    if empty:
        raise InputError(f"{path.name}: {empty:,} cells are empty. Fill every cell.")
    table = check_table(raw, SCHEMA, source=path.name)
    months = table.groupby(PATIENT)[SCHEMA.time].agg(["size", "nunique", "min", "max"])
    if not (months == [MONTHS, MONTHS, 0, MONTHS - 1]).all(axis=None):
        raise InputError(
            f"{path.name}: each patient needs the months 0 to {MONTHS - 1}, each of them once."
        )
    cohort = Patients.of(table, SCHEMA)
    again = 1 - len(np.unique(courses(cohort, like=cohort)[0], axis=0)) / len(cohort)
    if again > REPEATED:
        raise InputError(
            f"{path.name}: {again:.0%} of the patients repeat another one, month by month. "
            "A cohort is made of different people."
        )
    return cohort


def _some(names: list[str]) -> str:
    """Return names that fit in a sentence."""
    shown = ", ".join(repr(name[:30]) for name in names[:5])
    return (shown or "none") + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else "no reason given"


def _short(value: float) -> str:
    return f"{value:g}" if np.isfinite(value) else "something that is no number"
