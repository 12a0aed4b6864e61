"""A budget's largest size, run under the budget's cap, and the sentence for the result."""

from dataclasses import dataclass

from lab.budgets.budget import Budget
from lab.budgets.judge import PromiseResult
from lab.errors import LabError
from lab.measure.http.endpoint import Endpoint
from lab.measure.memory_cap import Survival, require_caps
from lab.measure.survival import survives
from lab.units import show_bytes, show_count


@dataclass(frozen=True)
class Capped:
    """The result of a budget's run under its cap.

    Attributes:
        findings: The standing of the cap; empty if the budget has no cap.
        survival: The run; None if there was none.
        untried: Why there was no run, on a platform without caps.
        details: The end of the traceback of an error.
    """

    findings: tuple[PromiseResult, ...] = ()
    survival: Survival | None = None
    untried: str = ""
    details: str = ""


def try_cap(budget: Budget) -> Capped:
    """Run the budget's largest size under its cap, if it has one."""
    if budget.cap is None:
        return Capped()
    try:
        require_caps()
    except LabError as error:
        return Capped((("kept", f"the cap was not tried: {error}"),), untried=str(error))
    size = budget.sizes[-1]
    try:
        survival = survives(
            budget.subject,
            size,
            budget.cap,
            axis=budget.axis,
            warm_up=budget.warm_up,
            timeout=budget.timeout,
        )
    except LabError as error:
        return Capped((("error", str(error)),), details=error.details)
    items = "bytes" if isinstance(budget.subject, Endpoint) else "items"
    sentence = describe(survival, size, budget.cap, items)
    return Capped((("kept" if survival else "broken", sentence),), survival)


def describe(survival: Survival, size: int, cap: int, items: str) -> str:
    """Return a sentence: how the run ended, and after how many items or bytes."""
    limit = f"with {show_bytes(cap)} over the warm process"
    at = show_count(size)
    if survival:
        return f"{limit} it survives at {at}"
    ending = {
        "out of memory": f"ran out of memory at {at}",
        "killed": f"was killed at {at}",
        "timed out": f"did not finish at {at}",
    }[survival.outcome]
    reached = f" after {show_count(survival.items)} {items}" if survival.items else ""
    reason = survival.reason.rstrip(".")
    cause = f" ({reason})" if reason not in ("", "MemoryError") else ""
    return f"{limit} it {ending}{reached}{cause}"
