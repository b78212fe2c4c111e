"""What each command does: a few lines over functions of the package, and no science.

Everything heavy is imported inside the command that needs it, so that help and checks answer at
once.
"""

from __future__ import annotations

import argparse
import csv
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hgteach.cohorts.catalogue import COHORTS
from hgteach.errors import InputError
from hgteach.files import replacing

if TYPE_CHECKING:
    import pandas as pd

    from hgteach.schema import Schema


def data_list(_: argparse.Namespace) -> None:
    """Print each cohort and where its table comes from at present."""
    from hgteach.cohorts.download import provenance_of

    for cohort in COHORTS.values():
        size = f"{cohort.patients:,} patients, {cohort.steps} {cohort.every}"
        print(f"{cohort.name:<12} {size}, {len(cohort.schema.columns)} variables.")
        if path := cohort.fetched:
            print(f"{'':<12} In use: {provenance_of(path).rstrip('.')}, in {path}.")
            continue
        print(f"{'':<12} In use: the simulated stand-in, made by this course, not Health Gym data.")
        how = " --from-file CSV' takes your copy of" if cohort.credentialed else "' gets"
        print(f"{'':<12} 'hgteach data fetch {cohort.name}{how} the published file.")


def data_fetch(options: argparse.Namespace) -> None:
    """Download the published file of a cohort, or take it from a copy."""
    print(f"Checked and ready: {COHORTS[options.cohort].fetch(options.from_file)}")


def data_simulate(options: argparse.Namespace) -> None:
    """Write a simulated stand-in in the published layout."""
    from hgteach.cohorts.reading import check_suffix, write_table

    check_suffix(options.out)
    cohort = COHORTS[options.cohort]
    table = cohort.simulate(options.patients or cohort.patients, options.seed)
    write_table(table, options.out)
    print(f"{options.out}: {len(table):,} rows. {table.attrs['provenance']}")


def data_check(options: argparse.Namespace) -> None:
    """Check a table and print what it holds."""
    from hgteach.cohorts.checking import check
    from hgteach.cohorts.describing import describe, doubts

    toml = options.write_schema
    if toml and not toml.endswith(".toml"):  # it could be the table itself
        raise InputError(f"{toml} should end in .toml, which is what a schema file is.")
    raw, schema = _read(options.file, options)
    table = check(raw, schema, source=options.file)
    if toml:
        schema.to_toml(toml, replace_edited=False)
    print(f"{options.file} passes every check of the schema '{schema.name}'.")
    print(describe(table, schema))
    if options.schema is None:
        print("\nThe schema was inferred. Look at these before you rely on it:")
        for doubt in doubts(table, schema):
            print(f"- {doubt}")
    if toml:
        print(f"\nWritten: {toml}. Edit it, and check with --schema.")


def train(options: argparse.Namespace) -> None:
    """Train a generator on a table and save it."""
    from hgteach.cohorts.checking import check
    from hgteach.schema import Layout

    start = _start_of_large(options)
    raw, schema = _read(options.data, options, start)
    streams = start is not None and schema.is_regular and raw.equals(start)  # nothing to put right
    if start is not None and not streams:
        raw, schema = _read(options.data, options)
    table, layout = None, None
    if not streams:
        table = check(raw, schema, source=options.data)
        table.attrs["provenance"] = f"the file {Path(options.data).name}"
        layout = Layout.of(raw, schema)

    from hgteach.training import checkpoint, container  # PyTorch, once the table is sound
    from hgteach.training import train as run_training

    container.make_folder(options.out)  # better refused now than after an hour
    with ExitStack() as disk:
        if streams:
            from hgteach.streaming import streamed

            if not options.resume:
                checkpoint.refuse_to_replace(Path(options.out))
            table = disk.enter_context(streamed(options.data, schema, options.out))
        run_training(
            options.model,
            table,
            schema,
            preset=options.preset,
            epochs=options.epochs,
            seed=options.seed,
            out=options.out,
            resume=options.resume,
            layout=layout,
        )
    print(f"The trained generator is in {options.out}. Next:")
    folder = shlex.quote(str(options.out))
    print(f"hgteach generate --from {folder} --patients 100 --seed 0 --out synthetic.csv")


def generate(options: argparse.Namespace) -> None:
    """Write synthetic patients in the layout of the table that was trained on."""
    from hgteach.cohorts.parts import write_in_parts
    from hgteach.cohorts.reading import check_suffix

    check_suffix(options.out)
    from hgteach.training import Generator

    generator = Generator.load(options.folder)
    if Path(options.out).exists() and generator.provenance == f"the file {Path(options.out).name}":
        raise InputError(f"{options.out} has the name of the real table. Choose another one.")
    layout = generator.layout
    parts = generator.generate_in_parts(options.patients, options.seed)
    tables = (layout.restore(part, generator.schema) for part in parts)
    rows = write_in_parts(tables, options.out, layout.blank)
    print(f"{options.out}: {options.patients:,} synthetic patients, {rows:,} rows.")


