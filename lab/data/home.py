"""Where the lab keeps what it makes: the embedded server's data and the files to send."""

import os
from pathlib import Path

from lab.errors import LabError


def home() -> Path:
    """Return the lab's folder, which exists afterwards.

    It is ``MEMORY_LAB_HOME`` if that is set, else the user's data folder. Root's own folder is
    closed to the account that the embedded server runs under, so root's is under ``/var/lib``.

    Raises:
        LabError: It cannot be made.
    """
    chosen = os.environ.get("MEMORY_LAB_HOME")
    if chosen:
        folder = Path(chosen).expanduser().absolute()
    elif os.geteuid() == 0:
        folder = Path("/var/lib/memory-lab")
    else:
        import platformdirs

        folder = platformdirs.user_data_path("memory-lab")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"cannot make {folder} ({error.strerror}): set MEMORY_LAB_HOME to a folder of yours."
        ) from None
    return folder
