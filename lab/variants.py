"""Variants of one pattern, measured side by side; all must give the same answer."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace

from lab.curves.curve import Curve, Witness
from lab.errors import LabError
from lab.measure.schedule import Schedule
from lab.measure.sweep import curves, sweep_of
from lab.measure.workload import Preparation, Start, Workload, resolve, warm_size
from lab.pattern import Pattern, Request, Variant

Announce = Callable[[str, int], None]
"""Called as announce(phase, steps) before each phase; 0 steps if the number is not known."""

_WARM_BYTES = 100
"""A warm-up along an axis of bytes is this many times larger than one along rows."""


class DifferentAnswersError(LabError):
    """Variants that must give the same answer do not: exit code 1, as for a broken claim."""

    exit_code = 1


def variant_workload(pattern: Pattern, variant: Variant, sizes: Mapping[str, int]) -> Workload:
    """Return a variant's workload at given sizes; its warm-up has smaller inputs."""
    sizes = {**pattern.fixed, **sizes}
    warm = {**sizes, **_warm_inputs(pattern, sizes)}
    common = {"pattern": f"{pattern.module_name}:PATTERN", "variant": variant.name}
    inputs = [{axis: of[axis] for axis in pattern.fixed} for of in (sizes, warm)]
    data = {"pattern": common["pattern"], "inputs": inputs}
    return Workload(
        name=f"{pattern.name} {variant.name}",
        opener="lab.pattern:open_variant",
        arguments={**common, "sizes": sizes},
        warm_up={**common, "sizes": warm},
        start=Start((pattern.module_name.rpartition(".")[0] or pattern.module_name,)),
        prepare=Preparation("lab.variants:inputs_ready", json.dumps(data)),
        stored=_of_the_lab(pattern),
    )


def served_workload(pattern: Pattern, variant: Variant, clients: int) -> Workload:
    """Return the workload of a variant's endpoint with a number of simultaneous clients.

    Raises:
        LabError: The pattern has no endpoint.
    """
    from lab.measure.http.endpoint import Endpoint

    request = _request(pattern)
    endpoint = Endpoint.parse(request.to(variant.role), request.app, alike=request.alike)
    workload = endpoint.workload("clients", clients)
    connections = {"connections": max(clients, 2)}
    return replace(
        workload,
        name=f"{pattern.name} {variant.name}",
        opener="lab.web.clients_endpoint:open_crowded",
        arguments={**workload.arguments, **connections},
        warm_up={**(workload.warm_up or {}), **connections},
        prepare=Preparation(
            "lab.variants:request_ready", json.dumps({"pattern": f"{pattern.module_name}:PATTERN"})
        ),
        stored=_of_the_lab(pattern),
    )


def _of_the_lab(pattern: Pattern) -> bool:
    return pattern.module_name.startswith("lab.patterns.")


def _request(pattern: Pattern) -> Request:
    if pattern.request is None:
        raise LabError(f"{pattern.name} has no endpoint, so it has no clients to count.")
    return pattern.request


@contextmanager
def request_ready(pattern: str) -> Iterator[None]:
    """Keep the data of a pattern's request in place while the block lasts."""
    request = _request(resolve(pattern))
    with request.prepare(**request.sizes):
        yield


@contextmanager
def inputs_ready(pattern: str, inputs: Iterable[Mapping[str, int]]) -> Iterator[None]:
    """Keep the data of a pattern's inputs in place while the block lasts.

    Args:
        pattern: Import path of the pattern.
        inputs: For each of the inputs, size by axis.
    """
    prepare = resolve(pattern).prepare
    with ExitStack() as stack:
        for sizes in inputs:
            stack.enter_context(prepare(**sizes))
        yield


@contextmanager
def data_for(pattern: Pattern, axis: str, sizes: Collection[int]) -> Iterator[None]:
    """Keep the data for every size along an axis, and its warm-up, while the block lasts.

    Data that a measuring process made for itself would be part of its first reading.
    """
    if axis == "clients":
        request = _request(pattern)
        with request.prepare(**request.sizes):
            yield
        return
    along = [{axis: size} for size in sorted(sizes, reverse=True)] if axis in pattern.fixed else []
    inputs = [{**pattern.fixed, **swept} for swept in along or [{}]]
    with ExitStack() as stack:
        # From the largest down: the table of the largest size serves all others.
        for input_sizes in (*inputs, *(_warm_inputs(pattern, each) for each in inputs)):
            stack.enter_context(pattern.prepare(**input_sizes))
        yield


