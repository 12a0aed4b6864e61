"""Memory Lab: claims about memory, measured.

>>> import lab
>>> curve = lab.sweep("app.exports:stream", axis="rows", sizes=lab.doubling(8_000, 128_000))
>>> lab.verdict(curve, lab.O(1))  # doctest: +SKIP

The names are imported when they are first used, so that `import lab` costs nothing.

PYTEST_DONT_REWRITE: its assertions are for the type checker, and not for pytest to explain.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.errors import LabError as LabError
    from lab.measure.curve import Curve as Curve
    from lab.measure.curve import Point as Point
    from lab.measure.sweep import sweep as sweep
    from lab.measure.verdict import Verdict as Verdict
    from lab.measure.verdict import verdict as verdict
    from lab.pattern import O as O
    from lab.pattern import Outcome as Outcome
    from lab.pattern import Pattern as Pattern
    from lab.pattern import Variant as Variant
    from lab.patterns import PATTERNS as PATTERNS
    from lab.units import doubling as doubling

_HOMES = {
    "Curve": "lab.measure.curve",
    "LabError": "lab.errors",
    "O": "lab.pattern",
    "Outcome": "lab.pattern",
    "PATTERNS": "lab.patterns",
    "Pattern": "lab.pattern",
    "Point": "lab.measure.curve",
    "Variant": "lab.pattern",
    "Verdict": "lab.measure.verdict",
    "doubling": "lab.units",
    "sweep": "lab.measure.sweep",
    "verdict": "lab.measure.verdict",
}

__all__ = list(_HOMES)

# Other packages are called `lab` too: this is how the entry points know their own.
__distribution__ = "memory-lab"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
