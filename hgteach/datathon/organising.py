"""Make a datathon: split the patients, keep the secret, write the brief and the baseline.

The simulator is public, so whoever knows its seed has every answer. Its seed is therefore made
from 256 random bits that only the organisers' folder holds; a number that could be guessed, or
tried one after another, would not do. The same secret and seed make the same datathon again.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from hgteach.cohorts.art_hiv import ART_HIV, MONTHS
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.download import fetched_art_hiv, provenance_of
from hgteach.cohorts.reading import read_table, write_table
from hgteach.datathon import rules as r
from hgteach.datathon.baseline import baseline_notebook
from hgteach.datathon.texts import brief, organisers_page
from hgteach.errors import InputError

SECRET = "secret.json"
SIMULATED = (
    "Simulated stand-in for the ART-for-HIV cohort, made by hgteach with a secret seed: not "
    "patient data, and not the Health Gym file"
)


def init(
    folder: str | Path,
    patients: int = r.DEFAULT_PATIENTS,
    seed: int = 0,
    *,
    secret: str | Path | None = None,
    published: bool = False,
) -> Path:
    """Write a ready-to-run datathon into a new folder and return it.

    A third of the patients is given out for training. The others are the test: the first
    ``KNOWN`` months of their courses are given out, and the organisers keep the rest. Half of them
    count on the day (public), the other half at the end (private); who is who is secret.

    Args:
        folder: a new or empty folder.
        patients: of all kinds together.
        seed: a second number beside the secret, for a second datathon with the same secret.
        secret: an earlier datathon's ``organisers/secret.json``, to make that one again.
        published: take the published cohort, which must have been fetched. Its rows are public,
            so whoever downloads it can look the answers up.

    Raises:
        InputError: the folder is not empty, or a number or file is wrong.
    """
    folder = Path(folder).absolute()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder} is not a folder. Choose a new name.")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty. Choose a new folder; nothing was written.")
    if not r.FEWEST <= patients <= r.MOST_PATIENTS:
        raise InputError(
            f"Ask for {r.FEWEST} to {r.MOST_PATIENTS:,} patients, not {patients:,}: with fewer, "
            "no ranking means anything."
        )
    if seed < 0:
        raise InputError(f"A seed is a whole number from 0 up, not {seed}.")
    token = _known_secret(secret) if secret else secrets.token_hex(32)
    mixed = hashlib.sha256(f"{token} {seed} {patients}".encode()).digest()
    random = np.random.default_rng(int.from_bytes(mixed))
    raw, provenance = _cohort(patients, random, published)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(f"Cannot write to {folder.parent} ({error.strerror}).") from None
    try:
        _write(building, raw, provenance, random, {"secret": token, "seed": seed})
        building.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def _known_secret(path: str | Path) -> str:
    """Return the secret of an earlier datathon."""
    try:
        token = json.loads(Path(path).read_text(encoding="utf-8"))["secret"]
    except (OSError, ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or len(token) < 32:
        raise InputError(f"{path} is not the {SECRET} of an organisers' folder.")
    return token


def _cohort(
    patients: int, random: np.random.Generator, published: bool
) -> tuple[pd.DataFrame, str]:
    """Return so many patients with identifiers that say nothing, and where they come from."""
    if published:
        path = fetched_art_hiv()
        if path is None:
            raise InputError(
                "The published cohort was not fetched. Run: hgteach data fetch art-hiv. Or leave "
                "out --published and take the simulated stand-in."
            )
        raw, provenance = read_table(path), provenance_of(path)
        raw = raw.sort_values([ART_HIV.patient, ART_HIV.time], ignore_index=True)
    else:
        raw = simulate_art_hiv(patients, int.from_bytes(random.bytes(32)))
        provenance = SIMULATED  # and not the table's own, which names the seed
    total = len(raw) // MONTHS
    chosen = random.permutation(total)[:patients]  # in a random order, so order tells nothing
    raw = raw.iloc[(chosen[:, None] * MONTHS + np.arange(MONTHS)).ravel()]
    names = 100_000 + random.choice(900_000, patients, replace=False)
    return raw.assign(**{ART_HIV.patient: names.repeat(MONTHS)}), provenance


def _write(
    folder: Path,
    raw: pd.DataFrame,
    provenance: str,
    random: np.random.Generator,
    secret: dict[str, object],
) -> None:
    """Write every file of the datathon."""
    for name in (r.ORGANISERS, r.SUBMISSIONS, f"{r.PARTICIPANTS}/data"):
        (folder / name).mkdir(parents=True)
    os.chmod(folder / r.ORGANISERS, 0o700)
    participants = folder / r.PARTICIPANTS
    third = len(raw) // MONTHS // 3
    cut = third * MONTHS
    training, public, private = raw[: len(raw) - 2 * cut], raw[-2 * cut : -cut], raw[-cut:]
    order = [ART_HIV.patient, ART_HIV.time]
    known = pd.concat([public, private])
    known = known[known[ART_HIV.time] < r.KNOWN]
    write_table(training.sort_values(order), participants / r.TRAINING)
    write_table(known.sort_values(order), participants / r.TEST)
    for part, table in zip(r.PARTS, (public, private), strict=True):
        write_table(table.sort_values(order), folder / r.ORGANISERS / f"{part}_test.csv")
    patients = len(training) // MONTHS
    rules = r.Rules(provenance, patients, 2 * third, min(r.LARGEST_COHORT, patients // 2))
    rules.save(participants / r.RULES)
    r.write_json(folder / r.ORGANISERS / SECRET, secret)
    texts = {
        participants / "BRIEF.md": brief(rules),
        participants / "baseline.ipynb": baseline_notebook(rules),
        folder / r.ORGANISERS / "README.md": organisers_page(rules),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
