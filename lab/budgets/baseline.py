"""Baselines: figures of good runs, in a file to be committed, that later runs are held to."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from lab.budgets.budget import Budget
from lab.budgets.check import Checked
from lab.budgets.earlier import Earlier
from lab.budgets.figures import SITES, Entry, Figures, read_entries, write_entries
from lab.budgets.file import BudgetFile
from lab.budgets.key import Key, key_here
from lab.errors import LabError
from lab.measure.curve import Curve, Witness
from lab.report.json import write_text
from lab.units import show_count

FILE = "memory-baseline.json"

_MEND = "run `lab check --update`"


@dataclass(frozen=True)
class Baselines:
    """A file of baselines, and the file of budgets that it belongs to.

    Attributes:
        path: Where it is, or will be.
        file: The budgets.
        entries: What is in it.
    """

    path: Path
    file: BudgetFile
    entries: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, file: BudgetFile, named: Path | None, *, update: bool) -> "Baselines | None":
        """Read the file that the command or the budgets name; None where neither names one.

        For an update it need not be there, and without a name it stands beside the budgets.

        Raises:
            LabError: It is not there, cannot be read, or has another format.
        """
        path = named or file.baseline or (file.path.parent / FILE if update else None)
        if path is None:
            return None
        if not path.exists():
            if update:
                return cls(path, file)
            raise LabError(f"there is no {path}: {_MEND} to write it.")
        return cls(path, file, tuple(read_entries(path)))

    def earlier(self, budgets: Sequence[Budget]) -> dict[str, Earlier]:
        """Return what budgets are compared with, by name; a cap alone is compared with nothing.

        Raises:
            LabError: There are no figures for the versions and the platform that are here, or of
                a budget, or they are of something else.
        """
        return {budget.name: self._earlier(budget) for budget in budgets if budget.swept}

    def _earlier(self, budget: Budget) -> Earlier:
        key = key_here(budget.witness, self.file.libraries)
        entry = self._entry(key)
        if entry is None:
            raise self._unknown(key)
        figures = entry.budgets.get(budget.name)
        if figures is None:
            raise LabError(f"{self.path} has no figures of {budget.name}: {_MEND} {budget.name}.")
        if other := _other(figures, budget):
            raise LabError(f"{self.path} has {budget.name} {other}: {_MEND} {budget.name}.")
        return Earlier(dict(figures.points), figures.sites, entry.when, "baseline", inside=True)

    def _entry(self, key: Key) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)

    def _unknown(self, key: Key) -> LabError:
        if not self.entries:
            return LabError(f"{self.path} has no figures yet: {_MEND}.")
        nearest = min((entry.key for entry in self.entries), key=key.distance)
        said = ", ".join(key.differences(nearest))
        return LabError(
            f"{self.path} has no figures for {key}; the nearest it has differ ({said}): "
            f"{_MEND} here."
        )

    def update(self, checked: Sequence[Checked]) -> str:
        """Write the figures of budgets that are kept, and say what was written.

        Other keys' figures stay, and so do those of budgets that were not checked or not kept.
        When all were checked, those of budgets that the file does not have any more go.

        Raises:
            LabError: The file cannot be written.
        """
        kept = [(one.budget, one.judged.curve) for one in checked if one.judged.standing == "kept"]
        good = [(budget, curve) for budget, curve in kept if curve is not None]
        if not good:
            return f"Nothing was written to {self.path}."
        entries = list(self.entries)
        for witness in sorted({budget.witness for budget, _ in good}):
            key = key_here(witness, self.file.libraries)
            before = self._entry(key) or Entry(key, "", {})
            new = {b.name: _figures(b, c) for b, c in good if b.witness == witness}
            stay = before.budgets
            if len(checked) == len(self.file.budgets):
                stay = {name: old for name, old in stay.items() if name in self._names(witness)}
            after = _updated(before, {**stay, **new})
            entries = [*(entry for entry in entries if entry.key != key), after]
        write_text(self.path, write_entries(entries))
        names = ", ".join(budget.name for budget, _ in good)
        return f"Written to {self.path}: {names}.{self._hint()}"

    def _hint(self) -> str:
        if self.file.baseline is not None:
            return ""
        where = os.path.relpath(self.path, self.file.path.parent)
        return f' To compare with it from now on, say baseline = "{where}" in {self.file.path}.'

    def _names(self, witness: Witness) -> set[str]:
        return {b.name for b in self.file.budgets if b.swept and b.witness == witness}


def _updated(before: Entry, budgets: Mapping[str, Figures]) -> Entry:
    """Return an entry with new figures; one that says nothing new keeps its date."""
    if budgets == before.budgets:
        return before
    return replace(before, when=date.today().isoformat(), budgets=budgets)


def _figures(budget: Budget, curve: Curve) -> Figures:
    points = tuple((size, round(peak)) for size, peak in zip(*curve.seen(), strict=True))
    inside = [site for site in curve.points[-1].sites if site.inside]
    return Figures(budget.what, budget.axis, points, tuple(inside[:SITES]))


def _other(figures: Figures, budget: Budget) -> str:
    """Say what figures are of, where that is not what the budget measures."""
    if figures.subject != budget.what:
        return f"measuring {figures.subject} where it is now {budget.what}"
    if figures.axis != budget.axis:
        return f"along {figures.axis} where it is now {budget.axis}"
    sizes = tuple(size for size, _ in figures.points)
    if sizes != budget.sizes:
        listed = ", ".join(map(show_count, sizes))
        return f"at other sizes ({listed})"
    return ""
