"""Writing a file so that nobody ever meets half of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hgteach.errors import InputError


@contextmanager
def replacing(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``target``, and rename it to ``target`` on success.

    A rename within one folder is atomic, so a reader sees the old file or the new one, never a
    part. If the block raises, or the process is killed, ``target`` keeps its old content.

    Raises:
        InputError: the folder of ``target`` does not exist, or cannot be written to.
    """
    target = Path(target)
    if target.is_dir():
        raise InputError(f"{target} is a folder. Give the name of a file.")
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent
        )
    except FileNotFoundError:
        raise InputError(
            f"The folder {target.parent} does not exist. Create it, or choose another place."
        ) from None
    except OSError as error:
        raise InputError(
            f"Cannot write to the folder {target.parent} ({error.strerror}). Choose another place."
        ) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes the file private; give it the permissions an ordinary file would have.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
