"""The file of budgets: found, read and checked before anything is measured."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from lab.budgets.budget import Budget
from lab.budgets.judge import Promise
from lab.budgets.lines import Lines
from lab.budgets.subject import KEYS, read_subject, with_variables
from lab.budgets.table import Table
from lab.errors import LabError, nearest
from lab.measure.curve import Curve, Witness
from lab.measure.sweep import DEFAULT_TIMEOUT
from lab.measure.verdict import verdict
from lab.pattern import O

FILE = "memory-budgets.toml"
PROJECT = "pyproject.toml"
_IN_PROJECT = ("tool", "memory-lab")

_BUDGET = {*KEYS, "claim", "peak", "allow-inconclusive", "cap", "witness", "timeout"}


@dataclass(frozen=True)
class BudgetFile:
    """What a file says.

    Attributes:
        path: The file, as it was named.
        budgets: In the order of the file.
        baseline: The file of baselines that it names, relative to the current folder, or None.
        libraries: Those whose versions a baseline belongs to; None for the usual ones.
    """

    path: Path
    budgets: tuple[Budget, ...]
    baseline: Path | None = None
    libraries: tuple[str, ...] | None = None

    def chosen(self, names: Sequence[str] = (), timeout: float | None = None) -> tuple[Budget, ...]:
        """Return the budgets of these names, or all, with a timeout for all of them if given.

        Raises:
            LabError: There is none of a name, or a header wants a variable that is not set.
        """
        known = [budget.name for budget in self.budgets]
        for name in names:
            if name not in known:
                raise LabError(f"unknown budget {name!r} in {self.path}: {nearest(name, known)}")
        found = [budget for budget in self.budgets if not names or budget.name in names]
        if timeout is not None:
            found = [replace(budget, timeout=timeout) for budget in found]
        return tuple(_ready(budget) for budget in found)


def _ready(budget: Budget) -> Budget:
    place = f"{budget.file}:{budget.line}: budget {budget.name}"
    return replace(budget, subject=with_variables(budget.subject, place))


def read(file: Path | None = None) -> BudgetFile:
    """Read a file of budgets, or the one that is in the current folder.

    Raises:
        LabError: There is none, it is malformed, or a budget in it makes no sense.
    """
    path = file or _found()
    text = _text(path)
    table = _top(path, _parsed(path, text), Lines(text))
    table.only(("budget", "baseline", "libraries"))
    baseline = table.text("baseline")
    libraries = table.texts("libraries") if "libraries" in table else None
    budgets = table.inner("budget", "budget") if "budget" in table else None
    if budgets is None or not budgets.values:
        header = "[budget.NAME]" if path.name != PROJECT else "[tool.memory-lab.budget.NAME]"
        raise LabError(f"{path} has no budget yet: write a table {header} with what it promises.")
    return BudgetFile(
        path,
        tuple(_budget(budgets, name) for name in budgets.values),
        path.parent / baseline if baseline else None,
        libraries,
    )


def _found() -> Path:
    if Path(FILE).exists():
        return Path(FILE)
    project = Path(PROJECT)
    if project.exists() and _section(_parsed(project, _text(project))) is not None:
        return project
    raise LabError(
        f"there is no {FILE} here, and no table [tool.memory-lab] in a {PROJECT}: "
        "`lab check --init` writes a first one."
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LabError(f"{path} is no text in UTF-8: save it as such.") from None
    except OSError as error:
        raise LabError(f"cannot read {path}: {error.strerror}.") from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else text.rstrip().count("\n") + 1
        raise LabError(f"{path}:{line}: this is no TOML: {error}.") from None


def _section(document: dict[str, Any]) -> Any:
    tool = document.get("tool", {})
    return tool.get("memory-lab") if isinstance(tool, dict) else None


def _top(path: Path, document: dict[str, Any], lines: Lines) -> Table:
    """Return the table that the budgets are in: the file, or a part of the project's own."""
    if path.name != PROJECT:
        return Table(str(path), lines, (), document)
    if _section(document) is None:
        raise LabError(f"{path} has no table [tool.memory-lab].")
    tool = Table(str(path), lines, _IN_PROJECT[:1], document["tool"], "tool")
    return tool.inner(_IN_PROJECT[1], "tool.memory-lab")


def _budget(budgets: Table, name: str) -> Budget:
    if not isinstance(budgets.values[name], dict):
        raise budgets.error("a budget is a table of its own: write [budget.NAME] above it", name)
    table = budgets.inner(name, f"budget {name}")
    table.only(_BUDGET)
    measured = read_subject(table)
    promise = _promise(table, measured.axis, measured.claim)
    cap = table.amount("cap")
    if promise.claim is None and promise.ceiling is None and cap is None:
        raise table.error("promises nothing: give it a claim, a peak or a cap")
    return Budget(
        name,
        measured.subject,
        measured.what,
        measured.axis,
        measured.sizes,
        promise,
        cap,
        cast("Witness", table.one_of("witness", ("heap", "rss"), "heap")),
        table.seconds("timeout", DEFAULT_TIMEOUT),
        table.file,
        table.line,
    )


def _promise(table: Table, axis: str, usual: O | None) -> Promise:
    with table.at("claim"):
        claim = O.parse(table.text("claim")) if "claim" in table else usual
    if claim is not None:
        try:
            verdict(Curve("", axis, ()), claim)
        except LabError:
            say = f'say what the sizes count, as axis = "{claim.axes[0]}"'
            raise table.error(f"{claim} does not speak of {axis}: {say}", "claim") from None
    allowed = table.flag("allow-inconclusive")
    if allowed and claim is None:
        raise table.error("it is about a claim, and there is none", "allow-inconclusive")
    return Promise(claim, table.amount("peak"), allowed)
