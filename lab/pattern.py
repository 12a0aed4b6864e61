"""Patterns: a question, the variants that answer it, and the claim that each variant makes.

A pattern is declared, not registered: plain functions, frozen dataclasses, one explicit tuple.
This module imports no meter. A meter knows no pattern; it calls `open_variant` by its path.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from inspect import Parameter, getdoc, signature
from typing import Any, Literal

from lab.claim import O
from lab.errors import LabError, nearest
from lab.outcome import Outcome
from lab.units import parse_bytes

Role = Literal["naive", "trap", "streaming", "tuned"]
ROLES: tuple[Role, ...] = ("naive", "trap", "streaming", "tuned")

FailsBy = Literal["memory", "answer", "answer under writes", "statements", "status"]
"""How a trap fails: memory grows, the answer is wrong (always, or while others write), the number
of statements grows with the rows, or the HTTP status is sent before it is known."""

CROWDS = (2, 4, 8, 12, 16)
"""Sizes for the axis clients. A single client has no other to read in step with; and points that
are measured side by side must not need more connections than a database usually allows.
"""

GROWTH_SIZE_DIVISOR = 8
"""A claim of growth with the data is tested at a pattern's sizes divided by this number.

Growth shows at an eighth of the sizes that a flat curve needs, and in an eighth of the time.
"""

_DATA_AXES = ("rows", "bytes")


@dataclass(frozen=True)
class Variant:
    """One answer to a pattern's question: a plain function and a claim about its peak memory.

    A trap has ``fails_by``, which the test suite proves, and ``because``, a sentence for readers.

    Attributes:
        run: The function.
        role: The kind of answer.
        peak: The claim.
        fails_by: How a trap fails; None for other roles.
        because: Why a trap fails.
        extra: The optional extra of memory-lab that it needs; empty for none.
        needs: Modules of the extra that the function imports; the file must not import them.
        per_client: The most heap that one more client of its endpoint may cost, as "300 kB"; empty
            for a variant without an endpoint. It is the claim along the axis clients.
    """

    run: Callable[..., Any]
    role: Role
    peak: O
    fails_by: FailsBy | None = None
    because: str = ""
    extra: str = ""
    needs: tuple[str, ...] = ()
    per_client: str = ""

    @cached_property
    def client_bytes(self) -> int | None:
        """Return ``per_client`` in bytes; None if the variant has no endpoint."""
        return parse_bytes(self.per_client) if self.per_client else None

    @cached_property
    def name(self) -> str:
        """The function's name, which is the variant's name on the command line."""
        return self.run.__name__

    @cached_property
    def label(self) -> str:
        """The first line of the function's docstring."""
        return (getdoc(self.run) or self.name).splitlines()[0]

    @cached_property
    def ready(self) -> bool:
        """Whether every module that it needs can be imported; to be installed is not enough."""
        try:
            for module in self.needs:
                import_module(module)
        except ImportError:
            return False
        return True

    def takes(self, axis: str) -> bool:
        """Return whether the function has a parameter of the axis's name, such as ``batch``."""
        return axis in signature(self.run).parameters

    def default(self, axis: str) -> int | None:
        """Return the function's default for an axis, or None if it has none."""
        parameter = signature(self.run).parameters.get(axis)
        if parameter is None or parameter.default is Parameter.empty:
            return None
        return int(parameter.default)


OpenInputs = Callable[..., AbstractContextManager[Any]]


def _nothing_to_prepare(**_: int) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Request:
    """The HTTP request that each client sends along the axis clients.

    Attributes:
        line: Such as ``GET /posts/export.csv?rows={rows}``; the role goes in front of the path.
        sizes: Values for the names in braces. An answer must be several times as large as the
            buffers of a socket; a smaller one ends before the next client has connected.
        prepare: As that of the pattern, called with these sizes.
        alike: Whether all clients of all variants must receive the same bytes. False for answers
            that contain their time, such as archives: then all clients of one variant must receive
            the same number of bytes.
        app: ``package.module:app``.
    """

    line: str
    sizes: Mapping[str, int]
    prepare: OpenInputs
    alike: bool = True
    app: str = "lab.web.app:app"

    def to(self, role: Role) -> str:
        """Return the request line for the variant that is served in a role."""
        method, _, path = self.line.format(**self.sizes).partition(" ")
        return f"{method} /{role}{path}"


