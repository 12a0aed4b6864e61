"""What can be measured: anything that a fresh process can open by its import path and call."""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import isawaitable
from typing import Any, Protocol

from lab.digest import Digest
from lab.errors import LabError, nearest
from lab.measure.progress import counted, reached
from lab.pattern import Outcome

LASTING = ExitStack()
"""What an opener keeps from the warm-up to the end of the measuring process, such as a server."""


@dataclass(frozen=True)
class Start:
    """The state that fresh processes start from: what is imported before they are forked.

    Attributes:
        preload: Modules that cost time and that any process for the workload may have imported.
        warm: Import path of a function that imports more, or empty; it must leave nothing behind
            but imported modules.
        arguments: What it is called with, as JSON.
    """

    preload: tuple[str, ...] = ()
    warm: str = ""
    arguments: str = ""


@dataclass(frozen=True)
class Preparation:
    """What has a workload's data in place before, and outside of, the measured process.

    Attributes:
        opener: Import path of a context manager; the data is there as long as its block lasts.
        arguments: What it is called with, as JSON.
    """

    opener: str
    arguments: str


@dataclass(frozen=True)
class Workload:
    """Something to measure in a fresh process.

    Attributes:
        name: What it is called in messages.
        opener: Import path, ``package.module:function``, of a context manager that yields a call
            without arguments; the call does the work and returns its `Outcome`.
        arguments: What the opener is called with; must survive JSON.
        warm_up: Arguments for a smaller run of the same, before the measured one; None for none.
        start: What any process for the workload may have imported.
        drives: The opener is no context manager: it is called with what looks at a call, before
            its arguments, and applies that to the call when the moment has come.
        folder: What the reader's own code lies below; the current folder, where it is empty.
        prepare: What a worker on another machine does first; here it has been done already.
    """

    name: str
    opener: str
    arguments: Mapping[str, Any]
    warm_up: Mapping[str, Any] | None
    start: Start = Start()
    drives: bool = False
    folder: str = ""
    prepare: Preparation | None = None


class Subject(Protocol):
    """What a sweep measures: something that has a workload at every size."""

    @property
    def noise(self) -> int:
        """Bytes by which two runs of the same may differ."""

    def workload(self, axis: str, size: int) -> Workload:
        """Describe it at a size along an axis."""

    def check(self, axis: str) -> None:
        """Check that the axis means something to it.

        Raises:
            LabError: It means nothing.
        """


@dataclass(frozen=True)
class Function:
    """Anybody's function; it is warmed up at half of the size, or less.

    It takes one positional integer, or what the context manager ``setup`` yields for that size.
    What it returns is drained if it is an iterable, awaited if it is awaitable.

    Attributes:
        path: ``package.module:function``.
        setup: ``package.module:context_manager``, or None.
    """

    path: str
    setup: str | None = None
    noise = 0

    def __str__(self) -> str:
        return self.path

    def workload(self, axis: str, size: int) -> Workload:
        """Describe the function at a size; what the size counts makes no difference."""

        def arguments(of: int) -> dict[str, Any]:
            return {"target": self.path, "size": of, "setup": self.setup}

        opener = "lab.measure.workload:open_target"
        return Workload(self.path, opener, arguments(size), arguments(warm_size(size)))

    def check(self, axis: str) -> None:
        """Accept every axis: what an integer counts is the function's affair."""


def resolve(path: str) -> Any:
    """Import what a path of the form ``package.module:name`` names.

    Raises:
        LabError: The path has another form, the module cannot be found, or lacks the name.
    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise LabError(f"{path!r} is no target: write package.module:function.")
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise LabError(
                f"cannot import {module_name!r} for {path}: no such module from this folder; "
                "run the command where the package can be imported."
            ) from None
        raise
    for part in attribute.split("."):
        if not hasattr(found, part):
            known = [name for name in dir(found) if callable(getattr(found, name))]
            public = [name for name in known if not name.startswith("_")]
            raise LabError(f"{module_name} has no {attribute!r}: {nearest(part, public)}")
        found = getattr(found, part)
    return found


@contextmanager
def open_target(
    target: str, size: int, setup: str | None = None
) -> Iterator[Callable[[], Outcome]]:
    """Set up what a target needs at one size and yield a call that drains its answer."""
    function = resolve(target)
    if not callable(function):
        raise LabError(f"{target} is a {type(function).__name__}, not a function.")
    with ExitStack() as stack:
        given = stack.enter_context(resolve(setup)(size)) if setup else size
        yield lambda: drain(function(given))


def drain(answer: Any) -> Outcome:
    """Consume an answer as a client would, an item at a time, and say what it was.

    Awaitables are awaited, asynchronous and ordinary iterables drained; text, bytes, mappings and
    everything else count as one item.
    """
    if isawaitable(answer) or isinstance(answer, AsyncIterable):
        return asyncio.run(_drain_async(answer))
    digest = Digest()
    if isinstance(answer, Iterable) and not isinstance(
        answer, (str, bytes, bytearray, memoryview, Mapping)
    ):
        return Outcome(counts={"items": digest.add_all(counted(answer))}, digest=digest.hex())
    digest.add(answer)
    return Outcome(digest.hex(), {"items": 1})


async def _drain_async(answer: Any) -> Outcome:
    if isawaitable(answer):
        answer = await answer
    if not isinstance(answer, AsyncIterable):
        return drain(answer)
    digest, items = Digest(), 0
    async for item in answer:
        digest.add(item)
        items += 1
        reached(items)
    return Outcome(digest.hex(), {"items": items})


def warm_size(size: int, scale: int = 1) -> int:
    """Warm up at half of a small size, and never at more than a few batches of a large one."""
    return max(1, min(size // 2, 4_000 * scale))
