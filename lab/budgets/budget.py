"""One memory budget: what is measured, at which sizes, and what is promised of it."""

from dataclasses import dataclass

from lab.budgets.judge import Promise
from lab.measure.curve import Witness
from lab.measure.sweep import DEFAULT_TIMEOUT
from lab.measure.workload import Subject


@dataclass(frozen=True)
class Budget:
    """What a file of budgets says under one name.

    Attributes:
        name: By which the command and the reports know it.
        subject: What is measured.
        what: Says which subject it is, without what may be secret, such as its headers.
        axis: What the sizes count.
        sizes: Increasing; a claim wants five or more.
        promise: The claim and the ceiling, if there are such.
        cap: Bytes over the warm process with which the largest size must be survived, or None.
        witness: Who looks: ``heap`` or ``rss``.
        timeout: Seconds for a point.
        file: The file that it stands in, as it was named.
        line: Where its table begins there.
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
    file: str = ""
    line: int = 1

    @property
    def swept(self) -> bool:
        """Whether it takes a curve: a cap alone is a matter of one run."""
        return self.promise.claim is not None or self.promise.ceiling is not None
