"""Whether a budget's largest size survives under its cap, and the words for it."""

from dataclasses import dataclass

from lab.budgets.budget import Budget
from lab.budgets.judge import Finding
from lab.errors import LabError
from lab.measure.cap import Survival, require_caps
from lab.measure.endpoint import Endpoint
from lab.measure.survival import survives
from lab.units import show_bytes, show_count


@dataclass(frozen=True)
class Capped:
    """What became of a budget under its cap.

    Attributes:
        findings: How the cap stands; none where the budget has no cap.
        survival: The run; None where there was none.
        untried: Why there was none, on a platform that has no caps.
        details: What belongs to an error.
    """

    findings: tuple[Finding, ...] = ()
    survival: Survival | None = None
    untried: str = ""
    details: str = ""


def try_cap(budget: Budget) -> Capped:
    """Run a budget's largest size under its cap, if it has one."""
    if budget.cap is None:
        return Capped()
    try:
        require_caps()
    except LabError as error:
        return Capped((("kept", f"the cap was not tried: {error}"),), untried=str(error))
    size = budget.sizes[-1]
    try:
        survival = survives(
            budget.subject, size, budget.cap, axis=budget.axis, timeout=budget.timeout
        )
    except LabError as error:
        return Capped((("error", str(error)),), details=error.details)
    items = "bytes" if isinstance(budget.subject, Endpoint) else "items"
    said = describe(survival, size, budget.cap, items)
    return Capped((("kept" if survival else "broken", said),), survival)


def describe(survival: Survival, size: int, cap: int, items: str) -> str:
    """Say in a sentence what became of a run, and how far it got."""
    cap_said = f"with {show_bytes(cap)} over the warm process"
    at = show_count(size)
    if survival:
        return f"{cap_said} it survives {at}"
    how = {
        "out of memory": f"ran out of memory at {at}",
        "killed": f"was killed at {at}",
        "timed out": f"did not finish {at}",
    }[survival.outcome]
    reached = f" after {show_count(survival.items)} {items}" if survival.items else ""
    reason = survival.reason.rstrip(".")
    why = f" ({reason})" if reason not in ("", "MemoryError") else ""
    return f"{cap_said} it {how}{reached}{why}"
