"""Fetching the published files, so that nobody ever learns from half of one.

The file of Kuo et al. lies on Figshare (doi 10.6084/m9.figshare.22827878). No checksum of it was
published, so a download counts only when it has the published shape and passes every check of the
schema. Then it replaces the old one in one step, and a note beside it says where it came from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from hgteach.cohorts.art_hiv import ART_HIV, MONTHS, PATIENTS
from hgteach.cohorts.catalogue import COHORTS, Cohort
from hgteach.cohorts.checking import check
from hgteach.cohorts.reading import read_table, write_table
from hgteach.errors import InputError
from hgteach.files import replacing

ART_HIV_URL = "https://figshare.com/ndownloader/files/40584980"
ART_HIV_FILE = COHORTS["art-hiv"].file
PUBLISHED = "Health Gym v2 synthetic ART-for-HIV (Figshare, doi 10.6084/m9.figshare.22827878)"
UNVERIFIED = "A table in the layout of the published ART-for-HIV file; its origin was not verified"
# CD4 of the first patient's first five months, as a public analysis of the file prints it: a copy
# that somebody gives us is called published only if it begins like this.
FIRST_CD4 = (793, 467, 465, 692, 642)
BY_HAND = "Or download it with a browser and give it: hgteach data fetch art-hiv --from-file CSV."


def data_folder() -> Path:
    """Return where fetched data live: ``$HGTEACH_DATA``, or else the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("HGTEACH_DATA") or user_cache_dir("hgteach", appauthor=False))


def fetched_art_hiv() -> Path | None:
    """Return the published ART-for-HIV file if it was fetched, else ``None``."""
    return COHORTS["art-hiv"].fetched


def fetch_art_hiv(
    url: str = ART_HIV_URL, *, from_file: str | Path | None = None, patients: int = PATIENTS
) -> Path:
    """Download the published file, or copy it from ``from_file``, and return where it now lies.

    A break leaves the old file as it was; the next call starts afresh.

    Args:
        url: where to download from.
        from_file: a copy already on this machine; nothing is downloaded then.
        patients: how many patients of 60 months the file must hold.

    Raises:
        InputError: the server cannot be reached, breaks off, or sends something else.
    """
    target = _place(ART_HIV_FILE)
    source = str(from_file or url)
    with replacing(target) as temporary:
        if from_file is None:
            _download(url, temporary)
        else:
            _copy(Path(from_file), temporary)
        table = _check_published(temporary, source, patients)
        begins_alike = np.allclose(table["CD4"].iloc[: len(FIRST_CD4)], FIRST_CD4, atol=1)
        published = begins_alike if from_file else url == ART_HIV_URL
        provenance = PUBLISHED if published else UNVERIFIED
        digest = _sha256(temporary)
        _note(target).unlink(missing_ok=True)  # never the old note beside the new file
    _write_note(target, provenance, source, digest)
    return target


def fetch_copy(cohort: Cohort, from_file: str | Path) -> Path:
    """Take the user's copy of a cohort that is behind an agreement; return where it now lies.

    The table is brought into the coding of the cohort's schema, checked and written anew. The
    note beside it says what was changed, and keeps the fingerprint of the file that was given.

    Raises:
        InputError: the file is not the cohort's, whole and sound.
    """
    source, target = Path(from_file), _place(cohort.file)
    table, changes = cohort.tidy(read_table(source))
    check(table, cohort.schema, source=str(source))
    if len(table) != cohort.patients * cohort.steps:
        raise InputError(
            f"{source} holds {len(table):,} rows, not {cohort.patients:,} patients of "
            f"{cohort.steps} {cohort.every} ({cohort.patients * cohort.steps:,} rows). "
            "Nothing was changed."
        )
    write_table(table, target)
    changed = f" Changed on the way in: {', '.join(changes)}." if changes else ""
    provenance = (
        f"A table in the layout of the published {cohort.name} cohort (doi "
        f"10.13026/p0tv-0r98), given by the user; its origin was not verified.{changed}"
    )
    _write_note(target, provenance, str(source), _sha256(source))
    return target


def _place(name: str) -> Path:
    """Return where a fetched file goes, in a folder that exists."""
    target = data_folder() / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot make the folder {target.parent} ({error.strerror}). "
            "Set HGTEACH_DATA to a folder that you may write to."
        ) from None
    return target


def _write_note(target: Path, provenance: str, source: str, digest: str) -> None:
    """Write beside a fetched file where it came from."""
    note = {
        "provenance": provenance,
        "source": source,
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "sha256": digest,
    }
    with replacing(_note(target)) as temporary:
        temporary.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def provenance_of(path: Path) -> str:
    """Return a sentence on where a fetched file came from, out of the note beside it."""
    try:
        return str(json.loads(_note(path).read_text(encoding="utf-8"))["provenance"])
    except (OSError, ValueError, KeyError, TypeError):
        return UNVERIFIED


def _note(path: Path) -> Path:
    """Return where the note on a fetched file lies."""
    return path.with_suffix(".json")


def _download(url: str, path: Path) -> None:
    """Download with a progress bar."""
    import requests
    from pooch import HTTPDownloader

    try:
        HTTPDownloader(progressbar=True, chunk_size=1 << 16, timeout=30)(url, path, None)
    except requests.HTTPError as error:
        reason = f"the server answered {error.response.status_code} ({error.response.reason})"
    except requests.Timeout:
        reason = "the server did not answer for 30 seconds"
    except requests.exceptions.ChunkedEncodingError:
        reason = "the connection broke off half-way"
    except requests.ConnectionError:
        reason = "there is no connection to the server"
    except requests.RequestException as error:
        reason = str(error)
    else:
        return
    raise InputError(
        f"The download from {url} failed: {reason}. Nothing was changed. Try again later. {BY_HAND}"
    )


def _copy(source: Path, path: Path) -> None:
    """Copy a file that the user has already."""
    if not source.is_file():
        raise InputError(f"There is no file {source}. Check the name and the folder.")
    shutil.copyfile(source, path)


def _check_published(path: Path, source: str, patients: int) -> pd.DataFrame:
    """Return the labelled table, or refuse a file that is not it, whole and sound."""
    try:
        table = check(read_table(path), ART_HIV, source=source)
    except InputError as error:
        what = str(error).replace(str(path), source)
        raise InputError(f"{what}\nNothing was changed. {BY_HAND}") from None
    if len(table) != patients * MONTHS:
        raise InputError(
            f"{source} holds {len(table):,} rows, not {patients:,} patients of {MONTHS} months "
            f"({patients * MONTHS:,} rows). Nothing was changed. {BY_HAND}"
        )
    return table


def _sha256(path: Path) -> str:
    """Return the fingerprint of a file, for the note that is kept beside it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
