"""The command line. It holds no science: a command is a few lines over functions of the package.

Everything heavy is imported inside the command that needs it, so that help and checks answer at
once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hgteach import __version__
from hgteach.bench import PARTS
from hgteach.cohorts.catalogue import COHORTS
from hgteach.errors import InputError
from hgteach.files import replacing
from hgteach.models import MODELS

if TYPE_CHECKING:
    import pandas as pd

    from hgteach.schema import Schema

PRESETS = ("classroom", "published")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when done, 2 when the input was wrong, 130 when interrupted."""
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
        sys.stdout.flush()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads us, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        print(f"Could not finish: {error.strerror or error}{place}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. No file was left half-written.", file=sys.stderr)
        return 130
    return 0


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

    raw, schema = _read(options.file, options)
    table = check(raw, schema, source=options.file)
    print(f"{options.file} passes every check of the schema '{schema.name}'.")
    print(describe(table, schema))
    if options.schema is None:
        print("\nThe schema was inferred. Look at these before you rely on it:")
        for doubt in doubts(table, schema):
            print(f"- {doubt}")
    if options.write_schema:
        schema.to_toml(options.write_schema)
        print(f"\nWritten: {options.write_schema}. Edit it, and check with --schema.")


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

    from hgteach.training import checkpoint  # PyTorch, once the table is sound
    from hgteach.training import train as run_training

    Path(options.out).mkdir(parents=True, exist_ok=True)  # better refused now than after an hour
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
    print(f"hgteach generate --from {options.out} --patients 100 --seed 0 --out synthetic.csv")


def generate(options: argparse.Namespace) -> None:
    """Write synthetic patients in the layout of the table that was trained on."""
    from hgteach.cohorts.parts import write_in_parts
    from hgteach.cohorts.reading import check_suffix

    check_suffix(options.out)
    from hgteach.training import Generator

    generator = Generator.load(options.folder)
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
        near = (verdicts == "near the floor").sum()
        print(f"{family}: {near} of {len(verdicts)} measures near the floor.")
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

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped by a scheduler: tidy up too
    grades = grade_class(
        options.folder, options.out, options.minutes, options.memory, options.jobs
    )
    students: dict[str, list[int]] = {}
    for row in grades:
        marks = students.setdefault(row.student, [0, 0])
        marks[0], marks[1] = marks[0] + row.marks, marks[1] + row.of
    for student, (won, of) in students.items():
        print(f"{ascii(student)[1:-1]:<24} {won:>3} of {of} marks")
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
        named = [name.strip() for name in (options.columns or options.leave_out).split(",")]
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


