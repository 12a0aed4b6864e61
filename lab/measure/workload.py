"""Workloads: calls that a fresh process can open by an import path and measure."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from lab.errors import LabError, nearest
from lab.measure.answers import drain
from lab.outcome import Outcome

LASTING = ExitStack()
"""Contexts that stay open from the warm-up to the end of the process, such as a server's."""


@dataclass(frozen=True)
class Start:
    """The state from which fresh processes are forked: the modules that are already imported.

    Attributes:
        preload: Modules to import that are slow and that every process of the workload may have.
        warm: Import path of a function that imports more, or empty; imported modules must be its
            only effect.
        arguments: Its keyword arguments, as JSON.
    """

    preload: tuple[str, ...] = ()
    warm: str = ""
    arguments: str = ""


@dataclass(frozen=True)
class Preparation:
    """Makes a workload's data, before and outside of the measured process.

    Attributes:
        opener: Import path of a context manager; the data exists while its block lasts.
        arguments: Its keyword arguments, as JSON.
    """

    opener: str
    arguments: str


@dataclass(frozen=True)
class Workload:
    """A call to measure in a fresh process.

    Attributes:
        name: Its name in messages.
        opener: Import path, ``package.module:function``, of a context manager that yields a call
            without arguments; the call does the work and returns its `Outcome`.
        arguments: Keyword arguments of the opener; they must survive JSON.
        warm_up: Arguments for a smaller run before the measured one; None for no warm-up.
        start: The state from which its processes are forked.
        runs_itself: The opener is a function, not a context manager: its first argument measures
            a call, and the opener passes the call to it.
        folder: The folder of the user's own code; empty for the current folder.
        prepare: Makes the data on a worker of another machine; on this machine the caller does it.
        stored: Whether a reading of it may come from a `ReadingStore`.
    """

    name: str
    opener: str
    arguments: Mapping[str, Any]
    warm_up: Mapping[str, Any] | None
    start: Start = Start()
    runs_itself: bool = False
    folder: str = ""
    prepare: Preparation | None = None
    stored: bool = False


class Subject(Protocol):
    """The subject of a sweep: it has a workload at every size."""

    @property
    def noise(self) -> int:
        """Bytes by which two equal runs may differ."""

    @property
    def open_ended(self) -> bool:
        """Whether it can be measured at any size, and its answer has to grow with the size."""

    def workload(self, axis: str, size: int) -> Workload:
        """Return its workload at a size along an axis."""

    def require_axis(self, axis: str) -> None:
        """Raise an error unless the axis applies to the subject.

        Raises:
            LabError: It does not apply.
        """


@dataclass(frozen=True)
class Function:
    """Any function as the subject of a sweep; it is warmed up at half of the size, or less.

    Its argument is the size, or what the context manager ``setup`` yields for the size. Its result
    is drained if it is an iterable, and awaited if it is awaitable.

    Attributes:
        path: ``package.module:function``.
        setup: ``package.module:context_manager``, or None.
    """

    path: str
    setup: str | None = None
    noise = 0
    open_ended = True

    def __str__(self) -> str:
        return self.path

    def workload(self, axis: str, size: int) -> Workload:
        """Return its workload at a size, which is the same for every axis."""

        def arguments(of_size: int) -> dict[str, Any]:
            return {"target": self.path, "size": of_size, "setup": self.setup}

        opener = "lab.measure.workload:open_target"
        return Workload(self.path, opener, arguments(size), arguments(warm_size(size)))

    def require_axis(self, axis: str) -> None:
        """Accept every axis: the lab does not know what the size means to the function."""


def resolve(path: str) -> Any:
    """Import the object at a path of the form ``package.module:name``.

    Raises:
        LabError: The path has another form, the module does not exist, or it has no such name.
    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise LabError(f"{path!r} is not a target: write package.module:function.")
    try:
        target: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise LabError(
                f"cannot import {module_name!r} for {path}: no such module from this folder; "
                "run the command where the package can be imported."
            ) from None
        raise
    for part in attribute.split("."):
        if not hasattr(target, part):
            known = [name for name in dir(target) if callable(getattr(target, name))]
            public = [name for name in known if not name.startswith("_")]
            raise LabError(f"{module_name} has no {attribute!r}: {nearest(part, public)}")
        target = getattr(target, part)
    return target


@contextmanager
def open_target(
    target: str, size: int, setup: str | None = None
) -> Iterator[Callable[[], Outcome]]:
    """Set up a target's argument for one size and yield a call that drains its answer."""
    function = resolve(target)
    if not callable(function):
        raise LabError(f"{target} is a {type(function).__name__}, not a function.")
    with ExitStack() as stack:
        argument = stack.enter_context(resolve(setup)(size)) if setup else size
        yield lambda: drain(function(argument))


def warm_size(size: int, scale: int = 1) -> int:
    """Return the size of the warm-up: half of a size, but at most 4,000 times ``scale``.

    This is a few batches: enough to fill the caches of the interpreter.
    """
    return max(1, min(size // 2, 4_000 * scale))
