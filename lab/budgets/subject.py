"""The subject of a budget, read from its keys: a function, a request or a variant of a pattern."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from string import Template
from typing import TYPE_CHECKING, Any

from lab.budgets.toml_values import TomlValues
from lab.claim import AXES, O
from lab.curves.limits import default_sizes
from lab.errors import LabError, nearest
from lab.measure.workload import Function, Subject, resolve

if TYPE_CHECKING:
    from lab.pattern import Pattern

_OWN_KEYS = {
    "target": {"setup"},
    "request": {"app", "headers", "body", "field", "clients"},
    "pattern": {"variant"},
}
"""The three kinds of subject, each with the keys that only it takes."""

KEYS = {*_OWN_KEYS, *(key for keys in _OWN_KEYS.values() for key in keys), "axis", "sizes"}


@dataclass(frozen=True)
class BudgetSubject:
    """What a budget measures, and the claim that the subject already has.

    Attributes:
        subject: The subject of the sweep.
        what: The subject in words, without possible secrets such as headers.
        axis: What the sizes count.
        sizes: Increasing.
        claim: The claim of a pattern's variant, or None.
        per_client: Most bytes that one more client of the variant may cost, or None.
    """

    subject: Subject
    what: str
    axis: str
    sizes: tuple[int, ...]
    claim: O | None = None
    per_client: int | None = None


def read_subject(table: TomlValues) -> BudgetSubject:
    """Read what a budget measures.

    Raises:
        LabError: A key is missing, contradicts another key, or has an invalid value.
    """
    given = [key for key in _OWN_KEYS if key in table]
    if len(given) != 1:
        wrong = f"has {' and '.join(given)}" if given else "names nothing to measure"
        raise table.error(f"{wrong}: give it one of target, request and pattern")
    for kind, keys in _OWN_KEYS.items():
        foreign = sorted(keys & set(table.values)) if kind != given[0] else []
        if foreign:
            raise table.error(f"it goes with {kind}, and this budget has {given[0]}", foreign[0])
    return {"target": _function, "request": _endpoint, "pattern": _variant}[given[0]](table)


def _function(table: TomlValues) -> BudgetSubject:
    target, setup = table.text("target"), table.text("setup") or None
    if re.match(r"[A-Z]+ /", target):
        raise table.error(f"{target!r} is a request: write request = and app =", "target")
    _check_path(table, "target")
    _check_path(table, "setup")
    what = f"{target} with {setup}" if setup else target
    return BudgetSubject(Function(target, setup), what, _axis(table), _sizes(table, 0))


def _endpoint(table: TomlValues) -> BudgetSubject:
    from lab.measure.http.endpoint import Endpoint

    request = table.text("request")
    if "app" not in table:
        raise table.error('name the application that answers: app = "package.module:app"')
    _check_path(table, "app")
    axis, clients = _axis(table), table.count("clients", 1)
    if axis == "clients" and "clients" in table:
        raise table.error("the sizes of the axis clients are the clients: leave it out", "clients")
    if "field" in table and "body" not in table:
        raise table.error('it is the field of an upload: set body = "rows" or "bytes"', "field")
    body = table.one_of("body", ("rows", "bytes")) or None
    more: dict[str, Any] = {"body": body, "field": table.text("field", "file"), "clients": clients}
    with table.at("request"):
        Endpoint.parse(request, table.text("app"))
    with table.at("headers"):
        subject = Endpoint.parse(request, table.text("app"), table.texts("headers"), **more)
    with table.at("request"):
        subject.require_axis(axis)
    sent = f" with a body of {body}" if body else ""
    at_once = f" by {clients} clients" if clients > 1 else ""
    what = f"{subject} of {subject.app}{sent}{at_once}"
    return BudgetSubject(subject, what, axis, _sizes(table, subject.noise))


def with_variables(subject: Subject, place: str) -> Subject:
    """Replace $NAME in the headers of a request by the environment variable NAME.

    A file of budgets then needs no secrets.

    Args:
        subject: Returned as it is, unless it is a request.
        place: Where the budget is written, for an error.

    Raises:
        LabError: A variable is not set.
    """
    from lab.measure.http.endpoint import Endpoint

    if not isinstance(subject, Endpoint):
        return subject
    try:
        headers = {k: Template(v).substitute(os.environ) for k, v in subject.headers.items()}
    except KeyError as missing:
        name = missing.args[0]
        raise LabError(f"{place}: a header uses ${name}, which is not set: export it.") from None
    except ValueError:
        raise LabError(f"{place}: write a dollar sign in a header as $$.") from None
    return replace(subject, headers=headers)


def _variant(table: TomlValues) -> BudgetSubject:
    from lab.variants import VariantSubject

    with table.at("pattern"):
        pattern = _pattern(table.text("pattern"))
    if "variant" not in table:
        names = ", ".join(variant.name for variant in pattern.variants)
        raise table.error(f"choose a variant of {pattern.name}: {names}")
    with table.at("variant"):
        variant = pattern[table.text("variant")]
    axis = table.text("axis", next(iter(pattern.axes)))
    with table.at("axis"):
        default = pattern.sizes_for(variant, axis)
    sizes = table.sizes("sizes", default)
    what = f"{pattern.name} {variant.name}"
    subject = VariantSubject(pattern, variant)
    return BudgetSubject(subject, what, axis, sizes, variant.peak, variant.client_bytes)


def _axis(table: TomlValues) -> str:
    axis = table.text("axis", "n")
    if axis not in AXES:
        raise table.error(f"unknown axis {axis!r}: {nearest(axis, list(AXES))}", "axis")
    return axis


def _sizes(table: TomlValues, noise: int) -> tuple[int, ...]:
    return table.sizes("sizes", default_sizes(_axis(table), noise))


def _check_path(table: TomlValues, key: str) -> None:
    path = table.text(key)
    if key in table and not re.fullmatch(r"[^\s:]+:[^\s:]+", path):
        kind = {"target": "function", "setup": "context_manager", "app": "app"}[key]
        raise table.error(f"{path!r} is not an import path: write package.module:{kind}", key)


def _pattern(name: str) -> "Pattern":
    """Return a pattern of the lab by its name, or any other by its import path."""
    from lab.pattern import Pattern

    if ":" not in name:
        from lab.patterns import pattern

        return pattern(name)
    try:
        with _importing_from_here():
            target = resolve(name)
    except LabError:
        raise
    except Exception as error:
        raise LabError(f"{name} cannot be imported: {type(error).__name__}: {error}") from None
    if not isinstance(target, Pattern):
        raise LabError(f"{name} is a {type(target).__name__}, not a pattern")
    return target


@contextmanager
def _importing_from_here() -> Iterator[None]:
    """Search the current folder first for imports, as the measuring processes do."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
