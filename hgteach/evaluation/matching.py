"""Bring tables that differ to what they share, and say in sentences what was left aside.

A table to be judged may come from anywhere, so this is more lenient than the checks before a
training: what cannot be compared is set aside and said, and only what leaves nothing to compare
is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hgteach.cohorts.catalogue import COHORTS
from hgteach.cohorts.parts import is_large, read_sample
from hgteach.cohorts.reading import read_table
from hgteach.dates import PER_DAY, parse, to_numbers
from hgteach.errors import InputError
from hgteach.evaluation.patients import Patients
from hgteach.identifiers import is_row_number
from hgteach.inference import infer_columns, time_date
from hgteach.schema import Column, Schema, level_text, without_codes

MOST = 2_000  # patients of each table that are judged
FEW = 30  # patients of a table, below which nothing is said without a warning
UNSEEN = "(unknown)"
"""The level that stands for every value which is none of a column's levels."""
Table = pd.DataFrame | str | Path


@dataclass(frozen=True, eq=False)
class Cohorts:
    """The patients to compare, over the same columns and the same number of timesteps.

    Attributes:
        real, synthetic, holdout: as in ``hgteach.evaluation.measure.Task``.
        spare: more real patients, if the real table had more than are judged.
        notes: what was set aside to make them comparable, one sentence each.
        sources: where each table came from, in a sentence.
    """

    real: Patients
    synthetic: Patients
    holdout: Patients | None
    spare: Patients | None
    notes: tuple[str, ...]
    sources: dict[str, str]


def match(
    real: Table,
    synthetic: Table,
    holdout: Table | None = None,
    *,
    schema: Schema | None = None,
    patient: str | None = None,
    time: str | None = None,
    seed: int = 0,
    most: int = MOST,
) -> Cohorts:
    """Read, sample, label and trim the tables until they can be compared.

    Files are read one after another and cut down to a sample at once, so that two large ones are
    never in memory together.

    Raises:
        InputError: a file cannot be read, nobody says what the columns are, or the tables have
            no column, patient or timestep in common.
    """
    random, notes, sources = np.random.default_rng(seed), [], {}
    given, tables, counts = {"real": real, "synthetic": synthetic, "holdout": holdout}, {}, {}
    for role, one in given.items():
        if one is None:
            continue
        # With no holdout, other real patients can be the floor, if there are more than enough.
        wanted = 2 * most if role == "real" and holdout is None else most
        # All of our cohorts call the patient by the same name.
        who = schema.patient if schema else patient or COHORTS["art-hiv"].schema.patient
        raw, total = _open(one, role, sources, who, wanted, random)
        schema = schema or _schema(raw, patient, time, notes)
        tables[role], count = _sample(raw, role, schema, wanted, random, notes)
        counts[role] = total or count
        del raw
    schema = _shared(schema, tables, notes)
    tables = {role: _tidy(table, role, schema, notes) for role, table in tables.items()}
    columns = (_open_ended(column, list(tables.values())) for column in schema.columns)
    schema = replace(schema, columns=tuple(columns))
    groups = {role: Patients.of(table, schema) for role, table in tables.items()}
    groups, spare = _same_length(groups, notes), None
    if len(groups["real"]) > most:
        order = random.permutation(len(groups["real"]))
        spare = groups["real"].take(order[most:])
        groups["real"] = groups["real"].take(order[:most])
    groups["synthetic"] = groups["synthetic"].sample(len(groups["real"]), random)
    for role, group in groups.items():
        if len(group) < counts[role]:
            notes.append(
                f"Of the {counts[role]:,} {role} patients, {len(group):,} drawn at random were "
                "judged."
            )
    if len(groups["synthetic"]) < len(groups["real"]):
        notes.append(
            f"The synthetic table has fewer patients ({len(groups['synthetic']):,}) than the real "
            f"one ({len(groups['real']):,}). So have the floor and the bad copies."
        )
    if min(map(len, groups.values())) < FEW:
        notes.append(
            f"With fewer than {FEW} patients in a table, hardly any failure can be told from "
            "chance: a score near the floor then says next to nothing."
        )
    means = [group.lengths.mean() for group in groups.values()]
    if max(means) > 1.1 * min(means):
        rows = ", ".join(f"{role} {mean:.1f}" for role, mean in zip(groups, means, strict=True))
        notes.append(
            f"Patients have different numbers of rows on average ({rows}). No score counts it."
        )
    if "holdout" in groups:
        notes += _seen_before(groups["holdout"], groups["real"])
    return Cohorts(groups["real"], groups["synthetic"], groups.get("holdout"), spare,
                   tuple(notes), sources)


