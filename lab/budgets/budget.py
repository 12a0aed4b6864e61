"""One memory budget: what is measured, at which sizes, and the limits."""

from dataclasses import dataclass, replace

from lab.budgets.judge import Promise
from lab.curves.curve import Witness
from lab.measure.schedule import DEFAULT_TIMEOUT
from lab.measure.sweep import Sweep, sweep_of
from lab.measure.workload import Subject


@dataclass(frozen=True)
class Budget:
    """One table of a file of budgets.

    Attributes:
        name: The name of the table.
        subject: What is measured.
        what: The subject in words, without possible secrets such as headers.
        axis: What the sizes count.
        sizes: Increasing; a claim needs five or more.
        promise: The claim and the ceiling; either may be None.
        cap: Bytes over the warm process with which the largest size must finish, or None.
        witness: What measures the peak: ``heap`` or ``rss``.
        timeout: Seconds for a point.
        constant_answer: Why the answer need not grow with the size; empty without such a reason.
        warm_up: Whether a smaller run comes before each measured one.
        file: Path of the file, as the command names it.
        line: The line in the file on which the table begins, from 1.
    """

    name: str
    subject: Subject
    what: str
    axis: str
    sizes: tuple[int, ...]
    promise: Promise
    cap: int | None = None
    witness: Witness = "heap"
    timeout: float = DEFAULT_TIMEOUT
    constant_answer: str = ""
    warm_up: bool = True
    file: str = ""
    line: int = 1

    @property
    def swept(self) -> bool:
        """Whether a curve is measured; a budget with only a cap needs one run."""
        return self.promise.claim is not None or self.promise.ceiling is not None

    @property
    def sweep(self) -> Sweep:
        """What is measured for its curve."""
        described = sweep_of(self.subject, self.axis, self.sizes, self.timeout)
        return replace(described, constant_answer=self.constant_answer, warm=self.warm_up)
