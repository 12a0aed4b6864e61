"""Budgets measured, all in one schedule, and judged; one that cannot be measured stops no other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from lab.budgets.budget import Budget
from lab.budgets.cap import Capped, try_cap
from lab.budgets.earlier import Earlier
from lab.budgets.judge import Finding, Judged, failed, judge, settle
from lab.compare import Announce, Answer, prepared
from lab.errors import LabError
from lab.measure.cap import Survival
from lab.measure.curve import Curve, Reading, Witness
from lab.measure.sweep import Job, Schedule, curves, sweep_of

WITNESSES: tuple[Witness, ...] = ("heap", "rss")


@dataclass(frozen=True)
class Checked:
    """A budget and how it stands.

    Attributes:
        budget: What was promised.
        judged: How it stands.
        survival: What became of its largest size under its cap; None where that was not tried.
        seconds: What its processes took, those side by side added up.
        untried: Why its cap could not be tried on this platform; empty where it could.
    """

    budget: Budget
    judged: Judged
    survival: Survival | None = None
    seconds: float = 0
    untried: str = ""


def check(
    budgets: Sequence[Budget],
    schedule: Schedule,
    earlier: Mapping[str, Earlier] | None = None,
    announce: Announce | None = None,
    on_cap: Callable[[], object] | None = None,
) -> list[Checked]:
    """Measure budgets and say how each stands.

    Args:
        budgets: What to check.
        schedule: How many processes side by side; a budget's own timeout goes before its.
        earlier: The baselines to compare with, by name of the budget.
        announce: Called with what begins and how many steps it has: points, then caps.
        on_cap: Called after each run under a cap, as the schedule's ``on_reading`` is after
            each point.
    """
    with ExitStack() as stack:
        unready = _prepare(budgets, stack, announce)
        ready = [budget for budget in budgets if budget.name not in unready]
        if announce is not None:
            announce("Budgets", sum(_steps(budget) for budget in ready))
        found, seconds = _sweep([budget for budget in ready if budget.swept], schedule)
        checked = []
        for budget in budgets:
            if error := unready.get(budget.name):
                checked.append(Checked(budget, failed(budget.name, str(error), error.details)))
                continue
            one = _judge(budget, found.get(budget.name), (earlier or {}).get(budget.name))
            checked.append(replace(one, seconds=one.seconds + seconds.get(budget.name, 0)))
            if budget.cap is not None and on_cap is not None:
                on_cap()
        return checked


def _steps(budget: Budget) -> int:
    return (len(budget.sizes) if budget.swept else 0) + (1 if budget.cap else 0)


def _prepare(
    budgets: Iterable[Budget], stack: ExitStack, announce: Announce | None
) -> dict[str, LabError]:
    """Have the data that patterns need, for as long as the stack lasts; return who has none."""
    together: dict[tuple[str, str], list[Budget]] = {}
    for budget in budgets:
        if isinstance(budget.subject, Answer):
            key = budget.subject.pattern.module_name, budget.axis
            together.setdefault(key, []).append(budget)
    if together and announce is not None:
        announce("Data", 0)
    unready = {}
    for (_, axis), alike in together.items():
        assert isinstance(alike[0].subject, Answer)
        sizes = {size for budget in alike for size in budget.sizes}
        try:
            stack.enter_context(prepared(alike[0].subject.pattern, axis, sizes))
        except LabError as error:
            unready.update({budget.name: error for budget in alike})
    return unready


def _sweep(
    budgets: Sequence[Budget], schedule: Schedule
) -> tuple[dict[str, Curve], dict[str, float]]:
    """Measure the curves of budgets; return them by name, and the seconds that each took."""
    took: list[tuple[str, float]] = []

    def note(job: Job, reading: Reading) -> None:
        took.append((job.series.removesuffix(f" {job.witness}"), reading.lasted))
        if schedule.on_reading is not None:
            schedule.on_reading(job, reading)

    going_on = replace(schedule, on_reading=note, go_on=True)
    found: dict[str, Curve] = {}
    for witness in WITNESSES:
        sweeps = {
            budget.name: sweep_of(budget.subject, budget.axis, budget.sizes, budget.timeout)
            for budget in budgets
            if budget.witness == witness
        }
        if sweeps:
            found |= curves(sweeps, [witness], going_on)
    seconds = {name: sum(each for of, each in took if of == name) for name in found}
    return found, seconds


def _judge(budget: Budget, curve: Curve | None, earlier: Earlier | None) -> Checked:
    """Run a budget under its cap, and hold everything against what was promised."""
    # What could not be measured cannot be run under a cap either.
    failing = curve is not None and curve.overall_error
    capped = Capped() if failing else try_cap(budget)
    more: list[Finding] = [*capped.findings]
    if curve is None:
        standing, reasons = settle(more)
        judged = Judged(budget.name, standing, reasons, details=capped.details)
    else:
        if earlier is not None and (smaller := earlier.smaller(curve)):
            more.append(("kept", f"{smaller}: `lab check --update` would hold it there"))
        judged = judge(budget.name, curve, budget.promise, earlier, more)
        judged = replace(judged, details=judged.details or capped.details)
    seconds = capped.survival.seconds if capped.survival is not None else 0
    return Checked(budget, judged, capped.survival, seconds, capped.untried)
