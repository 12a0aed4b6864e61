"""A trap: a common claim that a measurement refutes, with the correct version beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import getdoc


@dataclass(frozen=True)
class Demonstration:
    """What a trap measured.

    Attributes:
        wrong: The result of following the claim, with figures: ``5,001 statements``.
        right: The result of the correct version, measured in the same way.
        holds: Whether ``wrong`` is wrong and ``right`` is right. False means that a library has
            changed and that the trap is no longer true.
    """

    wrong: str
    right: str
    holds: bool


@dataclass(frozen=True)
class Trap:
    """A common claim that is wrong when measured.

    Attributes:
        demonstrate: Measures the wrong and the correct version on real parts. The first line of
            its docstring says what goes wrong; the rest says why and what to do instead. Code
            that may crash runs in a child process.
        said: The claim of the lesson, or a common belief, in a few words.
    """

    demonstrate: Callable[[], Demonstration]
    said: str

    @cached_property
    def name(self) -> str:
        """The function's name with dashes, as the command line uses it."""
        return self.demonstrate.__name__.replace("_", "-")

    @cached_property
    def label(self) -> str:
        """The first line of the function's docstring."""
        return (getdoc(self.demonstrate) or self.name).splitlines()[0]

    @cached_property
    def explanation(self) -> str:
        """The rest of the docstring."""
        return "\n".join((getdoc(self.demonstrate) or "").splitlines()[2:])
