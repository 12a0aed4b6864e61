"""Measure budgets in one schedule and judge them; an error in one does not stop the others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from lab.budgets.budget import Budget
from lab.budgets.capped_run import Capped, try_cap
from lab.budgets.judge import BudgetVerdict, PromiseResult, combine, failed, judge, wants
from lab.budgets.previous_run import PreviousRun
from lab.curves.curve import Curve, Reading, Witness
from lab.curves.decide import Wants
from lab.errors import LabError
from lab.measure.follow_up import settled
from lab.measure.memory_cap import Survival
from lab.measure.schedule import Job, Schedule
from lab.variants import Announce, VariantSubject, data_for

WITNESSES: tuple[Witness, ...] = ("heap", "rss")


@dataclass(frozen=True)
class CheckResult:
    """A budget and its verdict.

    Attributes:
        budget: The budget.
        judged: The verdict.
        survival: The run of the largest size under the cap; None if it was not tried.
        seconds: The sum over its processes, including those that ran in parallel.
        untried: Why this platform cannot try the cap; empty if it can.
    """

    budget: Budget
    judged: BudgetVerdict
    survival: Survival | None = None
    seconds: float = 0
    untried: str = ""


def check(
    budgets: Sequence[Budget],
    schedule: Schedule,
    earlier: Mapping[str, PreviousRun] | None = None,
    announce: Announce | None = None,
    on_cap: Callable[[], object] | None = None,
) -> list[CheckResult]:
    """Measure budgets and return a result for each, in their order.

    Args:
        budgets: The budgets to check.
        schedule: How many processes run in parallel; a budget's own timeout takes precedence.
        earlier: The baselines to compare with, by name of the budget.
        announce: Called as announce(phase, total) before each phase; the total counts points
            and caps.
        on_cap: Called after each run under a cap, as ``schedule.on_reading`` after each point.
    """
    with ExitStack() as stack:
        errors = _prepare_data(budgets, stack, announce)
        ready = [budget for budget in budgets if budget.name not in errors]
        if announce is not None:
            announce("Budgets", sum(_steps(budget) for budget in ready))
        swept = [budget for budget in ready if budget.swept]
        measured, seconds = _sweep(swept, schedule, announce)
        results = []
        for budget in budgets:
            if error := errors.get(budget.name):
                results.append(CheckResult(budget, failed(budget.name, str(error), error.details)))
                continue
            result = _result(budget, measured.get(budget.name), (earlier or {}).get(budget.name))
            results.append(replace(result, seconds=result.seconds + seconds.get(budget.name, 0)))
            if budget.cap is not None and on_cap is not None:
                on_cap()
        return results


def _steps(budget: Budget) -> int:
    return (len(budget.sizes) if budget.swept else 0) + (1 if budget.cap else 0)


def _prepare_data(
    budgets: Iterable[Budget], stack: ExitStack, announce: Announce | None
) -> dict[str, LabError]:
    """Set up the data of patterns until the stack closes; return errors by name of the budget."""
    by_data: dict[tuple[str, str], list[Budget]] = {}
    for budget in budgets:
        if isinstance(budget.subject, VariantSubject):
            key = budget.subject.pattern.module_name, budget.axis
            by_data.setdefault(key, []).append(budget)
    if by_data and announce is not None:
        announce("Data", 0)
    errors = {}
    for (_, axis), group in by_data.items():
        assert isinstance(group[0].subject, VariantSubject)
        sizes = {size for budget in group for size in budget.sizes}
        try:
            stack.enter_context(data_for(group[0].subject.pattern, axis, sizes))
        except LabError as error:
            errors.update({budget.name: error for budget in group})
    return errors


def _sweep(
    budgets: Sequence[Budget], schedule: Schedule, announce: Announce | None
) -> tuple[dict[str, Curve], dict[str, float]]:
    """Measure the curves of budgets; return curves and seconds by name of the budget."""
    times: list[tuple[str, float]] = []

    def note(job: Job, reading: Reading) -> None:
        times.append((job.series.removesuffix(f" {job.witness}"), reading.wall_seconds))
        if schedule.on_reading is not None:
            schedule.on_reading(job, reading)

    promises = {budget.name: budget.promise for budget in budgets}

    def wanted(name: str, curve: Curve) -> Wants:
        return wants(curve, promises[name])

    def more(runs: int) -> None:
        if announce is not None:
            announce("Budgets, more runs", runs)

    noting = replace(schedule, on_reading=note, go_on=True)
    measured: dict[str, Curve] = {}
    for witness in WITNESSES:
        sweeps = {budget.name: budget.sweep for budget in budgets if budget.witness == witness}
        if sweeps:
            measured |= settled(sweeps, [witness], noting, wanted, announce=more)
    seconds = {name: sum(time for of, time in times if of == name) for name in measured}
    return measured, seconds


def _result(budget: Budget, curve: Curve | None, earlier: PreviousRun | None) -> CheckResult:
    """Run a budget under its cap, and judge the curve and the run together."""
    # A subject that could not be measured would fail under the cap in the same way.
    failing = curve is not None and curve.overall_error
    capped = Capped() if failing else try_cap(budget)
    findings: list[PromiseResult] = [*capped.findings]
    if curve is None:
        standing, reasons = combine(findings)
        judged = BudgetVerdict(budget.name, standing, reasons, details=capped.details)
    else:
        if earlier is not None and (smaller := earlier.smaller(curve)):
            findings.append(("kept", f"{smaller}: `lab check --update` records the lower peak"))
        judged = judge(budget.name, curve, budget.promise, earlier, findings)
        judged = replace(judged, details=judged.details or capped.details)
    seconds = capped.survival.seconds if capped.survival is not None else 0
    return CheckResult(budget, judged, capped.survival, seconds, capped.untried)
