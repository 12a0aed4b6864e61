"""What a lesson is and what it promises: a pattern, its variants, and the claim each one makes.

A pattern is declared, not registered: plain functions, frozen dataclasses, one explicit tuple.
It imports no meter. `open_variant` is how a meter, which knows no pattern, runs one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from inspect import Parameter, getdoc, getsource, signature
from typing import Any, Literal

from lab.errors import LabError, nearest
from lab.units import parse_bytes

Role = Literal["naive", "trap", "streaming", "tuned"]
ROLES: tuple[Role, ...] = ("naive", "trap", "streaming", "tuned")

Spring = Literal["memory", "answer", "answer under writes", "statements", "status"]
"""How a trap springs: memory grows, the answer is wrong (always, or while others write), the
statements sent grow with the rows, or the status is sent before it is known."""

AXES = {
    "n": "item",
    "rows": "row",
    "bytes": "byte",
    "keys": "key",
    "batch": "row of a batch",
    "chunk": "byte of a chunk",
    "clients": "client",
}
"""The sizes along which a workload grows, and what one step along each is called."""

CROWDS = (2, 4, 8, 12, 16)
"""How many there are along the axis clients. One has nobody to be in step with; and several points
that are measured side by side must not want more connections than a database usually has.
"""


@dataclass(frozen=True, init=False)
class O:  # noqa: E742 - the field's own notation; it is never confused with a zero here
    """The axes on which peak memory depends: ``O("rows")``, ``O("batch")``, ``O(1)`` for none.

    A claim says two things, and both are tested: peak memory grows, at most in proportion, along
    the axes it names, and it does not grow along any other. The claim of a variant that is served
    may say a third, ``O("batch", per_client="300 kB")``: what each client of a server costs it.
    Along the axis clients it then is ``O("clients")``, and no more than that for each.

    Attributes:
        axes: Those it names.
        per_client: Bytes of heap that one more client may cost, or None.

    Raises:
        LabError: An argument is neither 1 nor the name of an axis, or the bytes are no amount.
    """

    axes: tuple[str, ...]
    per_client: int | None

    def __init__(self, *axes: str | int, per_client: str | None = None) -> None:
        if not axes:
            raise LabError("a claim names its axes, or 1 for none: O(1), O(batch).")
        if axes != (1,):
            for axis in axes:
                if axis not in AXES:
                    raise LabError(
                        f"unknown claim O({axis}): write O(1) or name axes, as O(batch); "
                        f"{nearest(str(axis), list(AXES))}"
                    )
        object.__setattr__(self, "axes", () if axes == (1,) else tuple(map(str, axes)))
        object.__setattr__(self, "per_client", parse_bytes(per_client) if per_client else None)

    def __str__(self) -> str:
        return f"O({' + '.join(self.axes) or '1'})"

    @classmethod
    def parse(cls, text: str) -> "O":
        """Read a claim as it is written: ``O(1)``, ``O(batch)``, ``O(rows + keys)``.

        Raises:
            LabError: The text is no claim.
        """
        match = re.fullmatch(r"\s*O\(([^()]+)\)\s*", text)
        if match is None:
            raise LabError(f"unknown claim {text!r}: write O(1), O(n), or an axis as in O(batch).")
        words = [word.strip().strip("\"'") for word in re.split(r"[+,]", match[1])]
        return cls(1) if words == ["1"] else cls(*words)


@dataclass(frozen=True)
class Outcome:
    """What a variant answered: a digest of the answer, and counts that belong to it.

    Two variants give the same answer when their digests are equal. ``counts`` holds what else is
    part of the outcome, by name: items delivered, statements sent to the database.
    """

    digest: str
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """One answer to a pattern's question: a plain function and the claim about its peak memory.

    A trap says how it springs, in a word that the test suite can prove and a sentence to read.

    Attributes:
        run: The function.
        role: What kind of answer it is.
        peak: What its peak memory depends on.
        springs: How a trap springs.
        why: Why it does.
        extra: The optional extra of memory-lab that it wants, where it wants one.
        needs: The modules that the function imports from there; the file imports none of them.
    """

    run: Callable[..., Any]
    role: Role
    peak: O
    springs: Spring | None = None
    why: str = ""
    extra: str = ""
    needs: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """The function's name, by which the command line knows the variant."""
        return self.run.__name__

    @cached_property
    def label(self) -> str:
        """The first line of the function's docstring."""
        return (getdoc(self.run) or self.name).splitlines()[0]

    @cached_property
    def source(self) -> str:
        """The code of the variant, as it stands in its file."""
        return getsource(self.run)

    @cached_property
    def ready(self) -> bool:
        """Whether it can run here: whether what it needs can be imported, not only be found."""
        try:
            for module in self.needs:
                import_module(module)
        except ImportError:
            return False
        return True

    def takes(self, axis: str) -> bool:
        """Tell whether the axis is an argument of the function, such as its batch."""
        return axis in signature(self.run).parameters

    def default(self, axis: str) -> int | None:
        """Return the function's own value for an axis, or None where it has none."""
        parameter = signature(self.run).parameters.get(axis)
        if parameter is None or parameter.default is Parameter.empty:
            return None
        return int(parameter.default)


World = Callable[..., AbstractContextManager[Any]]


