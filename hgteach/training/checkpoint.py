"""A training that can be stopped at any moment and goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

from hgteach.errors import InputError
from hgteach.training import container
from hgteach.training.diffusion import DiffusionTraining
from hgteach.training.gan import GanTraining
from hgteach.training.generator import FILE_NAME as GENERATOR_FILE

FILE_NAME = "checkpoint.safetensors"
KIND = "checkpoint, version 1"

Training = GanTraining | DiffusionTraining


def refuse_to_replace(folder: Path) -> None:
    """Keep a new training out of a folder that holds another one's work.

    Raises:
        InputError: ``folder`` holds a checkpoint, or a generator.
    """
    if (folder / FILE_NAME).exists():
        about, _ = container.read(folder / FILE_NAME, KIND)
        found = f"a training of {len(about['history'])} epochs. Add --resume (resume=True) to go on"
    elif (folder / GENERATOR_FILE).exists():
        found = "a trained generator. Move it away"
    else:
        return
    raise InputError(f"{folder} already holds {found}, or choose another folder.")


def save(folder: Path, training: Training, identity: dict[str, str]) -> None:
    """Write the state after the last finished epoch.

    ``identity`` is what must be the same for the training to go on: patients and settings.
    """
    about = {"identity": identity, "history": training.history}
    container.write(folder / FILE_NAME, KIND, about, training.state())


def restore(folder: Path, training: Training, identity: dict[str, str]) -> None:
    """Bring ``training`` to the state that :func:`save` wrote into ``folder``.

    Raises:
        InputError: there is no checkpoint, it is damaged, or it belongs to other data or
            settings.
    """
    path = folder / FILE_NAME
    about, tensors = container.read(path, KIND)
    found = about.get("identity", {})
    for part, hint in (("data", "another table"), ("settings", "other columns or settings")):
        if found.get(part) != identity[part]:
            raise InputError(
                f"{path} comes from training on {hint}. Resume with the same ones, or choose "
                "another folder to start afresh."
            )
    try:
        training.load_state(tensors)
        training.history = list(about["history"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{path} does not hold this model ({str(error).splitlines()[0]}). "
            "It was left as it is."
        ) from None
