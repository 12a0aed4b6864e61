"""Variants of one pattern, measured side by side and held to the same answer."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace

from lab.errors import LabError
from lab.measure.curve import Curve, Witness
from lab.measure.sweep import Schedule, curves, sweep_of
from lab.measure.workload import Preparation, Start, Workload, resolve, warm_size
from lab.pattern import Pattern, Request, Variant

Announce = Callable[[str, int], None]
"""Called with what begins now and how many steps it has; 0 where that is not known."""

_WARM_BYTES = 100
"""A warm-up takes so many times more bytes than it would take rows."""


class DifferentAnswersError(LabError):
    """Variants that should answer alike do not: a broken promise, not a failed measurement."""

    exit_code = 1


def variant_workload(pattern: Pattern, variant: Variant, sizes: Mapping[str, int]) -> Workload:
    """Describe a variant at given sizes; it is warmed up in a smaller world of the same kind."""
    sizes = {**pattern.fixed, **sizes}
    warm = {**sizes, **_warm_world(pattern, sizes)}
    common = {"pattern": f"{pattern.module_name}:PATTERN", "variant": variant.name}
    worlds = [{axis: of[axis] for axis in pattern.fixed} for of in (sizes, warm)]
    data = {"pattern": common["pattern"], "worlds": worlds}
    return Workload(
        name=f"{pattern.name} {variant.name}",
        opener="lab.pattern:open_variant",
        arguments={**common, "sizes": sizes},
        warm_up={**common, "sizes": warm},
        start=Start((pattern.module_name.rpartition(".")[0] or pattern.module_name,)),
        prepare=Preparation("lab.compare:worlds_ready", json.dumps(data)),
    )


def served_workload(pattern: Pattern, variant: Variant, clients: int) -> Workload:
    """Describe a variant's endpoint, and so many clients who ask for it at once.

    Raises:
        LabError: The pattern has no endpoint.
    """
    from lab.measure.endpoint import Endpoint

    request = _request(pattern)
    endpoint = Endpoint.parse(request.to(variant.role), request.app, alike=request.alike)
    asked = endpoint.workload("clients", clients)
    connections = {"connections": max(clients, 2)}
    return replace(
        asked,
        name=f"{pattern.name} {variant.name}",
        opener="lab.web.crowded:open_crowded",
        arguments={**asked.arguments, **connections},
        warm_up={**(asked.warm_up or {}), **connections},
        prepare=Preparation(
            "lab.compare:request_ready", json.dumps({"pattern": f"{pattern.module_name}:PATTERN"})
        ),
    )


def _request(pattern: Pattern) -> Request:
    if pattern.request is None:
        raise LabError(f"{pattern.name} has no endpoint, so it has no clients to count.")
    return pattern.request


@contextmanager
def request_ready(pattern: str) -> Iterator[None]:
    """Have the data that a pattern's request asks for, while the block lasts."""
    request = _request(resolve(pattern))
    with request.prepare(**request.sizes):
        yield


@contextmanager
def worlds_ready(pattern: str, worlds: Iterable[Mapping[str, int]]) -> Iterator[None]:
    """Have data for worlds of the pattern that an import path names, while the block lasts."""
    prepare = resolve(pattern).prepare
    with ExitStack() as stack:
        for world in worlds:
            stack.enter_context(prepare(**world))
        yield


@contextmanager
def prepared(pattern: Pattern, axis: str, sizes: Collection[int]) -> Iterator[None]:
    """Have data for every size along an axis, and its warm-up, for as long as the block lasts.

    What a measuring process would have to make for itself would show in its first reading.
    """
    if axis == "clients":
        request = _request(pattern)
        with request.prepare(**request.sizes):
            yield
        return
    along = [{axis: size} for size in sorted(sizes, reverse=True)] if axis in pattern.fixed else []
    worlds = [{**pattern.fixed, **chosen} for chosen in along or [{}]]
    with ExitStack() as stack:
        # From the largest down: a table that is large enough needs no second look.
        for world in (*worlds, *(_warm_world(pattern, world) for world in worlds)):
            stack.enter_context(pattern.prepare(**world))
        yield


@dataclass(frozen=True)
class Answer:
    """A variant of a pattern, as something that a sweep measures."""

    pattern: Pattern
    variant: Variant
    noise = 0

    def __str__(self) -> str:
        return self.variant.name

    def workload(self, axis: str, size: int) -> Workload:
        """Describe the variant at a size along an axis, the others being fixed."""
        if axis == "clients":
            return served_workload(self.pattern, self.variant, size)
        return variant_workload(self.pattern, self.variant, {axis: size})

    def check(self, axis: str) -> None:
        """Check that the variant knows the axis.

        Raises:
            LabError: It does not.
        """
        self.pattern.sizes_for(self.variant, axis)


def ready(pattern: Pattern, variants: Iterable[Variant]) -> tuple[list[Variant], list[str]]:
    """Return those variants that can run here, and of each of the others what it wants."""
    every = list(variants)
    left_out = [pattern.wants(variant) for variant in every if not variant.ready]
    return [variant for variant in every if variant.ready], left_out


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

    Without ``sizes``, each variant gets those that its claim wants.

    Raises:
        DifferentAnswersError: Two variants gave different answers at the same size.
        LabError: One could not be measured, or lacks its extra.
    """
    for variant in variants:
        pattern.check_ready(variant)
    chosen = {variant.name: sizes or pattern.sizes_for(variant, axis) for variant in variants}
    sweeps = {
        name: sweep_of(Answer(pattern, pattern[name]), axis, each) for name, each in chosen.items()
    }
    if announce is not None:
        announce("Data", 0)
    sizes_of_all = {size for each in chosen.values() for size in each}
    # Workers elsewhere see to their own data, and this machine may have no database.
    away = schedule is not None and schedule.executor is not None
    with nullcontext() if away else prepared(pattern, axis, sizes_of_all):
        if announce is not None:
            points = sum(len(each) for each in chosen.values()) * len(witnesses)
            announce(f"{pattern.name} along {axis}", points)
        found = curves(sweeps, witnesses, schedule)
    check_same_answers(pattern, found)
    return found


def check_same_answers(pattern: Pattern, found: Mapping[str, Curve]) -> None:
    """Hold all curves of a pattern to one answer at each size of its worlds.

    Raises:
        DifferentAnswersError: Two differ, and neither is a trap that is declared to.
    """
    first: dict[tuple[str, int], tuple[str, str]] = {}
    for name, curve in found.items():
        if pattern[name].springs == "answer":
            continue
        for point in curve.points:
            if not point.digest:
                continue
            # Along an axis of the variant's own, such as the batch, the world stays the same.
            size = point.size if curve.axis in pattern.fixed else 0
            other, digest = first.setdefault((curve.axis, size), (name, point.digest))
            if digest != point.digest:
                raise DifferentAnswersError(
                    f"{pattern.name}: {name} gives another answer than {other} at "
                    f"{point.size:,} {curve.axis}; figures of variants that do different things "
                    "say nothing."
                )


def _warm_world(pattern: Pattern, sizes: Mapping[str, int]) -> dict[str, int]:
    return {
        axis: warm_size(sizes[axis], _WARM_BYTES if axis == "bytes" else 1)
        for axis in pattern.fixed
    }
