"""The folder for the data of the embedded server and the files to send."""

import os
from pathlib import Path

from lab.errors import LabError


def home() -> Path:
    """Return the lab's folder, created if missing.

    It is ``MEMORY_LAB_HOME`` if that is set, else the user's data folder. For root it is under
    ``/var/lib``, since the account of the embedded server cannot enter root's home.

    Raises:
        LabError: The folder cannot be created.
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
            f"cannot create {folder} ({error.strerror}): set MEMORY_LAB_HOME to another folder."
        ) from None
    return folder
