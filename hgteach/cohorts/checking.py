"""The checks that a table must pass before anything learns from it.

All findings are gathered and told together, each as one sentence that names column, line and
value. They are plain vectorised numpy: pandera would take half of the time that the command line
has to answer just to be imported, and its report would still have to be rewritten as sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from hgteach.cohorts.reading import read_table
from hgteach.dates import parse
from hgteach.errors import InputError
from hgteach.inference import side_by_side
from hgteach.schema import Column, Schema, level_text, without_codes

EXAMPLES = 3  # of each finding
FINDINGS = 12  # of each table
LARGEST = 2**53  # the largest time that a float holds exactly
WRITE_TIMES = " Number the visits, for instance 0, 1, 2."
ONE_VISIT = "Each patient has one visit only. A longitudinal table needs two or more."
WIDE = (
    "The table seems to have one row a patient and a column a visit ({columns}). Give every "
    "patient and visit a row of its own, for instance with pandas.wide_to_long."
)
LONG = (
    "The table seems to have one row a measurement, named by {name!r}. Give each of them a column "
    "of its own, for instance with pandas.pivot_table."
)
FILL_IN = "Fill it in, or leave the row out."
MAY_BE_EMPTY = "If it may be, write missing = true for it in the schema."


def load_checked(path: str | Path, schema: Schema) -> pd.DataFrame:
    """Read a file, check it, and return it with labels, sorted by patient and time.

    Raises:
        InputError: the file cannot be read, or does not hold what the schema promises.
    """
    return check(read_table(path), schema, source=str(path))


def check(raw: pd.DataFrame, schema: Schema, *, source: str = "The table") -> pd.DataFrame:
    """Check a table as its file wrote it; return it with labels, sorted by patient and time.

    Codes may be written as whole numbers (``1``) or floats (``1.0``), or be labels already. Rows
    may come in any order, but every patient needs the same evenly spaced times and every cell a
    value, unless the schema says otherwise (``irregular``, ``missing``).

    Args:
        raw: one row a patient and time. An index named ``line`` (as :func:`read_table` gives it)
            is quoted in the messages as the line of the file.
        schema: what the columns should hold.
        source: the name of the table, for the message.

    Raises:
        InputError: with every finding, numbered, if there is any.
    """
    blank = {c.name: without_codes(raw[c.name], c.empty)
             for c in schema.columns if c.empty and c.name in raw}
    raw = raw.assign(**blank) if blank else raw
    findings = [*_headings(raw, schema), *_visits(raw, schema)]
    for column in schema.columns:
        if column.name in raw:
            found = _values(raw[column.name], column)
            if column.static and not found and schema.patient in raw:
                found = _constancy(raw[column.name], raw[schema.patient])
            findings += found
    refuse(findings, source)
    table = raw[[name for name in raw if name not in schema.left_out]].copy(deep=False)
    table[schema.time] = _moments(raw[schema.time], schema.time_date)
    table[schema.patient] = _plain_identifiers(raw[schema.patient])
    table = table.sort_values([schema.patient, schema.time], ignore_index=True, kind="stable")
    for column in schema.columns:
        if column.kind == "real" and not (
            column.date or pd.api.types.is_numeric_dtype(table[column.name])
        ):
            table[column.name] = _as_numbers(table[column.name])
    return schema.label(table)


def infer_schema(raw: pd.DataFrame, *, patient: str, time: str, source: str) -> Schema:
    """Infer a schema, after the checks without which nothing could be inferred.

    Raises:
        InputError: a named column is missing, a patient has a time twice, or a column cannot be
            modelled as it is.
    """
    absent = [name for name in (patient, time) if name not in raw]
    findings, schema = [_absent(name, list(raw.columns)) for name in absent], None
    if patient in raw and raw[patient].is_unique and (found := side_by_side(raw.columns)):
        refuse([WIDE.format(columns=", ".join(found[:EXAMPLES]))], source)
    try:
        if not absent:
            schema = Schema.infer(raw, patient=patient, time=time)
            findings += _visits(raw, schema)
    except InputError as error:
        findings += str(error).splitlines()
    refuse(findings, source)
    return schema


def refuse(findings: Iterable[str], source: str) -> None:
    """Raise an :class:`InputError` with all findings, unless there are none."""
    findings = list(findings)
    if len(findings) == 1:
        raise InputError(f"{source}: {findings[0]}")
    if findings:
        shown = [f"  {i}. {finding}" for i, finding in enumerate(findings[:FINDINGS], 1)]
        if len(findings) > FINDINGS:
            shown.append(f"  … and {len(findings) - FINDINGS} more.")
        raise InputError("\n".join([f"{source} has {len(findings)} problems:", *shown]))


def _headings(raw: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Find columns that are missing, renamed, or unknown to the schema."""
    expected = [*schema.names, schema.patient, schema.time]
    known = {*expected, *schema.left_out}
    extra = [str(name) for name in raw.columns if name not in known]
    for name in expected:
        if name not in raw:
            yield _absent(name, extra)
            extra = [other for other in extra if other not in _near(name, extra)]
    if extra:
        names = ", ".join(repr(name) for name in extra[:EXAMPLES])
        more = f" and {len(extra) - EXAMPLES} more" if len(extra) > EXAMPLES else ""
        yield (
            f"The schema '{schema.name}' has no column {names}{more}. Leave it out of the file, or "
            "list it as left_out in the schema."
        )


