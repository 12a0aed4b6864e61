"""Measure any function or endpoint at several sizes: what `lab.sweep` is."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lab.claim import O
from lab.curves.curve import Curve, Witness
from lab.curves.verdict import verdict
from lab.measure.follow_up import settled
from lab.measure.schedule import Schedule
from lab.measure.sweep import curves, sweep_of
from lab.measure.workload import Function, Subject


def sweep(
    target: str | Subject,
    axis: str = "n",
    sizes: Iterable[int] | None = None,
    *,
    setup: str | None = None,
    witnesses: Sequence[Witness] = ("heap",),
    schedule: Schedule | None = None,
    claim: O | None = None,
    constant_answer: str | bool = False,
    warm_up: bool = True,
) -> Curve:
    """Measure any function or endpoint at several sizes, each in a fresh process.

    Args:
        target: ``package.module:function``, which takes one positional integer; or an `Endpoint`.
        axis: What the integer counts, such as ``rows`` or ``bytes``.
        sizes: Increasing; a verdict needs five or more, each twice the one before. None for five
            that suit the subject.
        setup: A context manager that takes the size and yields the target's argument.
        witnesses: Any of ``heap``, ``rss``, ``seconds``; the first one is the curve's.
        schedule: How to run the points: how many side by side, with which timeout.
        claim: If the sizes cannot decide this claim, more is measured until it is decided, or
            until that would take too long.
        constant_answer: Whether the answer need not grow with the size; a text says why.
        warm_up: Whether a smaller run comes before each measured one.

    Returns:
        The curve, in bytes (or seconds), for `lab.verdict`.

    Raises:
        LabError: The target cannot be imported, raised an error, or its process died; an
            application does not start, or answers with an error.
    """
    subject = Function(target, setup) if isinstance(target, str) else target
    described = sweep_of(subject, axis, sizes)
    reason = "as the caller says" if constant_answer is True else constant_answer or ""
    described = replace(described, constant_answer=reason, warm=warm_up)
    if claim is None:
        return curves({"": described}, witnesses, schedule)[""]
    tested = claim
    return settled({"": described}, witnesses, schedule, lambda _, c: verdict(c, tested).wants)[""]
