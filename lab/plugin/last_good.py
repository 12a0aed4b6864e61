"""The last good run of each marked test, in pytest's cache: what a failure is compared with."""

import hashlib
from dataclasses import asdict
from datetime import date
from typing import Any

import pytest

from lab.budgets.earlier import Earlier
from lab.measure.curve import Curve
from lab.measure.environment import environment
from lab.measure.sites import Site


class LastGood:
    """Curves by test, for this version of Python; nothing is kept where pytest has no cache."""

    def __init__(self, config: pytest.Config) -> None:
        self._cache: Any = getattr(config, "cache", None)

    def of(self, nodeid: str) -> Earlier | None:
        """Return the last good run of a test, or None."""
        found = self._cache.get(_key(nodeid), None) if self._cache else None
        if not found:
            return None
        sites = tuple(Site(**site) for site in found["sites"])
        return Earlier(dict(map(tuple, found["points"])), sites, found["when"])

    def keep(self, nodeid: str, curve: Curve) -> None:
        """Keep a good run, in place of the one before."""
        if self._cache:
            points = zip(*curve.seen(), strict=True)
            sites = [asdict(site) for site in curve.points[-1].sites]
            when = date.today().isoformat()
            found = {"nodeid": nodeid, "points": list(points), "sites": sites, "when": when}
            self._cache.set(_key(nodeid), found)


def _key(nodeid: str) -> str:
    python = str(environment()["python"]).rpartition(".")[0]
    digest = hashlib.blake2b(nodeid.encode(), digest_size=12).hexdigest()
    return f"memory-lab/{python}/{digest}"
