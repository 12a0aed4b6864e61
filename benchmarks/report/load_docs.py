"""The generated part about load, from the JSON of `lab load`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.load.figures import throughput
from lab.load.plot import by_role, first_byte, reason, summary
from lab.load.report import read_steps
from lab.load.steps import Step
from lab.units import show_bytes, show_count, show_seconds

FILE = Path("load", "load.json")
PICTURES = ("memory.svg",)


def parts(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the generated parts by name.

    Args:
        document: The JSON document of `lab load`.
    """
    lines = [
        "| | Users at once | Peak RSS over the warm server | First byte, p50 and p95 | Completed |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(role, steps) for role, steps in by_role(read_steps(document)).items()]
    return {"load": "\n".join(lines)}


def _row(role: str, steps: Sequence[Step]) -> str:
    last = steps[-1]
    if not last.passed or last.outcome is None:
        rise = show_bytes(last.peak - last.base)
        return f"| {role} | {summary(steps)}: {reason(last).partition(' at ')[0]} | {rise} | | |"
    first, rise = steps[0], show_bytes(last.peak - last.base)
    if first is not last:
        first_rise = show_bytes(first.peak - first.base)
        rise = f"{first_rise} with {show_count(first.users)}, {rise} with {show_count(last.users)}"
    waits = [show_seconds(first_byte(last.outcome, which)) for which in ("p50", "p95")]
    completed = f"{show_bytes(throughput(last.outcome))} a second"
    return f"| {role} | {summary(steps)} | {rise} | {waits[0]}, {waits[1]} | {completed} |"
