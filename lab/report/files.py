"""Writing the files of a command; errors name the file."""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from lab.errors import LabError


def write_json(path: Path, document: Any) -> None:
    """Write a document as JSON, or print it if the path is ``-``.

    Raises:
        LabError: The file or the output cannot be written.
    """
    text = json.dumps(document, indent=2, allow_nan=False, default=str)
    if str(path) == "-":
        print(text, flush=True)
        if problem := getattr(sys.stdout, "problem", ""):
            raise LabError(problem)
    else:
        write_text(path, text + "\n")


def require_writable(path: Path, *, folder: bool = False) -> None:
    """Return if a file can be written, so that no measurement is lost at its end.

    Args:
        path: The file, which is not touched.
        folder: Whether it is a folder for files.

    Raises:
        LabError: It cannot be written.
    """
    place = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    try:
        if place == path.absolute() and not folder:
            if path.is_dir() or not os.access(path, os.W_OK):
                with path.open("ab"):  # raises the error
                    pass
        else:
            with TemporaryFile(dir=place):
                pass
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}.") from None


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, with half characters escaped, and create the folders above it.

    Raises:
        LabError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}.") from None
