"""Writing the files of a command; errors name the file."""

import json
import sys
from pathlib import Path
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
