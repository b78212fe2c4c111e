"""One round of scoring: every team's files, each judged on its own, and the board."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.reading import read_table
from hgteach.datathon import rules as r
from hgteach.datathon.board import write_board
from hgteach.datathon.checking import limit, read_cohort, read_prediction, take
from hgteach.datathon.judging import Secret, score_cohort, score_prediction
from hgteach.errors import InputError

TASKS = (r.PREDICTION, r.COHORT)
TEAM = re.compile(r"\w[\w .\-]{0,39}")  # a name that no page, table or shell can trip over
REGISTER, LEDGER, SCORES = "teams.txt", "attempts.json", "scores"


@dataclass
class Entry:
    """What the board says of one team in one task.

    Attributes:
        team: its name.
        score, low, high: with a 95 % interval; NaN where there is no score.
        draws: the score under resampling, for comparing teams.
        said: what the team is told.
        place: from 1; 0 for a team that is not ranked.
        best, worst: the range of places that the draws leave open.
        tied: whether nothing tells it from the first.
    """

    team: str
    score: float = np.nan
    low: float = np.nan
    high: float = np.nan
    draws: list[float] = field(default_factory=list)
    said: str = ""
    place: int = 0
    best: int = 0
    worst: int = 0
    tied: bool = False
    digest: str = ""


def score(
    folder: str | Path, *, final: bool = False, today: date | None = None, progress: bool = True
) -> dict[str, list[Entry]]:
    """Score all submissions and write the board as a page and as a table.

    Every finished score is kept in the organisers' folder, so a round that is interrupted goes on
    where it stopped, and a file is never judged twice.

    Args:
        folder: the datathon's.
        final: hold submissions against the private test, which the day's board never shows.
        today: the day whose attempts are counted; by default today in UTC.
        progress: show a bar.

    Returns:
        the entries of each task, best first.

    Raises:
        InputError: the folder is not a datathon's.
    """
    folder = Path(folder)
    secret, part = _secret(folder, r.PARTS[final]), r.PARTS[final]
    day = str(today or datetime.now(UTC).date())
    teams, strangers = _teams(folder)
    board: dict[str, list[Entry]] = {}
    hidden = {} if progress else {"disable": True}
    with tqdm(total=len(teams) * len(TASKS), unit="file", **hidden) as bar:
        for task in TASKS:
            found = []
            for team in teams:
                bar.set_description(f"{team.name} {task}"[:40])
                path = team / task
                if path.is_symlink() or path.exists():
                    found.append(_enter(folder, path, task, secret, part, day))
                bar.update()
            board[task] = rank(found, coarse=not final) + [
                Entry(name, said="Not scored: name the folder with letters, digits, spaces, dots, "
                      "dashes or underscores, at most 40, as the organisers registered it.")
                for name in strangers
                if (folder / r.SUBMISSIONS / name).is_symlink()
                or (folder / r.SUBMISSIONS / name / task).exists()
            ]  # fmt: skip
    name = "leaderboard-final" if final else "leaderboard"
    write_board(folder / name, board, secret.rules, final, day)
    return board


def rank(entries: list[Entry], *, coarse: bool) -> list[Entry]:
    """Return entries best first, with places and the places that chance leaves open.

    Args:
        entries: some with a score, some without.
        coarse: show scores to two digits only, so that small changes of a file tell nothing.
    """
    ranked = sorted((e for e in entries if not np.isnan(e.score)), key=lambda e: -e.score)
    if ranked:
        draws = np.array([entry.draws for entry in ranked])  # (teams, draws)
        above = (draws[None] > draws[:, None]).sum(axis=1)  # (teams, draws)
        level = (draws[None] == draws[:, None]).sum(axis=1) - 1
        ranges = np.quantile(1 + above + level / 2, [0.025, 0.975], axis=1)  # (2, teams)
        behind = (draws[0] > draws).mean(axis=1)
        for entry, low, high, lost in zip(ranked, *ranges, behind, strict=True):
            entry.best, entry.worst = int(np.floor(low)), int(np.ceil(high))
            entry.tied = bool(lost < 0.975)
    for entry in ranked:
        if coarse:
            digits = 2 if entry.score <= 1 and entry.high <= 1 else 0
            for name in ("score", "low", "high"):
                setattr(entry, name, round(getattr(entry, name), digits))
    for place, entry in enumerate(ranked, 1):
        before = ranked[place - 2] if place > 1 else None
        entry.place = before.place if before and before.score == entry.score else place
    owners: dict[str, list[str]] = {}
    for entry in entries:
        owners.setdefault(entry.digest, []).append(entry.team)
    for entry in entries:
        others = [team for team in owners[entry.digest] if team != entry.team]
        if entry.digest and others:
            entry.said = f"{entry.said} The same file as that of {', '.join(others[:3])}.".strip()
    return ranked + [entry for entry in entries if np.isnan(entry.score)]


def _enter(folder: Path, path: Path, task: str, secret: Secret, part: str, day: str) -> Entry:
    """Judge one file. Whatever is wrong with it stays its own affair."""
    entry = Entry(path.parent.name)
    try:
        content = take(path, limit(secret.rules, task))
        digest = hashlib.sha256(content).hexdigest()
        kept = folder / r.ORGANISERS / SCORES
        kept.mkdir(exist_ok=True)
        file = kept / f"{task}-{part}-{digest}.json"
        sound = None if file.exists() else _read(content, path.name, task, secret)
        if part == "public":
            used = _attempt(folder, entry.team, task, day, digest, secret.rules.attempts)
            if used != digest:
                entry.said = (
                    f"This is the score of an earlier file: {secret.rules.attempts} files a day "
                    "are scored, and today's are used up. At the end your last file counts. "
                )
                digest, file = used, kept / f"{task}-{part}-{used}.json"
        if not file.exists():
            if digest != hashlib.sha256(content).hexdigest():
                raise InputError("No file of yours was scored today, and the attempts are used up.")
            r.write_json(file, _judge(sound, task, secret))
        result = json.loads(file.read_text(encoding="utf-8"))
        entry.digest = digest
        entry.said += result.pop("said")
        for name, value in result.items():
            setattr(entry, name, value)
    except InputError as reason:
        entry.said = str(reason)
    except Exception as error:  # one file must not cost the other teams their scores
        entry.said = f"This file could not be judged ({type(error).__name__}). Ask the organisers."
    return entry


def _read(content: bytes, name: str, task: str, secret: Secret) -> Any:
    """Return what a file holds, read from a copy that nobody can exchange meanwhile."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, name)
        path.write_bytes(content)
        test = secret.test[ART_HIV.patient].unique()
        try:
            if task == r.PREDICTION:
                return read_prediction(path, test)
            given = np.union1d(test, secret.training[ART_HIV.patient])
            return read_cohort(path, secret.rules, given)
        except InputError as reason:
            raise InputError(str(reason).replace(f"{path.parent}{os.sep}", "")) from None