@dataclass(frozen=True)
class VariantSubject:
    """A variant of a pattern as the subject of a sweep."""

    pattern: Pattern
    variant: Variant
    noise = 0
    open_ended = False

    def __str__(self) -> str:
        return self.variant.name

    def workload(self, axis: str, size: int) -> Workload:
        """Return its workload at a size along an axis; the other axes keep their fixed sizes."""
        if axis == "clients":
            return served_workload(self.pattern, self.variant, size)
        return variant_workload(self.pattern, self.variant, {axis: size})

    def require_axis(self, axis: str) -> None:
        """Raise an error unless the axis applies to the variant.

        Raises:
            LabError: It does not apply.
        """
        self.pattern.sizes_for(self.variant, axis)


def split_by_extra(
    pattern: Pattern, variants: Iterable[Variant]
) -> tuple[list[Variant], list[str]]:
    """Return the variants that can run here, and for each other one what it needs to be run."""
    variants = list(variants)
    left_out = [pattern.wants(variant) for variant in variants if not variant.ready]
    return [variant for variant in variants if variant.ready], left_out


def sweep_variants(
    pattern: Pattern,
    variants: Sequence[Variant],
    axis: str,
    *,
    sizes: Sequence[int] | None = None,
    witnesses: Sequence[Witness] = ("heap",),
    schedule: Schedule | None = None,
    announce: Announce | None = None,
) -> dict[str, Curve]:
    """Measure variants of a pattern along one axis; return a curve for each variant's name.

    Args:
        pattern: The pattern.
        variants: Those to measure.
        axis: The axis to sweep.
        sizes: Increasing; None for those that test each variant's claim.
        witnesses: The first one is the curves' own.
        schedule: How to run the points.
        announce: Called before each phase.

    Raises:
        DifferentAnswersError: Two variants gave different answers at the same size.
        LabError: A variant could not be measured, or its extra is not installed.
    """
    for variant in variants:
        pattern.check_ready(variant)
    sizes_by_name = {v.name: tuple(sizes or pattern.sizes_for(v, axis)) for v in variants}
    sweeps = {
        name: sweep_of(VariantSubject(pattern, pattern[name]), axis, own_sizes)
        for name, own_sizes in sizes_by_name.items()
    }
    if announce is not None:
        announce("Data", 0)
    all_sizes = {size for own_sizes in sizes_by_name.values() for size in own_sizes}
    # Workers on other machines make their own data, and this machine may have no database.
    away = schedule is not None and schedule.executor is not None
    with nullcontext() if away else data_for(pattern, axis, all_sizes):
        if announce is not None:
            points = sum(map(len, sizes_by_name.values())) * len(witnesses)
            announce(f"{pattern.name} along {axis}", points)
        measured = curves(sweeps, witnesses, schedule)
    check_same_answers(pattern, measured)
    return measured


def check_same_answers(pattern: Pattern, curves_by_name: Mapping[str, Curve]) -> None:
    """Raise an error unless all curves of a pattern have the same answer at each size.

    Raises:
        DifferentAnswersError: Two answers differ, and neither variant is declared to fail by its
            answer.
    """
    first: dict[tuple[str, int], tuple[str, str]] = {}
    for name, curve in curves_by_name.items():
        if pattern[name].fails_by == "answer":
            continue
        for point in curve.points:
            if not point.digest:
                continue
            # Along an axis that is a parameter of the variant, such as batch, the inputs are equal.
            size = point.size if curve.axis in pattern.fixed else 0
            other, digest = first.setdefault((curve.axis, size), (name, point.digest))
            if digest != point.digest:
                raise DifferentAnswersError(
                    f"{pattern.name}: {name} gives another answer than {other} at "
                    f"{point.size:,} {curve.axis}; only variants with the same answer can be "
                    "compared."
                )


def _warm_inputs(pattern: Pattern, sizes: Mapping[str, int]) -> dict[str, int]:
    return {
        axis: warm_size(sizes[axis], _WARM_BYTES if axis == "bytes" else 1)
        for axis in pattern.fixed
    }
