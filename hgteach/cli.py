"""The command line: which commands there are, what they take, and how they end.

What each of them does is in ``commands.py``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from hgteach import __version__
from hgteach.bench import PARTS
from hgteach.cohorts.catalogue import COHORTS
from hgteach.commands import (
    bench,
    data_check,
    data_fetch,
    data_list,
    data_simulate,
    evaluate,
    generate,
    grade,
    release,
    train,
)
from hgteach.errors import InputError
from hgteach.models import MODELS

PRESETS = ("classroom", "published")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when done, 2 when the input was wrong, 130 when interrupted."""
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
        if sys.stdout:  # nothing, if it was closed
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
