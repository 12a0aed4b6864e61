"""Users against memory, under a cap; against the first byte; and against bytes a second."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lab.load.outcome import FIRST_BYTE, Outcome
from lab.load.steps import Step
from lab.report.plot import STYLES, drawing, finish
from lab.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLAIN: tuple[str, str, str] = ("#0072B2", "s", "-")
"""Colour, mark and line where there are no roles."""

Points = Sequence[tuple[int, float]]


def pictures(steps: Sequence[Step], cap: int) -> dict[str, str]:
    """Draw all that is known of the steps; return SVGs by name."""
    return {
        "memory": memory_svg(steps, cap),
        "first-byte": first_byte_svg(steps),
        "throughput": throughput_svg(steps),
    }


def memory_svg(steps: Sequence[Step], cap: int) -> str:
    """Draw users against the server's peak resident set, with the cap and who dies of it."""
    said = []
    with drawing() as (figure, axes):
        for role, own in by_role(steps).items():
            colour, mark, line = _style(role)
            points = [(step.users, step.peak) for step in own]
            axes.plot(*zip(*points, strict=True), line, marker=mark, color=colour, label=role)
            said.append(f"{role} {fate(own)}, {show_bytes(points[-1][1])}")
            _mark_failure(axes, own[-1], colour)
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
        _users(axes, steps)
        description = "Users at once against the server's peak memory: " + "; ".join(said) + "."
        return finish(figure, axes, "Users against memory, under a cap", description)


def first_byte_svg(steps: Sequence[Step]) -> str:
    """Draw users against the median time to the first byte, and the 95th percentile."""

    def draw(axes: "Axes", role: str, own: Sequence[Step]) -> str:
        colour, mark, line = _style(role)
        for which, face in (("p50", colour), ("p95", "none")):
            points = _points(own, partial(first_byte, which=which))
            if points:
                axes.plot(
                    *zip(*points, strict=True), line, marker=mark, color=colour,
                    markerfacecolor=face, label=f"{role} {which}",
                )  # fmt: skip
        last = next((step for step in reversed(own) if step.carried), None)
        if last is None or last.outcome is None:
            return f"{role} has none"
        waited = [show_seconds(first_byte(last.outcome, which)) for which in ("p50", "p95")]
        return f"{role} {waited[0]} and {waited[1]} at {last.users}"

    return _lines(steps, draw, "Users against the time to the first byte", "seconds", log=True)


def throughput_svg(steps: Sequence[Step]) -> str:
    """Draw users against the bytes a second of answers that were complete."""

    def draw(axes: "Axes", role: str, own: Sequence[Step]) -> str:
        colour, mark, line = _style(role)
        points = _points(own, throughput)
        if not points:
            return f"{role} has none"
        axes.plot(*zip(*points, strict=True), line, marker=mark, color=colour, label=role)
        return f"{role} {show_bytes(points[-1][1])} a second at {points[-1][0]}"

    return _lines(steps, draw, "Users against completed bytes a second", "bytes a second")


def fate(own: Sequence[Step]) -> str:
    """Say how many users a role carries, or at how many it fails."""
    last = own[-1]
    carried = [step.users for step in own if step.carried]
    if last.carried:
        return f"carries {show_count(last.users)}, as many as were tried"
    before = f", carries {show_count(carried[-1])}" if carried else ""
    return f"fails at {show_count(last.users)}{before}"


def by_role(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """Group steps by their roles, in order; steps without one are those of ``users``."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(step.role or "users", []).append(step)
    return found


def first_byte(outcome: Outcome, which: str) -> float:
    """Return a percentile of the time to the first byte, of the slowest job, in seconds."""
    rows = (row for row in outcome.entries if row.name.endswith(FIRST_BYTE))
    return max((getattr(row, which) for row in rows), default=0.0)


def throughput(outcome: Outcome) -> float:
    """Return the bytes a second of a load."""
    return outcome.received / outcome.seconds if outcome.seconds > 0 else 0.0


def _points(own: Sequence[Step], of: Callable[[Outcome], float]) -> Points:
    return [(s.users, of(s.outcome)) for s in own if s.carried and s.outcome is not None]


def _lines(
    steps: Sequence[Step],
    draw: Callable[["Axes", str, Sequence[Step]], str],
    title: str,
    label: str,
    *,
    log: bool = False,
) -> str:
    from matplotlib.ticker import LogLocator

    with drawing() as (figure, axes):
        said = [draw(axes, role, own) for role, own in by_role(steps).items()]
        if log:
            axes.set_yscale("log", subs=[])
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        else:
            axes.set_ylim(0, None)
            axes.yaxis.set_major_formatter(lambda value, _: show_bytes(value) if value else "0")
        axes.set_ylabel(label)
        _users(axes, steps)
        return finish(figure, axes, title, f"{title}: {'; '.join(said)}.")


def _users(axes: "Axes", steps: Sequence[Step]) -> None:
    axes.set_xscale("log", base=2)
    numbers = sorted({step.users for step in steps})
    axes.set_xticks(numbers, [show_count(number) for number in numbers])
    axes.set_xlabel("users at once, each with the whole answer")
    axes.grid(visible=True, which="major", alpha=0.3)


def _mark_failure(axes: "Axes", last: Step, colour: str) -> None:
    if last.carried:
        return
    where = (last.users, last.peak)
    axes.plot(*where, "X", markersize=14, color=colour)
    axes.annotate(
        f"{last.role or 'fails'}: {reason(last)}", where, (12, -18), textcoords="offset points",
        color=colour,
    )  # fmt: skip


def reason(step: Step) -> str:
    """Say in a few words what a step failed of."""
    if "out of memory" in step.problem:
        return f"out of memory at {show_count(step.users)}"
    return (step.problem.partition(": ")[2] or step.problem)[:40]


def _style(role: str) -> tuple[str, str, str]:
    known: dict[str, tuple[str, str, str]] = {str(r): style for r, style in STYLES.items()}
    return known.get(role, _PLAIN)