def evaluate(options: argparse.Namespace) -> None:
    """Judge a synthetic table and write what was found."""
    _one_way(options)
    schema = _schema(options.schema) if options.schema else None
    written = [path for path in (options.out, options.json) if path]
    inputs = [path for path in (options.real, options.synthetic, options.holdout) if path]
    taken = [Path(path).resolve() for path in (*written, *inputs)]
    for path in written:
        if taken.count(Path(path).resolve()) > 1:
            raise InputError(f"{path} is named twice. Give what is written a name of its own.")
    with ExitStack() as files:  # better refused now than after a minute; renamed only at the end
        places = [files.enter_context(replacing(path)) for path in written]

        from hgteach.evaluation import evaluate as judge

        report = judge(
            options.real,
            options.synthetic,
            holdout=options.holdout,
            schema=schema,
            patient=options.patient,
            time=options.time,
            seed=options.seed,
        )
        for write, place in zip((report.to_html, report.to_json), places, strict=False):
            write(place)
    for note in report.notes:
        print(f"- {note}")
    counts = report.scores.groupby("family", sort=False)["verdict"]
    for family, verdicts in counts:
        near, taken = ((verdicts == "near the floor").sum(), (verdicts != "not measured").sum())
        rest = f" ({len(verdicts) - taken} not measured)" if taken < len(verdicts) else ""
        print(f"{family}: {near} of {taken} measures near the floor{rest}.")
    print(f"Written: {' and '.join(written)}")


def bench(options: argparse.Namespace) -> None:
    """Measure speed, memory and fidelity, each against a baseline or a floor."""
    from hgteach import bench

    for part in [options.only] if options.only else bench.PARTS:
        for line in bench.measure(part, options.quick):
            print(line, flush=True)


def grade(options: argparse.Namespace) -> None:
    """Grade a class's notebooks and print each student's marks."""
    import signal

    from hgteach.grading import grade as grade_class
    from hgteach.grading.writing import shown

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped by a scheduler: tidy up too
    grades = grade_class(
        options.folder, options.out, options.minutes, options.memory, options.jobs
    )
    students: dict[str, list[int]] = {}
    for row in grades:
        marks = students.setdefault(row.student, [0, 0])
        marks[0], marks[1] = marks[0] + row.marks, marks[1] + row.of
    for student, (won, of) in students.items():
        print(f"{shown(student):<24} {won:>3} of {of} marks")
    broken = sorted({row.exercise for row in grades if row.verdict == "check broken"})
    if broken:
        print(f"Look at these yourself, their check broke down: {', '.join(broken)}.")


def release(options: argparse.Namespace) -> None:
    """Write a course notebook as an assignment for nbgrader."""
    from hgteach.grading.release import release as write_assignment

    written = write_assignment(options.notebook, options.out)
    print(f"{written}: ready for 'nbgrader generate_assignment'.")


def _start_of_large(options: argparse.Namespace) -> pd.DataFrame | None:
    """Return the first patients of a table too large to be read whole, or nothing."""
    from hgteach.cohorts.parts import is_large, read_in_parts

    _one_way(options)
    patient = _schema(options.schema).patient if options.schema else options.patient
    if not (patient and is_large(options.data)):
        return None
    start = next(read_in_parts(options.data, patient))
    if not options.schema:
        print(f"{options.data}: what the columns are was inferred from its first {len(start):,} "
              "rows.", file=sys.stderr)
    return start


def _read(
    path: str, options: argparse.Namespace, raw: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, Schema]:
    """Return a table as written, and its schema: built in, from a file, or inferred.

    Columns that were not asked for are in the schema's ``left_out``. With ``raw``, the first rows
    of a large table, these speak for it, and the file is not read.
    """
    from dataclasses import replace

    from hgteach.cohorts.checking import infer_schema
    from hgteach.cohorts.reading import read_table

    _one_way(options)
    raw, chosen = read_table(path) if raw is None else raw, None
    if options.schema in COHORTS:
        raw, changes = COHORTS[options.schema].tidy(raw)
        if changes:
            print(f"{path}: {', '.join(changes)}.", file=sys.stderr)
    if options.columns or options.leave_out:
        text = options.columns or options.leave_out  # a heading with a comma: "in quotes", or alone
        named = [text] if text in raw else next(csv.reader([text], skipinitialspace=True))
        named = [name if name in raw else name.strip() for name in named]
        for name in named:
            if name not in raw:
                raise InputError(f"{path} has no column {name!r}.")
        chosen = named if options.columns else [name for name in raw if name not in named]
    if options.schema:
        schema = _schema(options.schema)
        if chosen is not None:
            schema = schema.select(name for name in chosen if name in schema.names)
            known = {schema.patient, schema.time, *schema.names}
            schema = replace(schema, left_out=tuple(c for c in raw if c not in known))
        return raw, schema
    if not (options.patient and options.time):
        raise InputError(
            "Say what the columns are: --schema art-hiv, --schema FILE.toml, or --patient COL "
            f"--time COL, with COL from: {', '.join(map(str, raw.columns[:20]))}."
        )
    known = raw if chosen is None else {options.patient, options.time, *chosen}
    seen, others = raw[[c for c in raw if c in known]], tuple(c for c in raw if c not in known)
    schema = infer_schema(seen, patient=options.patient, time=options.time, source=path)
    return raw, replace(schema, left_out=(*schema.left_out, *others))


def _one_way(options: argparse.Namespace) -> None:
    """Refuse two answers to the question what the columns are."""
    if options.schema and (options.patient or options.time):
        raise InputError("Give either --schema, or --patient and --time, not both.")


def _schema(name: str) -> Schema:
    """Return a built-in schema by its name, or one from a TOML file."""
    from hgteach.schema import Schema

    if name in COHORTS:
        return COHORTS[name].schema
    if not name.endswith(".toml"):
        names = ", ".join(COHORTS)
        raise InputError(f"There is no schema {name!r}. Use {names}, or a file ending in .toml.")
    return Schema.from_toml(name)
