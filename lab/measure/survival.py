"""Does it survive? Anybody's function, or endpoint, under a cap on its memory."""

from collections.abc import Callable, Iterable

from lab.measure.cap import Survival, require_caps
from lab.measure.process import Processes
from lab.measure.sweep import sweep_of
from lab.measure.workload import Function, Subject
from lab.units import parse_bytes

TIMEOUT = 60.0
"""Seconds for a run under a cap; memory that is short makes things slow before it ends them."""


def survives(
    target: str | Subject,
    size: int,
    cap: int | str,
    *,
    axis: str = "n",
    setup: str | None = None,
    timeout: float = TIMEOUT,
) -> Survival:
    """Run a target at a size in a fresh process that may take so much more memory and no more.

    The result is true where the run finished; otherwise it says what of, and how far it got.

    Args:
        target: As for `lab.sweep`.
        size: One size along the axis.
        cap: Bytes over the warm process, or text such as ``64MiB``.
        axis: What the size counts.
        setup: As for `lab.sweep`.
        timeout: Seconds after which the run is ended.

    Raises:
        LabError: The target cannot be run, or fails for another reason than a lack of memory; or
            the platform has no caps.
    """
    subject = Function(target, setup) if isinstance(target, str) else target
    return survivals(subject, axis, [size], cap, timeout=timeout)[size]


def survivals(
    subject: Subject,
    axis: str,
    sizes: Iterable[int],
    cap: int | str,
    *,
    timeout: float = TIMEOUT,
    on_run: Callable[[], object] | None = None,
) -> dict[int, Survival]:
    """Run a subject under the same cap at several sizes, one after the other."""
    require_caps()
    most = parse_bytes(cap) if isinstance(cap, str) else cap
    found = {}
    with Processes() as processes:
        for size, workload in sweep_of(subject, axis, sizes).workloads:
            found[size] = processes.survive(workload, most, timeout)
            if on_run is not None:
                on_run()
    return found
