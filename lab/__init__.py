"""Memory Lab: test claims about peak memory by measurement.

>>> import lab
>>> curve = lab.sweep("app.exports:stream", axis="rows", sizes=lab.doubling(8_000, 128_000))
>>> lab.verdict(curve, lab.O(1))  # doctest: +SKIP

Each name is imported at its first use, so `import lab` is cheap.

PYTEST_DONT_REWRITE: the assertions here are for the type checker, not for pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.claim import O as O
    from lab.curves.curve import Curve as Curve
    from lab.curves.curve import Point as Point
    from lab.curves.verdict import Verdict as Verdict
    from lab.curves.verdict import verdict as verdict
    from lab.errors import LabError as LabError
    from lab.measure.sweep_target import sweep as sweep
    from lab.outcome import Outcome as Outcome
    from lab.pattern import Pattern as Pattern
    from lab.pattern import Variant as Variant
    from lab.patterns import PATTERNS as PATTERNS
    from lab.units import doubling as doubling

_MODULES = {
    "Curve": "lab.curves.curve",
    "LabError": "lab.errors",
    "O": "lab.claim",
    "Outcome": "lab.outcome",
    "PATTERNS": "lab.patterns",
    "Pattern": "lab.pattern",
    "Point": "lab.curves.curve",
    "Variant": "lab.pattern",
    "Verdict": "lab.curves.verdict",
    "doubling": "lab.units",
    "sweep": "lab.measure.sweep_target",
    "verdict": "lab.curves.verdict",
}

__all__ = list(_MODULES)

# Another distribution has a package `lab` too; memory_lab.py recognises ours by this name.
__distribution__ = "memory-lab"


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