def _absent(name: str, others: list[str]) -> str:
    """Say that a column is missing, and which other one may be meant."""
    near = _near(name, others)
    if near:
        return f"Column {name!r} is missing, but there is {near[0]!r}. Rename it if it is the same."
    return f"Column {name!r} is missing."


def _near(name: str, others: list[str]) -> list[str]:
    """Return the heading that differs least from ``name``, if any comes near."""
    plain = {str(other).lower().strip(): str(other) for other in others}
    return [plain[match] for match in get_close_matches(name.lower(), plain, n=1, cutoff=0.6)]


def _visits(raw: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Find rows without a patient or time, and repeated visits.

    Unless the schema allows for irregular visits: gaps, and patients cut short.
    """
    broken, patient, time = False, schema.patient, schema.time
    for name in (patient, time):
        if name in raw:
            for finding in _rows(raw[name], raw[name].isna(), "is empty", FILL_IN):
                broken = True
                yield finding
    if time in raw:
        limits = {} if schema.time_date else {"lower": -LARGEST, "upper": LARGEST}
        kind = Column(time, "real", integer=not schema.irregular, date=schema.time_date,
                      missing=True, **limits)
        for finding in _numbers(raw[time], kind):
            broken = True
            yield finding + ("" if schema.time_date else WRITE_TIMES)
    if broken or patient not in raw or time not in raw:
        return
    who, patients = pd.factorize(raw[patient])
    step, times = pd.factorize(_moments(raw[time], schema.time_date), sort=True)
    cell = who * len(times) + step
    repeated = pd.Series(cell).duplicated().to_numpy()
    if repeated.any():
        again = np.flatnonzero(repeated)
        places = []
        for row in again[:EXAMPLES]:
            first = int(np.flatnonzero(cell == cell[row])[0])
            places.append(
                f"patient {patients[who[row]]} has {time!r} {times[step[row]]} on "
                f"{_where(raw, first)} and again on {_where(raw, row)}"
            )
        advice = " Keep one, or number each patient's rows and give that number as the time."
        for name in schema.categorical:  # a row a measurement, not a visit
            left = raw.duplicated([patient, time, name]).sum()
            if len(again) > max(len(raw) / 4, 10 * left):
                advice = " " + LONG.format(name=name)
        yield _listed("A visit occurs twice", places, len(again)) + advice * schema.irregular
    if schema.irregular:
        if len(who) == len(patients) > 1:
            yield ONE_VISIT
        return
    # A time that at least half of the patients have is one that the others lack.
    usual = 2 * np.bincount(step[~repeated], minlength=len(times)) >= len(patients)
    odd = ~usual[step]
    kept = np.bincount(who[~repeated & ~odd], minlength=len(patients))
    lacking = np.flatnonzero(kept < usual.sum())
    irregular = np.union1d(lacking, who[odd])
    if len(irregular) > len(patients) / 3:
        rows = np.bincount(who)
        yield (
            f"The patients do not share their visits: they have {rows.min()} to {rows.max()} rows "
            f"each, patient {patients[rows.argmin()]} the fewest. If that is as it should be, "
            "write irregular = true in the schema."
        )
        return
    if len(lacking):
        places = []
        for one in lacking[:EXAMPLES]:
            own = who == one
            absent = np.setdiff1d(times[usual], times[step[own]])
            until = f" to {absent[-1]} ({len(absent)} rows)" if len(absent) > 1 else ""
            places.append(
                f"patient {patients[one]} has no {time!r} {absent[0]}{until}; "
                f"the patient's last row is on {_where(raw, np.flatnonzero(own)[-1])}"
            )
        yield _listed("A visit that other patients have is missing", places, len(lacking))
    what = "holds a time that most patients do not have"
    yield from _rows(raw[time], odd, what)
    grid = times[usual]
    if len(grid) < 2:
        yield ONE_VISIT
    elif len(set(np.diff(grid))) > 1:
        yield (
            f"The visits are not evenly spaced: {time!r} takes the values "
            f"{', '.join(map(str, grid[:8]))}{', …' if len(grid) > 8 else ''}. Number them evenly."
        )


def _values(values: pd.Series, column: Column) -> list[str]:
    """Find what a column must not hold."""
    if column.kind == "real":
        return _numbers(values, column)
    findings = [] if column.missing else _rows(values, values.isna(), "is empty", MAY_BE_EMPTY)
    return findings + _rows(values, _unknown(values, column), "holds an unknown value",
                            _known(column))


def _numbers(values: pd.Series, column: Column) -> list[str]:
    """Find gaps, text, infinities and impossible values in a column of numbers."""
    missing = values.isna()
    findings = [] if column.missing else _rows(values, missing, "is empty", MAY_BE_EMPTY)
    if column.date:
        if pd.api.types.is_numeric_dtype(values):
            return [*findings, f"Column {column.name!r} holds numbers where dates belong."]
        strange = parse(values, column.date).isna() & ~missing
        return findings + _rows(values, strange, f"holds no date like {column.date}")
    number = _as_numbers(values)
    findings += _rows(values, number.isna() & ~missing, "holds text where a number belongs")
    findings += _rows(values, np.isinf(number), "is infinite")
    finite = np.isfinite(number)
    if column.lower is not None:
        findings += _rows(values, finite & (number < column.lower),
                          f"is below its lowest possible value, {column.lower:g}")
    if column.upper is not None:
        findings += _rows(values, finite & (number > column.upper),
                          f"is above its highest possible value, {column.upper:g}")
    if column.integer:
        findings += _rows(values, finite & (number != number.round()), "is not a whole number")
    return findings


def _moments(values: pd.Series, form: str) -> pd.Series:
    """Return times as dates, whole numbers, or numbers, so that they can be put in order."""
    if form:
        return parse(values, form)
    number = _as_numbers(values)
    return number.astype("int64") if (number == number.round()).all() else number


def _as_numbers(values: pd.Series) -> pd.Series:
    """Return a column as floats; what is no number becomes missing."""
    if not pd.api.types.is_numeric_dtype(values):
        values = pd.to_numeric(values.astype(object), errors="coerce")
    return values.astype(float)


def _plain_identifiers(patient: pd.Series) -> pd.Series:
    """Return identifiers as whole numbers or text, whatever a file's reader made of them."""
    if isinstance(patient.dtype, pd.CategoricalDtype):
        return patient.astype(patient.cat.categories.dtype)
    if pd.api.types.is_float_dtype(patient) and (patient == patient.round()).all():
        return patient.astype("int64")
    return patient


def _unknown(values: pd.Series, column: Column) -> np.ndarray:
    """Return which values are neither missing nor a level, whether read as codes or labels."""
    position, distinct = pd.factorize(values)
    distinct = pd.Index(distinct)
    unknown = ~np.isin([level_text(v) for v in distinct], column.levels)
    if column.codes:
        as_codes = ~np.isin(_as_numbers(pd.Series(distinct)), column.codes)
        if pd.api.types.is_numeric_dtype(values) or as_codes.sum() < unknown.sum():
            unknown = as_codes
    # factorize gives missing values the position -1, which reaches the False appended here.
    return np.append(unknown, False)[position]


def _known(column: Column) -> str:
    """List the levels of a column, with their codes, as far as they fit in a sentence."""
    names = [
        f"{code} ({level})" if str(code) != level else level
        for code, level in zip(column.codes or column.levels, column.levels, strict=True)
    ]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"It may hold {', '.join(names[:8])}{more}."


def _constancy(values: pd.Series, patient: pd.Series) -> list[str]:
    """Find patients in whom a static column changes."""
    code, distinct = pd.factorize(values)
    who, patients = pd.factorize(patient)
    first = np.full(len(patients), -1)
    rows = np.flatnonzero((code >= 0) & (who >= 0))[::-1]
    first[who[rows]] = rows  # assigned backwards, so the earliest row stays
    start = np.where(who >= 0, first[who], -1)
    changed = np.flatnonzero((code >= 0) & (start >= 0) & (code != code[start]))
    offenders, places = np.unique(who[changed], return_index=True)
    examples = [
        f"patient {patients[who[row]]} has {distinct[code[start[row]]]} on "
        f"{_where(values, start[row])} and {distinct[code[row]]} on {_where(values, row)}"
        for row in np.sort(changed[places])[:EXAMPLES]
    ]
    if not examples:
        return []
    return [_listed(f"Column {values.name!r} must not change within a patient", examples,
                    len(offenders))]


def _rows(
    values: pd.Series, wrong: pd.Series | np.ndarray, what: str, advice: str = ""
) -> list[str]:
    """Return a sentence on the rows in which a column is wrong, or none."""
    wrong = np.flatnonzero(np.asarray(wrong))
    if not len(wrong):
        return []
    places = []
    for row in wrong[:EXAMPLES]:
        value = values.iloc[row]
        shown = "" if pd.isna(value) else f"{_short(value)} "
        places.append(f"{shown}on {_where(values, row)}")
    finding = _listed(f"Column {values.name!r} {what}", places, len(wrong))
    return [f"{finding} {advice}".strip()]


def _listed(start: str, places: list[str], total: int) -> str:
    """Return ``start: place, place, place and so many more.``"""
    more = f" and {total - len(places):,} more" if total > len(places) else ""
    return f"{start}: {', '.join(places)}{more}."


def _where(table: pd.DataFrame | pd.Series, row: int) -> str:
    """Return the line of a file, or the index label of a table that came from none."""
    name = "line" if table.index.name == "line" else "row"
    return f"{name} {table.index[row]}"


def _short(value: object) -> str:
    """Return a value as a person would see it in the file, cut to a readable length."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "…")
    return level_text(value)