def _whole(lowest: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``lowest`` upwards, for argparse."""

    def read(text: str) -> int:
        if not text.lstrip("+").isdecimal() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text!r} should be a whole number, {lowest} or more")
        return int(text)

    return read


def _parser() -> argparse.ArgumentParser:
    """Build the parser: a command, its help with an example, and the function that runs it."""
    parser = argparse.ArgumentParser(
        prog="hgteach",
        description="Make, train and generate synthetic longitudinal health records.",
        epilog="Each command has its own help: hgteach data check --help",
    )
    parser.add_argument("--version", action="version", version=f"hgteach {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    data = commands.add_parser("data", help="list, fetch, simulate and check tables")
    data = data.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _command(data, data_list, "list", "say which cohorts there are, and where they come from",
             "hgteach data list")

    fetch = _command(data, data_fetch, "fetch", "download the published file of a cohort",
                     "hgteach data fetch art-hiv")
    fetch.add_argument("cohort", choices=tuple(COHORTS))
    fetch.add_argument("--from-file", metavar="CSV", help="take this copy; download nothing")

    simulate = _command(
        data, data_simulate, "simulate", "write a simulated stand-in for a cohort",
        "hgteach data simulate art-hiv --patients 300 --seed 1 --out stand-in.csv",
    )
    simulate.add_argument("cohort", choices=tuple(COHORTS))
    _add_output(simulate, 0)  # as many as the published cohort has

    checked = _command(
        data, data_check, "check", "check a table and say what it holds",
        "hgteach data check trial.csv --patient subject --time month",
    )
    checked.add_argument("file", metavar="FILE", help="a .csv or .parquet file")
    _add_schema(checked)
    _add_choice(checked)
    checked.add_argument("--write-schema", metavar="FILE.toml",
                         help="write what was inferred, for you to edit")

    trained = _command(
        commands, train, "train", "train a generator on a table",
        "hgteach train --model v1 --data trial.csv --patient subject --time month --out my-v1",
    )
    trained.add_argument("--model", choices=MODELS, required=True)
    trained.add_argument("--data", metavar="FILE", required=True, help="a .csv or .parquet file")
    _add_schema(trained)
    _add_choice(trained)
    trained.add_argument("--preset", choices=PRESETS, default="classroom",
                         help="classroom: minutes; published: the series' setting, hours")
    trained.add_argument("--epochs", type=_whole(1), metavar="N", help="instead of the preset's")
    trained.add_argument("--seed", type=_whole(0), default=0, metavar="S")
    trained.add_argument("--out", metavar="DIR", required=True, help="where to save the generator")
    trained.add_argument("--resume", action="store_true", help="go on from what is saved in DIR")

    made = _command(
        commands, generate, "generate", "write synthetic patients from a trained generator",
        "hgteach generate --from my-v1 --patients 100 --seed 1 --out synthetic.csv",
    )
    made.add_argument("--from", dest="folder", metavar="DIR", required=True,
                      help="what hgteach train saved")
    _add_output(made, None)

    judged = _command(
        commands, evaluate, "evaluate", "judge a synthetic table: is it real, useful, safe?",
        "hgteach evaluate --real cohort.csv --synthetic synthetic.csv --out report.html",
    )
    for name, words in (("real", "what the generator learnt from"),
                        ("synthetic", "what it made"),
                        ("holdout", "real patients that it never saw; some scores need them")):
        judged.add_argument(f"--{name}", metavar="FILE", required=name != "holdout", help=words)
    _add_schema(judged)
    judged.add_argument("--seed", type=_whole(0), default=0, metavar="S")
    judged.add_argument("--out", required=True, metavar="HTML", help="where to write the page")
    judged.add_argument("--json", metavar="JSON", help="where to write the scores, if anywhere")

    graded = _command(
        commands, grade, "grade", "grade a class's notebooks, each in a process of its own",
        "hgteach grade week-3 --out week-3-grades",
    )
    graded.add_argument("folder", metavar="FOLDER",
                        help="holds STUDENT/NOTEBOOK.ipynb, or STUDENT.ipynb")
    graded.add_argument("--out", metavar="DIR", help="default: FOLDER-grades beside the folder")
    graded.add_argument("--minutes", type=_whole(1), default=4, metavar="N",
                        help="for each notebook (default: 4)")
    graded.add_argument("--memory", type=_whole(512), default=2048, metavar="MB",
                        help="for each notebook (default: 2048)")
    graded.add_argument("--jobs", type=_whole(1), metavar="N",
                        help="notebooks at a time (default: one a core)")

    released = _command(
        commands, release, "release", "turn a course notebook into an assignment for nbgrader",
        "hgteach release notebooks/implementation/04-critic.ipynb --out source/critic",
    )
    released.add_argument("notebook", metavar="NOTEBOOK", help="a notebook of the course")
    released.add_argument("--out", metavar="DIR", required=True,
                          help="the assignment's folder in nbgrader's source folder")

    _add_datathon(commands)

    measured = _command(
        commands, bench, "bench", "measure speed, memory and fidelity (in a checkout; minutes)",
        "hgteach bench --only epoch --quick",
    )
    measured.add_argument("--only", choices=PARTS, help="instead of all, in turn")
    measured.add_argument("--quick", action="store_true",
                          help="half the patients, scaled up, and one seed: rough")
    return parser


def _add_datathon(commands: argparse._SubParsersAction) -> None:
    """Add the three commands of a datathon; the work is in ``hgteach.datathon.commands``."""

    def later(name: str) -> Callable:
        def run(options: argparse.Namespace) -> None:
            from hgteach.datathon import commands as work

            getattr(work, name)(options)

        return run

    group = commands.add_parser("datathon", help="set up, check and score a one-day datathon")
    group = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    made = _command(group, later("init"), "init", "write a ready-to-run datathon",
                    "hgteach datathon init our-datathon")
    made.add_argument("folder", metavar="DIR", help="a new or empty folder")
    made.add_argument("--seed", type=_whole(0), default=0, metavar="S",
                      help="a second number beside the secret; alone it tells nobody anything")
    made.add_argument("--patients", type=_whole(1), default=3000, metavar="N")
    made.add_argument("--secret", metavar="JSON",
                      help="an earlier organisers/secret.json, to make that datathon again")
    made.add_argument("--published", action="store_true",
                      help="take the fetched published cohort, whose answers anybody can look up")
    checked = _command(group, later("check"), "check", "check files before they are handed in",
                       "hgteach datathon check prediction.csv cohort.csv")
    checked.add_argument("submissions", metavar="SUBMISSION", nargs="+")
    checked.add_argument("--data", metavar="DIR", default=".", help="the participants' folder")
    scored = _command(group, later("score"), "score", "score all submissions; write a leaderboard",
                      "hgteach datathon score our-datathon --final")
    scored.add_argument("folder", metavar="DIR")
    scored.add_argument("--final", action="store_true", help="on the private test, at the end")


def _command(
    group: argparse._SubParsersAction, run: Callable, name: str, purpose: str, example: str
) -> argparse.ArgumentParser:
    """Add one command with its help, an example, and the function that runs it."""
    command = group.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"Example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # so the example stays on its line
    )
    command.set_defaults(run=run)
    return command


def _add_schema(command: argparse.ArgumentParser) -> None:
    """Add the two ways to say what the columns are."""
    command.add_argument("--schema", metavar="NAME|FILE.toml",
                         help=f"{', '.join(COHORTS)}, or a schema file")
    command.add_argument("--patient", metavar="COL", help="infer the schema: who a row is about")
    command.add_argument("--time", metavar="COL", help="infer the schema: when a row was")


def _add_choice(command: argparse.ArgumentParser) -> None:
    """Add the two ways to say which columns to learn from."""
    either = command.add_mutually_exclusive_group()
    either.add_argument("--columns", metavar="COL,COL,…", help="learn only these columns")
    either.add_argument("--leave-out", metavar="COL,COL,…", help="learn all but these columns")


def _add_output(command: argparse.ArgumentParser, patients: int | None) -> None:
    """Add how many patients to write, with which seed, and where to."""
    command.add_argument("--patients", type=_whole(1), default=patients, metavar="N",
                         required=patients is None)
    command.add_argument("--seed", type=_whole(0), default=0, metavar="S")
    command.add_argument("--out", required=True, metavar="FILE", help="a .csv or .parquet file")
