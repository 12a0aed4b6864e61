"""Draw users against peak memory under a cap, and say what became of the steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.load.result import FIRST_BYTE, LoadResult
from lab.load.steps import Step
from lab.report.plot import STYLES, drawing, finish
from lab.units import show_bytes, show_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLAIN: tuple[str, str, str] = ("#0072B2", "s", "-")
"""Colour, mark and line for an application without roles."""


def memory_svg(steps: Sequence[Step], cap: int) -> str:
    """Draw users against the server's peak resident set, with the cap and the failed steps."""
    sentences = []
    with drawing() as (figure, axes):
        for role, role_steps in by_role(steps).items():
            colour, mark, line = _style(role)
            points = [(step.users, step.peak) for step in role_steps]
            axes.plot(*zip(*points, strict=True), line, marker=mark, color=colour, label=role)
            sentences.append(f"{role} {summary(role_steps)}, {show_bytes(points[-1][1])}")
            _mark_failure(axes, role_steps[-1], colour)
        if cap:
            most = max(step.base for step in steps) + cap
            axes.axhline(most, color="#555555", linewidth=1)
            axes.annotate(
                f"the cap: {show_bytes(cap)} over the warm server",
                (max(step.users for step in steps), most), (0, 5), textcoords="offset points",
                color="#555555", ha="right",
            )  # fmt: skip
            axes.set_ylim(0, 1.12 * most)
        else:
            axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter(lambda value, _: show_bytes(value) if value else "0")
        axes.set_ylabel("peak resident set of the server")
        _draw_users(axes, steps)
        description = f"Users at once against the server's peak memory: {'; '.join(sentences)}."
        return finish(figure, axes, "Users against memory, under a cap", description)


def summary(role_steps: Sequence[Step]) -> str:
    """Return the largest number of users that passed, and the one that failed, in words."""
    last = role_steps[-1]
    passed = [step.users for step in role_steps if step.passed]
    if last.passed:
        return f"passes with {show_count(last.users)}, the most tried"
    before = f", passes with {show_count(passed[-1])}" if passed else ""
    return f"fails at {show_count(last.users)}{before}"


def by_role(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """Group steps by role, in order; steps without a role are those of ``users``."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.role or "users", []).append(step)
    return groups


def first_byte(result: LoadResult, which: str) -> float:
    """Return a percentile of the time to the first byte of the slowest job, in seconds."""
    rows = (row for row in result.entries if row.name.endswith(FIRST_BYTE))
    return max((getattr(row, which) for row in rows), default=0.0)


def _draw_users(axes: "Axes", steps: Sequence[Step]) -> None:
    axes.set_xscale("log", base=2)
    numbers = sorted({step.users for step in steps})
    axes.set_xticks(numbers, [show_count(number) for number in numbers])
    axes.set_xlabel("users at once, each with the whole answer")
    axes.grid(visible=True, which="major", alpha=0.3)


def _mark_failure(axes: "Axes", last: Step, colour: str) -> None:
    if last.passed:
        return
    point = (last.users, last.peak)
    axes.plot(*point, "X", markersize=14, color=colour)
    axes.annotate(
        f"{last.role or 'fails'}: {reason(last)}", point, (12, -18), textcoords="offset points",
        color=colour,
    )  # fmt: skip


def reason(step: Step) -> str:
    """Return in a few words why a step failed."""
    if "out of memory" in step.problem:
        return f"out of memory at {show_count(step.users)}"
    return (step.problem.partition(": ")[2] or step.problem)[:40]


def _style(role: str) -> tuple[str, str, str]:
    styles: dict[str, tuple[str, str, str]] = {str(r): style for r, style in STYLES.items()}
    return styles.get(role, _PLAIN)
