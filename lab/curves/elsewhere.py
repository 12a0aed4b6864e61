"""Memory of a run that its own heap does not show: child processes, files in memory, and pages."""

from dataclasses import dataclass

from lab.units import show_bytes


@dataclass(frozen=True)
class Elsewhere:
    """Peaks during a run, in bytes over the state before it.

    Attributes:
        resident: Rise of the resident set of the process. In a run that traces the heap, memory of
            the tracer is part of it.
        mapped: The part of it in pages of mapped files, which the kernel can drop at any time.
        children: Memory of child processes that they share with no other process.
        commands: What these child processes are, such as ``python``.
        files: Open files in memory (memfd, tmpfs) that are not mapped by the process.
        pool: Arrow's pool, which takes its pages itself; part of the resident set, not of the heap.
    """

    resident: int = 0
    mapped: int = 0
    children: int = 0
    commands: tuple[str, ...] = ()
    files: int = 0
    pool: int = 0

    def outside(self, witness: str) -> int:
        """Return the bytes that the process's own figure of a witness does not include."""
        pool = self.pool if witness == "heap" else 0
        return self.children + self.files + pool

    def __str__(self) -> str:
        """Return what is outside of the heap, in words; empty if there is nothing."""
        children = f"child processes ({', '.join(self.commands)})" if self.commands else ""
        parts = [
            (self.children, children or "child processes"),
            (self.files, "files in memory"),
            (self.pool, "Arrow's pool"),
        ]
        return ", ".join(f"{show_bytes(size)} in {what}" for size, what in parts if size)


NOWHERE = Elsewhere()
"""No memory elsewhere."""