def _nothing_to_prepare(**_: int) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Request:
    """How a server is asked for a pattern, so that its clients can be counted.

    Attributes:
        line: As ``GET /posts/export.csv?rows={rows}``; the role goes in front of the path.
        sizes: What stands in braces. One answer must be several times what the buffers of a socket
            hold, or it is gone before the next client has come.
        prepare: As that of the pattern, called with these sizes.
        alike: Every client receives the same bytes from every variant; False where an answer says
            when it was made, as an archive does: then as many bytes, from one variant.
        app: ``package.module:app``.
    """

    line: str
    sizes: Mapping[str, int]
    prepare: World
    alike: bool = True
    app: str = "lab.web.app:app"

    def to(self, role: Role) -> str:
        """Return the request for the variant that is served in a role."""
        method, _, path = self.line.format(**self.sizes).partition(" ")
        return f"{method} /{role}{path}"


@dataclass(frozen=True)
class Pattern:
    """One question with several answers, from the worst to the best.

    A fresh process finds it again by name: it is called ``PATTERN``, in the file that its variants
    are written in.

    Attributes:
        name: The file's name, which the command line uses.
        world: A context manager: sizes in, what the variants are given out (a tuple is given as
            several arguments). It runs in the measured process, before the measuring begins.
        outcome: Drains what a variant returned and says what the same answer is. Called with the
            answer and with what the world gave.
        axes: For each axis, the sizes at which claims about it are tested.
        fixed: The sizes of the world's axes while another axis is swept.
        variants: Worst answer first.
        prepare: A context manager entered once around all measuring, outside of it: it makes the
            data for the largest sizes and keeps the server running.
        request: How a server is asked for it, if the axis clients is one of its axes.
    """

    name: str
    world: World
    outcome: Callable[..., Outcome]
    axes: Mapping[str, tuple[int, ...]]
    variants: tuple[Variant, ...]
    fixed: Mapping[str, int] = field(default_factory=dict)
    prepare: World = _nothing_to_prepare
    request: Request | None = None

    def __getitem__(self, name: str) -> Variant:
        """Return a variant by name.

        Raises:
            LabError: There is none of that name.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        names = [variant.name for variant in self.variants]
        raise LabError(f"unknown variant {name!r} of {self.name}: {nearest(name, names)}")

    def first(self, role: Role) -> Variant:
        """Return the first variant in a role; every pattern has a naive and a streaming one."""
        return next(variant for variant in self.variants if variant.role == role)

    @property
    def recommended(self) -> Variant:
        """The best answer: the last variant that streams and is ready, as the worst come first."""
        right = (v for v in reversed(self.variants) if v.role in ("streaming", "tuned"))
        return next(variant for variant in right if variant.ready)

    @property
    def module(self) -> Any:
        """The file that teaches the pattern."""
        return import_module(self.module_name)

    @property
    def module_name(self) -> str:
        """The import path of the file in which the variants are written."""
        return str(self.variants[0].run.__module__)

    @property
    def question(self) -> str:
        """The question, which is the first line of the file's docstring."""
        return (self.module.__doc__ or self.name).strip().splitlines()[0]

    def concerns(self, variant: Variant, axis: str) -> bool:
        """Tell whether an axis means anything to a variant: `load_all` knows no batch."""
        if axis == "clients":
            return variant.peak.per_client is not None
        return axis in self.fixed or variant.takes(axis)

    def along(self, axis: str) -> tuple[Variant, ...]:
        """Return the variants that an axis means something to.

        Raises:
            LabError: The pattern has no such axis.
        """
        self._check(axis)
        return tuple(variant for variant in self.variants if self.concerns(variant, axis))

    def wants(self, variant: Variant) -> str:
        """Say which extra a variant wants, in one sentence."""
        extra = variant.extra
        mend = f"pip install 'memory-lab[{extra}]'"
        return f"{self.name} {variant.name} needs the extra `{extra}`: {mend}"

    def check_ready(self, variant: Variant) -> None:
        """Check that a variant can run here.

        Raises:
            LabError: The extra that it wants is missing.
        """
        if not variant.ready:
            raise LabError(self.wants(variant))

    def _check(self, axis: str) -> None:
        if axis not in self.axes:
            known = nearest(axis, list(self.axes))
            raise LabError(f"{self.name} has no axis {axis!r}: {known}")

    def sizes_for(self, variant: Variant, axis: str) -> tuple[int, ...]:
        """Return the sizes that test a variant's claim about an axis.

        Growth in proportion to the data is plain at an eighth of the sizes that it takes to be
        sure of a flat curve, and costs an eighth of the time.

        Raises:
            LabError: The pattern has no such axis, or the variant does not know it.
        """
        self._check(axis)
        if not self.concerns(variant, axis):
            raise LabError(f"{self.name} {variant.name} has no {axis} to vary.")
        sizes = self.axes[axis]
        if axis in variant.peak.axes and axis in ("rows", "bytes"):
            return tuple(size // 8 for size in sizes)
        return sizes


@contextmanager
def open_variant(
    pattern: str, variant: str, sizes: Mapping[str, int]
) -> Iterator[Callable[[], Outcome]]:
    """Give a variant its world and yield a call that runs it and returns its outcome.

    Args:
        pattern: Where the pattern is declared, as ``package.module:NAME``.
        variant: The variant's name.
        sizes: Axis to size; what the variant takes as an argument goes there, the rest is the
            world's.

    Raises:
        LabError: The extra that the variant wants is missing.
    """
    module, _, attribute = pattern.partition(":")
    found: Pattern = getattr(import_module(module), attribute)
    chosen = found[variant]
    found.check_ready(chosen)
    options = {axis: size for axis, size in sizes.items() if chosen.takes(axis)}
    world = {**found.fixed, **{axis: size for axis, size in sizes.items() if axis in found.fixed}}
    with found.world(**world) as given:
        arguments = given if isinstance(given, tuple) else (given,)

        def run() -> Outcome:
            return found.outcome(chosen.run(*arguments, **options), *arguments)

        yield run
