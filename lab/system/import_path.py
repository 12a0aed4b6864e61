"""An object of the user's by its import path, and where an error was raised in the user's code."""

import contextlib
import importlib
import traceback
from pathlib import Path
from typing import Any

from lab.errors import LabError, nearest

_SHOWN_FRAMES = 6
_LAB = Path(__file__).parents[1]
_MACHINERY = (
    *(f"{_LAB / folder}/" for folder in ("measure", "net", "system")),
    *("<frozen", contextlib.__file__, importlib.__file__),
    f"{Path(contextlib.__file__).parent / 'asyncio'}/",
)


def resolve(path: str) -> Any:
    """Import the object at a path of the form ``package.module:name``.

    Raises:
        LabError: The path has another form, the module does not exist, or it has no such name.
    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise LabError(f"{path!r} is not a target: write package.module:function.")
    try:
        target: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise LabError(
                f"cannot import {module_name!r} for {path}: no such module from this folder; "
                "run the command where the package can be imported."
            ) from None
        raise
    for part in attribute.split("."):
        if not hasattr(target, part):
            known = [name for name in dir(target) if callable(getattr(target, name))]
            public = [name for name in known if not name.startswith("_")]
            raise LabError(f"{module_name} has no {attribute!r}: {nearest(part, public)}")
        target = getattr(target, part)
    return target


def sole_error(error: BaseException) -> BaseException:
    """Return the only error in a group, such as one of a task group, or the error itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def user_frames(error: BaseException) -> str:
    """Return the innermost frames of an error outside of the lab's machinery, as text."""
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not frame.filename.startswith(_MACHINERY)]
    return "".join(traceback.format_list(outside[-_SHOWN_FRAMES:])).rstrip()