@dataclass(frozen=True)
class Pattern:
    """One question with several answers, from the worst to the best.

    It must be called ``PATTERN`` in the file of its variants: a fresh process imports it by name.

    Attributes:
        name: The file's name, which the command line uses.
        open_inputs: A context manager that takes sizes and yields the arguments of the variants (a
            tuple is several arguments). It runs in the measured process, before the measurement.
        outcome: Drains the return value of a variant and returns an `Outcome`. Its arguments are
            that value and the arguments of the variant.
        axes: For each axis, the sizes that test a claim about it; see `sizes_for`.
        variants: Worst answer first.
        fixed: The sizes of the inputs' axes while another axis is swept.
        prepare: A context manager that is entered once, around all measurements and outside of the
            measured processes: it makes the data for the largest sizes and keeps the database up.
        request: What clients send; None without the axis clients.
    """

    name: str
    open_inputs: OpenInputs
    outcome: Callable[..., Outcome]
    axes: Mapping[str, tuple[int, ...]]
    variants: tuple[Variant, ...]
    fixed: Mapping[str, int] = field(default_factory=dict)
    prepare: OpenInputs = _nothing_to_prepare
    request: Request | None = None

    def __getitem__(self, name: str) -> Variant:
        """Return a variant by name.

        Raises:
            LabError: No variant has this name.
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
        """The best answer: the last streaming or tuned variant that is ready."""
        best_first = (v for v in reversed(self.variants) if v.role in ("streaming", "tuned"))
        return next(variant for variant in best_first if variant.ready)

    @property
    def module(self) -> Any:
        """The module in which the variants are written."""
        return import_module(self.module_name)

    @property
    def module_name(self) -> str:
        """The import path of that module."""
        return str(self.variants[0].run.__module__)

    @property
    def question(self) -> str:
        """The question: the first line of the module's docstring."""
        return (self.module.__doc__ or self.name).strip().splitlines()[0]

    def concerns(self, variant: Variant, axis: str) -> bool:
        """Return whether an axis applies to a variant: `load_all` has no batch."""
        if axis == "clients":
            return variant.client_bytes is not None
        return axis in self.fixed or variant.takes(axis)

    def along(self, axis: str) -> tuple[Variant, ...]:
        """Return the variants that an axis applies to.

        Raises:
            LabError: The pattern has no such axis.
        """
        self._require_axis(axis)
        return tuple(variant for variant in self.variants if self.concerns(variant, axis))

    def wants(self, variant: Variant) -> str:
        """Return a sentence that names the extra that a variant needs, and how to install it."""
        extra = variant.extra
        mend = f"pip install 'memory-lab[{extra}]'"
        return f"{self.name} {variant.name} needs the extra `{extra}`: {mend}"

    def check_ready(self, variant: Variant) -> None:
        """Raise an error unless a variant can run here.

        Raises:
            LabError: The extra that it needs is not installed.
        """
        if not variant.ready:
            raise LabError(self.wants(variant))

    def _require_axis(self, axis: str) -> None:
        if axis not in self.axes:
            known = nearest(axis, list(self.axes))
            raise LabError(f"{self.name} has no axis {axis!r}: {known}")

    def sizes_for(self, variant: Variant, axis: str) -> tuple[int, ...]:
        """Return the sizes that test a variant's claim about an axis.

        They are those of the pattern. If the variant claims growth along ``rows`` or ``bytes``,
        each is divided by `GROWTH_SIZE_DIVISOR`.

        Raises:
            LabError: The pattern has no such axis, or it does not apply to the variant.
        """
        self._require_axis(axis)
        if not self.concerns(variant, axis):
            raise LabError(f"{self.name} {variant.name} has no {axis} to vary.")
        sizes = self.axes[axis]
        if axis in variant.peak.axes and axis in _DATA_AXES:
            return tuple(size // GROWTH_SIZE_DIVISOR for size in sizes)
        return sizes


@contextmanager
def open_variant(
    pattern: str, variant: str, sizes: Mapping[str, int]
) -> Iterator[Callable[[], Outcome]]:
    """Open the inputs of a variant and yield a call that runs it and returns its outcome.

    Args:
        pattern: Import path of the pattern, ``package.module:NAME``.
        variant: The variant's name.
        sizes: Size by axis: an argument of the variant if it has such a parameter, or a size of
            the inputs.

    Raises:
        LabError: The extra that the variant needs is not installed.
    """
    module, _, attribute = pattern.partition(":")
    declared: Pattern = getattr(import_module(module), attribute)
    fixed, chosen = declared.fixed, declared[variant]
    declared.check_ready(chosen)
    options = {axis: size for axis, size in sizes.items() if chosen.takes(axis)}
    input_sizes = {**fixed, **{axis: size for axis, size in sizes.items() if axis in fixed}}
    with declared.open_inputs(**input_sizes) as inputs:
        arguments = inputs if isinstance(inputs, tuple) else (inputs,)

        def run() -> Outcome:
            return declared.outcome(chosen.run(*arguments, **options), *arguments)

        yield run
