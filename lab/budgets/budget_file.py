"""The file of budgets: find, read and validate it before anything is measured."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from lab.budgets.budget import Budget
from lab.budgets.judge import Promise
from lab.budgets.subject import KEYS, BudgetSubject, read_subject, with_variables
from lab.budgets.toml_key_lines import KeyLines
from lab.budgets.toml_values import TomlValues
from lab.claim import O
from lab.curves.curve import Curve, Witness
from lab.curves.verdict import verdict
from lab.errors import LabError, nearest
from lab.measure.schedule import DEFAULT_TIMEOUT

FILE = "memory-budgets.toml"
PROJECT = "pyproject.toml"
_IN_PROJECT = ("tool", "memory-lab")

_OWN_KEYS = ("claim", "peak", "allow-inconclusive", "cap", "witness", "timeout")
_BUDGET_KEYS = {*KEYS, *_OWN_KEYS, "constant-answer", "warm-up"}


@dataclass(frozen=True)
class BudgetFile:
    """The contents of a file of budgets.

    Attributes:
        path: Path of the file, as the command names it.
        budgets: In the order of the file.
        baseline: Path of the file of baselines, relative to the current folder, or None.
        libraries: Libraries whose versions are part of a baseline's key; None for the default.
    """

    path: Path
    budgets: tuple[Budget, ...]
    baseline: Path | None = None
    libraries: tuple[str, ...] | None = None

    def chosen(self, names: Sequence[str] = (), timeout: float | None = None) -> tuple[Budget, ...]:
        """Return the budgets with these names, or all of them, ready to measure.

        Args:
            names: Names of budgets; empty for all.
            timeout: Seconds for a point, in place of each budget's own.

        Raises:
            LabError: A name is unknown, or a header uses a variable that is not set.
        """
        known = [budget.name for budget in self.budgets]
        for name in names:
            if name not in known:
                raise LabError(f"unknown budget {name!r} in {self.path}: {nearest(name, known)}")
        budgets = [budget for budget in self.budgets if not names or budget.name in names]
        if timeout is not None:
            budgets = [replace(budget, timeout=timeout) for budget in budgets]
        return tuple(_with_variables(budget) for budget in budgets)


def _with_variables(budget: Budget) -> Budget:
    place = f"{budget.file}:{budget.line}: budget {budget.name}"
    return replace(budget, subject=with_variables(budget.subject, place))


def read(file: Path | None = None) -> BudgetFile:
    """Read a file of budgets; by default the one in the current folder.

    Raises:
        LabError: The file is missing or malformed, or a budget in it is invalid.
    """
    path = file or _default_file()
    text = _text(path)
    table = _top_table(path, _parsed(path, text), KeyLines(text))
    table.only(("budget", "baseline", "libraries"))
    baseline = table.text("baseline")
    libraries = table.texts("libraries") if "libraries" in table else None
    budgets = table.inner("budget", "budget") if "budget" in table else None
    if budgets is None or not budgets.values:
        header = "[budget.NAME]" if path.name != PROJECT else "[tool.memory-lab.budget.NAME]"
        raise LabError(f"{path} has no budget yet: write a table {header} with its limits.")
    return BudgetFile(
        path,
        tuple(_budget(budgets, name) for name in budgets.values),
        path.parent / baseline if baseline else None,
        libraries,
    )


def _default_file() -> Path:
    if Path(FILE).exists():
        return Path(FILE)
    project = Path(PROJECT)
    if project.exists() and _section(_parsed(project, _text(project))) is not None:
        return project
    raise LabError(
        f"there is no {FILE} here, and no table [tool.memory-lab] in a {PROJECT}: "
        "run `lab check --init` to write a first one."
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LabError(f"{path} is not UTF-8 text: save it in UTF-8.") from None
    except OSError as error:
        raise LabError(f"cannot read {path}: {error.strerror}.") from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"line (\d+)", str(error))
        line = int(match[1]) if match else text.rstrip().count("\n") + 1
        raise LabError(f"{path}:{line}: invalid TOML: {error}.") from None


def _section(document: dict[str, Any]) -> Any:
    tool = document.get("tool", {})
    return tool.get("memory-lab") if isinstance(tool, dict) else None


def _top_table(path: Path, document: dict[str, Any], lines: KeyLines) -> TomlValues:
    """Return the table that has the budgets: the whole file, or a table of pyproject.toml."""
    if path.name != PROJECT:
        return TomlValues(str(path), lines, (), document)
    if _section(document) is None:
        raise LabError(f"{path} has no table [tool.memory-lab].")
    tool = TomlValues(str(path), lines, _IN_PROJECT[:1], document["tool"], "tool")
    return tool.inner(_IN_PROJECT[1], "tool.memory-lab")


def _budget(budgets: TomlValues, name: str) -> Budget:
    if not isinstance(budgets.values[name], dict):
        raise budgets.error("a budget must be a table: write [budget.NAME] above its keys", name)
    table = budgets.inner(name, f"budget {name}")
    table.only(_BUDGET_KEYS)
    measured = read_subject(table)
    promise = _promise(table, measured)
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
        _constant_answer(table),
        table.flag("warm-up", default=True),
        table.file,
        table.line,
    )


def _constant_answer(table: TomlValues) -> str:
    if "constant-answer" in table and not isinstance(table.values["constant-answer"], str):
        raise table.error("write the reason why the answer need not grow", "constant-answer")
    return table.text("constant-answer")


def _promise(table: TomlValues, measured: BudgetSubject) -> Promise:
    axis, per_client = measured.axis, None if "claim" in table else measured.per_client
    with table.at("claim"):
        claim = O.parse(table.text("claim")) if "claim" in table else measured.claim
    if claim is not None:
        try:
            verdict(Curve("", axis, ()), claim)
        except LabError:
            sentence = f'{claim} is not about the axis {axis}: set axis = "{claim.axes[0]}"'
            raise table.error(sentence, "claim") from None
    allowed = table.flag("allow-inconclusive")
    if allowed and claim is None:
        raise table.error("it needs a claim, and the budget has none", "allow-inconclusive")
    return Promise(claim, table.amount("peak"), allowed, per_client)
