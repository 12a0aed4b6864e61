"""What a budget measures: a function, a request or a variant of a pattern, as its keys say."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from string import Template
from typing import TYPE_CHECKING, Any

from lab.budgets.table import Table
from lab.errors import LabError, nearest
from lab.measure.sweep import DEFAULT_SIZES
from lab.measure.workload import Function, Subject, resolve
from lab.pattern import AXES, O

if TYPE_CHECKING:
    from lab.pattern import Pattern

_OWN = {
    "target": {"setup"},
    "request": {"app", "headers", "body", "field", "clients"},
    "pattern": {"variant"},
}
"""The three that may be measured, and the keys that mean something with only one of them."""

KEYS = {*_OWN, *(key for keys in _OWN.values() for key in keys), "axis", "sizes"}


@dataclass(frozen=True)
class Measured:
    """What a budget measures, and what is promised of it in another place.

    Attributes:
        subject: What a sweep takes.
        what: Says which it is.
        axis: What the sizes count.
        sizes: Increasing.
        claim: That of a pattern's variant, or None.
    """

    subject: Subject
    what: str
    axis: str
    sizes: tuple[int, ...]
    claim: O | None = None


def read_subject(table: Table) -> Measured:
    """Read what a budget measures.

    Raises:
        LabError: A key is missing, contradicts another, or has a value that means nothing.
    """
    given = [key for key in _OWN if key in table]
    if len(given) != 1:
        wrong = f"has {' and '.join(given)}" if given else "names nothing to measure"
        raise table.error(f"{wrong}: give it one of target, request and pattern")
    for owner, keys in _OWN.items():
        lost = sorted(keys & set(table.values)) if owner != given[0] else []
        if lost:
            raise table.error(f"it goes with a {owner}, and this is a {given[0]}", lost[0])
    return {"target": _function, "request": _endpoint, "pattern": _answer}[given[0]](table)


def _function(table: Table) -> Measured:
    target, setup = table.text("target"), table.text("setup") or None
    if re.match(r"[A-Z]+ /", target):
        raise table.error(f"{target!r} is a request: write request = and app =", "target")
    _check_path(table, "target")
    _check_path(table, "setup")
    what = f"{target} with {setup}" if setup else target
    return Measured(Function(target, setup), what, _axis(table), _sizes(table))


def _endpoint(table: Table) -> Measured:
    from lab.measure.endpoint import Endpoint

    request = table.text("request")
    if "app" not in table:
        raise table.error('say which application answers it, as app = "package.module:app"')
    _check_path(table, "app")
    axis, clients = _axis(table), table.count("clients", 1)
    if axis == "clients" and "clients" in table:
        raise table.error("along the axis clients the sizes are their number", "clients")
    if "field" in table and "body" not in table:
        raise table.error('it names the field of an upload: say body = "rows" or "bytes"', "field")
    body = table.one_of("body", ("rows", "bytes")) or None
    more: dict[str, Any] = {"body": body, "field": table.text("field", "file"), "clients": clients}
    with table.at("request"):
        Endpoint.parse(request, table.text("app"))
    with table.at("headers"):
        subject = Endpoint.parse(request, table.text("app"), table.texts("headers"), **more)
    with table.at("request"):
        subject.check(axis)
    sent = f" with a body of {body}" if body else ""
    at_once = f" by {clients} clients" if clients > 1 else ""
    what = f"{subject} of {subject.app}{sent}{at_once}"
    return Measured(subject, what, axis, _sizes(table))


def with_variables(subject: Subject, place: str) -> Subject:
    """Put variables of the environment, written as $NAME, into the headers of a request.

    So no token has to stand in a file.

    Raises:
        LabError: A variable is not set.
    """
    from lab.measure.endpoint import Endpoint

    if not isinstance(subject, Endpoint):
        return subject
    try:
        headers = {k: Template(v).substitute(os.environ) for k, v in subject.headers.items()}
    except KeyError as missing:
        name = missing.args[0]
        raise LabError(f"{place}: a header wants ${name}, which is not set: export it.") from None
    except ValueError:
        raise LabError(f"{place}: a dollar sign in a header is written $$.") from None
    return replace(subject, headers=headers)


def _answer(table: Table) -> Measured:
    from lab.compare import Answer

    with table.at("pattern"):
        pattern = _pattern(table.text("pattern"))
    if "variant" not in table:
        names = ", ".join(variant.name for variant in pattern.variants)
        raise table.error(f"say which variant of {pattern.name}: {names}")
    with table.at("variant"):
        variant = pattern[table.text("variant")]
    axis = table.text("axis", next(iter(pattern.axes)))
    with table.at("axis"):
        usual = pattern.sizes_for(variant, axis)
    sizes = table.sizes("sizes", usual)
    what = f"{pattern.name} {variant.name}"
    return Measured(Answer(pattern, variant), what, axis, sizes, variant.peak)


def _axis(table: Table) -> str:
    axis = table.text("axis", "n")
    if axis not in AXES:
        raise table.error(f"unknown axis {axis!r}: {nearest(axis, list(AXES))}", "axis")
    return axis


def _sizes(table: Table) -> tuple[int, ...]:
    return table.sizes("sizes", DEFAULT_SIZES)


def _check_path(table: Table, key: str) -> None:
    path = table.text(key)
    if key in table and not re.fullmatch(r"[^\s:]+:[^\s:]+", path):
        kind = {"target": "function", "setup": "context_manager", "app": "app"}[key]
        raise table.error(f"{path!r} cannot be found: write package.module:{kind}", key)


def _pattern(name: str) -> "Pattern":
    """Find a pattern of the lab's by its name, or somebody's by its import path."""
    from lab.pattern import Pattern

    if ":" not in name:
        from lab.patterns import pattern

        return pattern(name)
    try:
        with from_this_folder():
            found = resolve(name)
    except LabError:
        raise
    except Exception as error:
        raise LabError(f"{name} cannot be imported: {type(error).__name__}: {error}") from None
    if not isinstance(found, Pattern):
        raise LabError(f"{name} is a {type(found).__name__}, and no pattern")
    return found


@contextmanager
def from_this_folder() -> Iterator[None]:
    """Import as the measuring processes do: from the current folder first."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
