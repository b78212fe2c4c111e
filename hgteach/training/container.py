"""One file for tensors and what they mean: safetensors, with JSON in its header.

Weights and settings share a file, so they can never disagree, and one rename replaces both.
Reading runs no code: the file holds numbers, its header holds text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hgteach.errors import InputError
from hgteach.files import replacing


def make_folder(folder: str | Path) -> Path:
    """Make ``folder`` if need be, and return it.

    Raises:
        InputError: it cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file has this name, choose another" if folder.is_file() else error.strerror
        raise InputError(f"Cannot make the folder {folder}: {reason}.") from None
    return folder


def write(path: Path, kind: str, about: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write beside ``path``, then rename. ``kind`` names the content and its version.

    Raises:
        InputError: it cannot be written, because the disk is full for instance.
    """
    for leftover in path.parent.glob(f".{path.name}.*"):  # of a process killed while writing
        leftover.unlink(missing_ok=True)
    try:
        with replacing(path) as temporary:
            save_file(
                {name: tensor.contiguous() for name, tensor in tensors.items()},
                temporary,
                metadata={"hgteach": json.dumps({"kind": kind, **about})},
            )
    except SafetensorError as error:
        raise InputError(
            f"{path} cannot be written ({error}). Make room, or choose another place."
        ) from None


def read(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what :func:`write` was given.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    if not path.is_file():
        raise InputError(f"There is no {path.name} in {path.parent}. Train first.")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("hgteach", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"{path} is damaged, or is not a file of hgteach ({error}). It was left as it is."
        ) from None
    if about.get("kind") != kind:
        raise InputError(
            f"{path} holds {about.get('kind', 'something else')!r}, and this version of hgteach "
            f"reads {kind!r}. It was left as it is."
        )
    return about, tensors
