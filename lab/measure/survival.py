"""Runs of any function or endpoint under a memory cap."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from lab.measure.memory_cap import Survival, require_caps
from lab.measure.process_pool import Processes
from lab.measure.sweep import sweep_of
from lab.measure.workload import Function, Subject
from lab.units import parse_bytes

TIMEOUT = 60.0
"""Seconds for a run under a cap; a run that is short of memory is slow before it fails."""


def survives(
    target: str | Subject,
    size: int,
    cap: int | str,
    *,
    axis: str = "n",
    setup: str | None = None,
    warm_up: bool = True,
    timeout: float = TIMEOUT,
) -> Survival:
    """Run a target at one size in a fresh process that may take ``cap`` bytes and no more.

    Args:
        target: As for `lab.sweep`.
        size: One size along the axis.
        cap: Bytes over the warm process, or text such as ``64MiB``.
        axis: What the size counts.
        setup: As for `lab.sweep`.
        warm_up: As for `lab.sweep`.
        timeout: Seconds after which the run is killed.

    Returns:
        A survival; true if the run finished, else it has the reason and the items so far.

    Raises:
        LabError: The target cannot be run, or fails for another reason than memory; or the
            platform has no caps.
    """
    subject = Function(target, setup) if isinstance(target, str) else target
    return survivals(subject, axis, [size], cap, warm_up=warm_up, timeout=timeout)[size]


def survivals(
    subject: Subject,
    axis: str,
    sizes: Iterable[int],
    cap: int | str,
    *,
    warm_up: bool = True,
    timeout: float = TIMEOUT,
    on_run: Callable[[], object] | None = None,
) -> dict[int, Survival]:
    """Run a subject under the same cap at several sizes, one after the other; return all by size.

    Args:
        subject: What to run.
        axis: What the sizes count.
        sizes: Increasing.
        cap: Bytes over the warm process, or text such as ``64MiB``.
        warm_up: As for `lab.sweep`.
        timeout: Seconds after which a run is killed.
        on_run: Called after each run.

    Raises:
        LabError: As `survives`.
    """
    require_caps()
    cap_bytes = parse_bytes(cap) if isinstance(cap, str) else cap
    by_size = {}
    with Processes() as processes:
        described = replace(sweep_of(subject, axis, sizes), warm=warm_up)
        for size in described.sizes:
            by_size[size] = processes.survive(described.workload(size), cap_bytes, timeout)
            if on_run is not None:
                on_run()
    return by_size
