"""The README's part about load, from what `lab load` has measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.load.steps import Step
from lab.report.load import read_steps
from lab.report.load_plot import by_role, fate, first_byte, reason, throughput
from lab.units import show_bytes, show_count, show_seconds

FILE = Path("load", "load.json")
PICTURES = ("memory.svg", "first-byte.svg", "throughput.svg")


def parts(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the generated parts by name.

    Args:
        document: What `lab load` wrote.
    """
    lines = [
        "| | Users at once | Peak RSS over the warm server | First byte, p50 and p95 | Completed |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(role, own) for role, own in by_role(read_steps(document)).items()]
    return {"load": "\n".join(lines)}


def _row(role: str, own: Sequence[Step]) -> str:
    last = own[-1]
    if not last.carried or last.outcome is None:
        rise = show_bytes(last.peak - last.base)
        return f"| {role} | {fate(own)}: {reason(last).partition(' at ')[0]} | {rise} | | |"
    first, rise = own[0], show_bytes(last.peak - last.base)
    if first is not last:
        alone = show_bytes(first.peak - first.base)
        rise = f"{alone} with {show_count(first.users)}, {rise} with {show_count(last.users)}"
    waited = [show_seconds(first_byte(last.outcome, which)) for which in ("p50", "p95")]
    done = f"{show_bytes(throughput(last.outcome))} a second"
    return f"| {role} | {fate(own)} | {rise} | {waited[0]}, {waited[1]} | {done} |"
