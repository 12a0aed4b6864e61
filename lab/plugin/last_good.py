"""The last good run of each marked test, kept in pytest's cache; a failure is compared with it."""

import hashlib
from dataclasses import asdict
from datetime import date
from typing import Any

import pytest

from lab.budgets.previous_run import PreviousRun
from lab.curves.allocation_sites import Site
from lab.curves.curve import Curve
from lab.measure.environment import environment


class LastGood:
    """Last good runs by test, for this minor version of Python; empty if pytest has no cache."""

    def __init__(self, config: pytest.Config) -> None:
        self._cache: Any = getattr(config, "cache", None)

    def of(self, nodeid: str) -> PreviousRun | None:
        """Return the last good run of a test, or None."""
        run = self._cache.get(_key(nodeid), None) if self._cache else None
        if not run:
            return None
        sites = tuple(Site(**site) for site in run["sites"])
        return PreviousRun(dict(map(tuple, run["points"])), sites, run["when"])

    def keep(self, nodeid: str, curve: Curve) -> None:
        """Store a good run in place of the one before."""
        if self._cache:
            points = zip(*curve.seen(), strict=True)
            sites = [asdict(site) for site in curve.points[-1].sites]
            when = date.today().isoformat()
            run = {"nodeid": nodeid, "points": list(points), "sites": sites, "when": when}
            self._cache.set(_key(nodeid), run)


def _key(nodeid: str) -> str:
    python = str(environment()["python"]).rpartition(".")[0]
    digest = hashlib.blake2b(nodeid.encode(), digest_size=12).hexdigest()
    return f"memory-lab/{python}/{digest}"
