"""What a trap is: something said, the wrong result it leads to, and the right one beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import getdoc


@dataclass(frozen=True)
class Sprung:
    """What springing a trap showed.

    Attributes:
        wrong: The result of doing as is said, with its figures: ``5,001 statements``.
        right: The result of doing it right, measured the same way.
        holds: Whether the wrong result was wrong and the right one right. When it is False the
            trap has not sprung: a library has changed, and the lab says something false.
    """

    wrong: str
    right: str
    holds: bool


@dataclass(frozen=True)
class Trap:
    """Something that is said or done, and that is wrong when measured.

    Attributes:
        spring: Does it the wrong way and the right way, on real parts, and tells. Its docstring's
            first line says what goes wrong, and the rest explains why and what to do instead. A
            crash is sprung in a child process.
        said: What the lesson says, or what is commonly believed, in a few words.
    """

    spring: Callable[[], Sprung]
    said: str

    @cached_property
    def name(self) -> str:
        """The function's name with dashes, by which the command line knows the trap."""
        return self.spring.__name__.replace("_", "-")

    @cached_property
    def label(self) -> str:
        """The first line of the function's docstring."""
        return (getdoc(self.spring) or self.name).splitlines()[0]

    @cached_property
    def explanation(self) -> str:
        """The rest of the docstring."""
        return "\n".join((getdoc(self.spring) or "").splitlines()[2:])
