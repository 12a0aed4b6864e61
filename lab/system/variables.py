"""Environment variables that a user gives to the measured code; no message shows a value."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lab.errors import LabError


def parse_variables(texts: Iterable[str]) -> dict[str, str]:
    """Return variables from texts of the form ``NAME=VALUE``.

    Raises:
        LabError: A text has another form, or a name is not valid.
    """
    pairs = [text.partition("=") for text in texts]
    if not all(equals for _, equals, _ in pairs):
        raise LabError("an environment variable has no '=': write it as NAME=VALUE.")
    return checked_variables({name: value for name, _, value in pairs})


def checked_variables(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return a copy of variables whose names and values an environment can have.

    Raises:
        LabError: It cannot have one of them.
    """
    for name, value in variables.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", str(name), re.ASCII):
            raise LabError(
                f"{name!r} is no name of an environment variable: use letters, digits and _."
            )
        if not isinstance(value, str) or "\0" in value:
            raise LabError(f"the environment variable {name} must be text without a zero byte.")
    return dict(variables)
