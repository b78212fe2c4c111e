"""``hgteach datathon``: a few lines over the functions of this package."""

from __future__ import annotations

import argparse


def init(options: argparse.Namespace) -> None:
    """Write a datathon and say what lies where."""
    from hgteach.datathon import init as make
    from hgteach.datathon.rules import FEW

    folder = make(
        options.folder, options.patients, options.seed,
        secret=options.secret, published=options.published,
    )  # fmt: skip
    print(f"{folder} is ready.")
    print("Give out participants/. Keep organisers/ to yourself: it holds the answers.")
    if options.patients < FEW:
        print(
            f"With fewer than {FEW} patients this is a rehearsal: chance moves every measure, and "
            "may put an honest cohort below the privacy floor."
        )
    if options.published:
        print("The published cohort is public: whoever downloads it can look the answers up.")
    print(f"Teams hand in submissions/TEAM/. Then: hgteach datathon score {options.folder}")


def check(options: argparse.Namespace) -> None:
    """Check files before they are handed in; one that is wrong does not hide the next."""
    from hgteach.datathon import check as look
    from hgteach.errors import InputError

    faults = []
    for submission in options.submissions:
        try:
            print(look(submission, options.data), flush=True)
        except InputError as reason:
            faults.append(str(reason))
    if faults:
        raise InputError("\n".join(faults))


def score(options: argparse.Namespace) -> None:
    """Score all submissions and say who leads."""
    from hgteach.datathon import score as judge

    board = judge(options.folder, final=options.final)
    for task, entries in board.items():
        print(f"{task}: {len(entries)} teams")
        for e in entries:
            first = e.said.splitlines()[0] if e.said else ""
            print(f"  {e.place or '-'}  {e.team!r}  " + (
                f"{e.score:.3g} ({e.low:.3g} to {e.high:.3g}), place {e.best} to {e.worst} {first}"
                if e.place else first
            ))  # fmt: skip
    name = "leaderboard-final" if options.final else "leaderboard"
    print(f"Written: {name}.html and {name}.csv in {options.folder}")