def _judge(sound: Any, task: str, secret: Secret) -> dict[str, Any]:
    """Return a score to keep, or why there is none."""
    try:
        return (score_prediction if task == r.PREDICTION else score_cohort)(sound, secret)
    except InputError as reason:
        return {"said": str(reason)}


def _attempt(folder: Path, team: str, task: str, day: str, digest: str, most: int) -> str:
    """Count a new file against today's attempts; return which file of the team is to be scored."""
    path = folder / r.ORGANISERS / LEDGER
    ledger = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    days = ledger.setdefault(team, {}).setdefault(task, {})
    today = days.setdefault(day, [])
    if digest in (known for some in days.values() for known in some):
        return digest
    if len(today) >= most:
        return today[-1]
    today.append(digest)
    r.write_json(path, ledger)
    return digest


def _teams(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the folders of teams, and the names of those that cannot be scored."""
    register = folder / r.ORGANISERS / REGISTER
    known = None
    if register.is_file():
        known = {line.strip() for line in register.read_text(encoding="utf-8").splitlines()}
    teams, strangers = [], []
    for path in sorted((folder / r.SUBMISSIONS).iterdir()):
        if path.name.startswith(".") or (path.is_file() and not path.is_symlink()):
            continue
        fine = not path.is_symlink() and path.is_dir() and TEAM.fullmatch(path.name)
        if fine and (known is None or path.name in known):
            teams.append(path)
        else:
            strangers.append(path.name)
    return teams, strangers


def _secret(folder: Path, part: str) -> Secret:
    """Read what the organisers hold."""
    participants = folder / r.PARTICIPANTS
    rules = r.Rules.load(participants)
    if not (folder / r.SUBMISSIONS).is_dir():
        raise InputError(f"{folder} has no folder {r.SUBMISSIONS}. Name a datathon's folder.")
    held = read_table(folder / r.ORGANISERS / f"{part}_test.csv")
    return Secret(rules, read_table(participants / r.TRAINING),
                  read_table(participants / r.TEST), held)