def _open(
    given: Table,
    role: str,
    sources: dict[str, str],
    who: str,
    most: int,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, int]:
    """Return the table, reading it if it is a file, and note where it came from.

    Of a large file, ``most`` patients are read, and how many there are is returned too.
    """
    total = 0
    if isinstance(given, pd.DataFrame):
        table, origin = given, "a table in memory of unstated origin"
    elif is_large(given):
        table, total = read_sample(given, who, most, random)
        origin = f"the file {Path(given).name}"
    else:
        table, origin = read_table(given), f"the file {Path(given).name}"
    if table.empty:
        raise InputError(f"The {role} table has no rows.")
    said = table.attrs.get("provenance")
    sources[role] = str(said) if origin.startswith("a table") and said else (
        f"{origin} ({said})" if said else origin
    )
    return table, total


def _schema(
    raw: pd.DataFrame, patient: str | None, time: str | None, notes: list[str]
) -> Schema:
    """Infer a schema from the real table, or recognise the columns of one of our cohorts."""
    if patient in raw and time in raw:
        columns, form = [], time_date(raw[time])
        for name in raw.columns.drop([patient, time]):
            if is_row_number(raw[name]):
                continue
            try:
                columns += infer_columns(raw[[patient, time, name]], patient, time)
            except InputError as reason:
                notes.append(f"{str(reason).split('. ')[0]}.")
        if columns:
            return Schema("inferred", patient, time, tuple(columns), irregular=True, time_date=form)
    for schema in () if patient or time else (cohort.schema for cohort in COHORTS.values()):
        keys = {schema.patient, schema.time}
        if keys < set(raw) <= keys | set(schema.names):
            return schema.select([name for name in schema.names if name in raw])
    raise InputError(
        "Say which column tells patients apart and which one orders their rows (patient and time), "
        f"or give a schema. The real table has: {', '.join(map(str, raw.columns[:20]))}."
    )


def _sample(
    raw: pd.DataFrame,
    role: str,
    schema: Schema,
    most: int,
    random: np.random.Generator,
    notes: list[str],
) -> tuple[pd.DataFrame, int]:
    """Return the rows of at most so many patients, and how many there were.

    Rows without a patient or a time go.
    """
    for name, what in ((schema.patient, "whose row it is"), (schema.time, "when a row was")):
        if name not in raw:
            raise InputError(
                f"The {role} table has no column {name!r}, which says {what}. Rename it, or leave "
                "out what is not comparable."
            )
    who, ids = pd.factorize(raw[schema.patient])
    kept = (who >= 0) & raw[schema.time].notna().to_numpy()
    if not kept.all():
        notes.append(f"{(~kept).sum():,} {role} rows name no patient or no time and were left out.")
    if len(ids) > most:
        chosen = np.zeros(len(ids), dtype=bool)
        chosen[random.choice(len(ids), most, replace=False)] = True
        kept &= chosen[who]
    if not kept.any():
        raise InputError(f"The {role} table has no row with both a patient and a time.")
    return raw[kept].reset_index(drop=True), len(ids)


def _shared(schema: Schema, tables: dict[str, pd.DataFrame], notes: list[str]) -> Schema:
    """Return the schema of the columns that all tables have."""
    asides: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for table in tables.values() for name in table):
        owners = [role for role, table in tables.items() if name in table]
        if name not in (schema.patient, schema.time, *schema.names):
            asides.setdefault("not in the schema", []).append(repr(name))
        elif len(owners) < len(tables):
            where = f"only in the {' and the '.join(owners)} table"
            asides.setdefault(where, []).append(repr(name))
    for why, names in asides.items():
        notes.append(f"Not judged, because {why}: {', '.join(names)}.")
    shared = [c for c in schema.names if all(c in table for table in tables.values())]
    if not shared:
        raise InputError(
            "The tables have no column in common that could be judged. The schema names: "
            f"{', '.join(schema.names[:20])}."
        )
    return schema.select(shared)


