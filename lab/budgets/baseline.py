"""Baselines: the figures of good runs, in a committed file, with which later runs are compared."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from lab.budgets.baseline_file import SITES, BaselineEntry, Figures, read_entries, write_entries
from lab.budgets.baseline_key import Key, key_here
from lab.budgets.budget import Budget
from lab.budgets.budget_file import BudgetFile
from lab.budgets.check import CheckResult
from lab.budgets.previous_run import PreviousRun
from lab.curves.curve import Curve, Witness
from lab.errors import LabError
from lab.report.files import write_text
from lab.units import show_count

FILE = "memory-baseline.json"

_UPDATE = "run `lab check --update"
"""The command that mends a baseline; a backtick or a name follows."""


@dataclass(frozen=True)
class Baselines:
    """A file of baselines and the file of budgets that it belongs to.

    Attributes:
        path: The file of baselines; an update may create it.
        file: The file of budgets.
        entries: The contents of the file of baselines.
    """

    path: Path
    file: BudgetFile
    entries: tuple[BaselineEntry, ...] = ()

    @classmethod
    def of(cls, file: BudgetFile, named: Path | None, *, update: bool) -> "Baselines | None":
        """Read the file that the command or the budgets name; None if neither names one.

        Args:
            file: The file of budgets.
            named: The file of baselines that the command names, or None.
            update: The file may be missing; its default place is beside the budgets.

        Raises:
            LabError: The file is missing, cannot be read, or has another format.
        """
        path = named or file.baseline or (file.path.parent / FILE if update else None)
        if path is None:
            return None
        if not path.exists():
            if update:
                return cls(path, file)
            raise LabError(f"there is no {path}: {_UPDATE}` to write it.")
        return cls(path, file, tuple(read_entries(path)))

    def earlier(self, budgets: Sequence[Budget]) -> dict[str, PreviousRun]:
        """Return the baseline of each budget by name; a budget with only a cap has none.

        Raises:
            LabError: The file has no figures for the installed versions and this platform, or
                none for a budget, or they measure something else than the budget.
        """
        return {budget.name: self._previous_run(budget) for budget in budgets if budget.swept}

    def _previous_run(self, budget: Budget) -> PreviousRun:
        key = key_here(budget.witness, self.file.libraries)
        entry = self._entry(key)
        if entry is None:
            raise self._missing_key(key)
        figures = entry.budgets.get(budget.name)
        if figures is None:
            raise LabError(
                f"{self.path} has no figures of {budget.name}: {_UPDATE} {budget.name}`."
            )
        if difference := _difference(figures, budget):
            raise LabError(
                f"{self.path} has figures of {budget.name} {difference}: {_UPDATE} {budget.name}`."
            )
        return PreviousRun(dict(figures.points), figures.sites, entry.when, "baseline", inside=True)

    def _entry(self, key: Key) -> BaselineEntry | None:
        return next((entry for entry in self.entries if entry.key == key), None)

    def _missing_key(self, key: Key) -> LabError:
        if not self.entries:
            return LabError(f"{self.path} has no figures yet: {_UPDATE}`.")
        nearest = min((entry.key for entry in self.entries), key=key.distance)
        differences = ", ".join(key.differences(nearest))
        return LabError(
            f"{self.path} has no figures for {key}; the nearest figures differ ({differences}): "
            f"{_UPDATE}` here."
        )

    def update(self, checked: Sequence[CheckResult]) -> str:
        """Write the figures of budgets that are kept; return a sentence that names them.

        Figures of other keys stay, and figures of budgets that were not checked or not kept. If
        every budget was checked, the figures of budgets that no longer exist are removed.

        Raises:
            LabError: The file cannot be written.
        """
        kept = [
            (result.budget, result.judged.curve)
            for result in checked
            if result.judged.standing == "kept" and result.judged.curve is not None
        ]
        if not kept:
            return f"Nothing was written to {self.path}."
        entries = list(self.entries)
        for witness in sorted({budget.witness for budget, _ in kept}):
            key = key_here(witness, self.file.libraries)
            before = self._entry(key) or BaselineEntry(key, "", {})
            new = {b.name: _figures(b, curve) for b, curve in kept if b.witness == witness}
            old = before.budgets
            if len(checked) == len(self.file.budgets):
                names = self._swept_names(witness)
                old = {name: figures for name, figures in old.items() if name in names}
            after = _updated(before, {**old, **new})
            entries = [*(entry for entry in entries if entry.key != key), after]
        write_text(self.path, write_entries(entries))
        written = ", ".join(budget.name for budget, _ in kept)
        return f"Written to {self.path}: {written}.{self._hint()}"

    def _hint(self) -> str:
        if self.file.baseline is not None:
            return ""
        relative = os.path.relpath(self.path, self.file.path.parent)
        return f' To compare every check with it, set baseline = "{relative}" in {self.file.path}.'

    def _swept_names(self, witness: Witness) -> set[str]:
        return {b.name for b in self.file.budgets if b.swept and b.witness == witness}


def _updated(before: BaselineEntry, budgets: Mapping[str, Figures]) -> BaselineEntry:
    """Return the entry with new figures; if they are the same, the date stays."""
    if budgets == before.budgets:
        return before
    return replace(before, when=date.today().isoformat(), budgets=budgets)


def _figures(budget: Budget, curve: Curve) -> Figures:
    peaks = dict(zip(*curve.seen(), strict=True))
    points = tuple((size, round(peaks[size])) for size in budget.sizes)
    inside = [site for site in curve.points[len(points) - 1].sites if site.inside]
    return Figures(budget.what, budget.axis, points, tuple(inside[:SITES]))


def _difference(figures: Figures, budget: Budget) -> str:
    """Return how figures differ from what the budget measures; empty if they do not."""
    if figures.subject != budget.what:
        return f"for {figures.subject}, but it now measures {budget.what}"
    if figures.axis != budget.axis:
        return f"along {figures.axis}, but its axis is now {budget.axis}"
    sizes = tuple(size for size, _ in figures.points)
    if sizes != budget.sizes:
        listed = ", ".join(map(show_count, sizes))
        return f"at other sizes ({listed})"
    return ""
