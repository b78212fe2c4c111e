"""Where the generators lie that come with the course, already trained."""

from pathlib import Path

from hgteach.training.generator import FILE_NAME

FOLDER = Path(__file__).resolve().parents[2] / "data" / "generators"


def shipped(model: str) -> Path | None:
    """Return the folder of the pretrained generator of ``model``, or None if there is none.

    So a notebook loads it where it is, and trains where it is not::

        folder = shipped("v2")
        generator = Generator.load(folder) if folder else train("v2", cohort, schema)
    """
    folder = FOLDER / model
    return folder if (folder / FILE_NAME).is_file() else None