def _tidy(table: pd.DataFrame, role: str, schema: Schema, notes: list[str]) -> pd.DataFrame:
    """Return the columns of the schema: numbers as floats, levels as labels, times in order."""
    when = table[schema.time]
    if schema.time_date and not pd.api.types.is_numeric_dtype(when):
        dated = parse(when, schema.time_date)
        when = when if dated.isna().any() else dated
    tidy = {schema.patient: table[schema.patient], schema.time: _times(when, role)}
    lost, unknown = [], []
    for column in schema.columns:
        values, name = without_codes(table[column.name], column.empty), repr(column.name)
        if column.kind == "real":
            if column.date and not pd.api.types.is_numeric_dtype(values):
                days = to_numbers(parse(values, column.date), "s") / PER_DAY["s"]
                values = pd.Series(days, index=values.index)
            if not pd.api.types.is_numeric_dtype(values):
                values = pd.to_numeric(values.astype(object), errors="coerce")
            values = values.astype(float)
            tidy[column.name] = values = values.where(np.isfinite(values))
        else:
            tidy[column.name] = labels = _labels(values, column)
            if (labels == UNSEEN).any():
                unknown.append(f"{name} {(labels == UNSEEN).mean():.2%}")
        if values.isna().any():
            lost.append(f"{name} {values.isna().mean():.2%}")
    if lost:
        notes.append(
            f"Share of {role} rows without a value that can be used: {', '.join(lost)}. Most "
            "scores look only at the other rows."
        )
    if unknown:
        notes.append(
            f"Share of {role} rows with a value that the schema or the real table does not know: "
            f"{', '.join(unknown)}. All such values were judged as one more level, {UNSEEN}."
        )
    tidy = pd.DataFrame(tidy)
    again = tidy.duplicated([schema.patient, schema.time])
    if again.any():
        notes.append(
            f"{again.sum():,} {role} rows repeat a patient's {schema.time!r}; the first was kept."
        )
        tidy = tidy[~again]
    return tidy


def _times(values: pd.Series, role: str) -> pd.Series:
    """Return times that can be put in order: numbers, or dates."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return values
    texts = values.astype(object)
    number = pd.to_numeric(texts, errors="coerce")
    if number.notna().all():
        return number
    when = pd.to_datetime(texts, errors="coerce", format="ISO8601")
    if when.isna().any():
        raise InputError(
            f"Column {values.name!r} of the {role} table holds {texts[when.isna()].iloc[0]!r}, "
            "which is neither a number nor a date. Number the visits, for instance 0, 1, 2."
        )
    return when


def _labels(values: pd.Series, column: Column) -> pd.Series:
    """Return codes or labels as labels; what is neither becomes ``UNSEEN``, empty stays empty."""
    position, distinct = pd.factorize(values)
    by_code = dict(zip(column.codes, column.levels, strict=False))
    names = [by_code.get(v) or level_text(v) for v in distinct.tolist()]
    names = [name if name in column.levels else UNSEEN for name in names]
    return pd.Series(np.array([*names, None], dtype=object)[position], index=values.index)


def _open_ended(column: Column, tables: list[pd.DataFrame]) -> Column:
    """Return the column with one more level, if any table holds values outside its levels."""
    if column.kind == "real" or not any((table[column.name] == UNSEEN).any() for table in tables):
        return column
    levels = (*column.levels, UNSEEN)
    return replace(column, kind="binary" if len(levels) == 2 else "categorical", levels=levels,
                   codes=())


def _same_length(groups: dict[str, Patients], notes: list[str]) -> dict[str, Patients]:
    """Cut longer patients to the longest of the table whose patients are shortest."""
    longest = {role: group.timesteps for role, group in groups.items()}
    shared = min(longest.values())
    if max(longest.values()) == shared:
        return groups
    counts = ", ".join(f"{role} {rows}" for role, rows in longest.items())
    notes.append(
        f"The tables follow patients over different numbers of rows ({counts}): only the first "
        f"{shared} of each patient were judged."
    )
    return {role: _cut(group, shared) for role, group in groups.items()}


def _cut(group: Patients, rows: int) -> Patients:
    """Return the first so many rows of each patient."""
    cells = {name: group[name][:, :rows] for name in group.schema.names}
    return replace(group, values=cells, lengths=np.minimum(group.lengths, rows))


def _seen_before(holdout: Patients, real: Patients) -> list[str]:
    """Say how many patients of the holdout are in the real table too, if there are any."""
    known, held = (_courses(group) for group in (real, holdout))
    both = len(known & held)
    if not both:
        return []
    return [
        f"{both:,} patients of the holdout are in the real table too. A holdout must be people "
        "that the generator never saw: scores of safety are not to be relied on."
    ]


def _courses(patients: Patients) -> set[bytes]:
    """Return each patient's whole course as bytes, which are equal only for equal courses."""
    cells = [np.nan_to_num(patients[name], nan=-1.0) for name in patients.schema.names]
    return {course.tobytes() for course in np.stack(cells, axis=2).astype(np.float32)}  # (P, T, F)
