"""`lab measure`: a function or an endpoint of the user's own, against a claim or under a cap."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lab.commands.shared_options import (
    Dask,
    Env,
    Jobs,
    JsonFile,
    PlotFile,
    Sizes,
    Timeout,
    end,
    executor_on,
    schedule_for,
)
from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.curves.curve import Witness
    from lab.curves.verdict import Verdict
    from lab.measure.workload import Subject
    from lab.pattern import Role

_FUNCTION, _ENDPOINT = "For a function", "For an endpoint"

Target = Annotated[
    str, typer.Argument(help='package.module:function, or "METHOD /path?rows={n}" with --app.')
]
Claim = Annotated[
    str | None, typer.Option(help='What to test: "O(1)", "O(n)"; without, what growth it finds.')
]
Cap = Annotated[
    str | None,
    typer.Option(help="Or: whether it survives with that much memory, e.g. 64MiB."),
]
Witnessed = Annotated[
    str, typer.Option("--witness", help="What the verdict is about: heap or rss.")
]
Constant = Annotated[
    bool, typer.Option("--constant-answer", help="The answer need not grow with the size.")
]
Cold = Annotated[bool, typer.Option("--no-warm-up", help="Measure the first call of each process.")]
Axis = Annotated[str, typer.Option(help="What the size counts: n, rows, bytes, keys, clients.")]
Setup = Annotated[
    str | None,
    typer.Option(
        help="package.module:context_manager; takes the size, yields the argument.",
        rich_help_panel=_FUNCTION,
    ),
]
App = Annotated[
    str | None,
    typer.Option(
        "--app",
        help="ASGI or WSGI: package.module:app, or package.module:create_app('testing').",
        rich_help_panel=_ENDPOINT,
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option(help='Sent with the request: "NAME: VALUE".', rich_help_panel=_ENDPOINT),
]
BodyRows = Annotated[
    bool,
    typer.Option(
        "--body-rows", help="Upload a CSV of users, {n} rows long.", rich_help_panel=_ENDPOINT
    ),
]
BodyBytes = Annotated[
    bool,
    typer.Option(
        "--body-bytes", help="Upload a CSV of users, {n} bytes long.", rich_help_panel=_ENDPOINT
    ),
]
BodyField = Annotated[
    str | None, typer.Option(help="The upload's form field: file.", rich_help_panel=_ENDPOINT)
]
JsonBody = Annotated[
    str | None,
    typer.Option(help="Send JSON: '{\"rows\": {n}}'.", rich_help_panel=_ENDPOINT),
]
BodyFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Send a file of yours; {n} in its name is the size: orders-{n}.json.",
        rich_help_panel=_ENDPOINT,
    ),
]
Clients = Annotated[
    int,
    typer.Option(min=1, help="Clients that send the request at once.", rich_help_panel=_ENDPOINT),
]


def measure(
    target: Target,
    claim: Claim = None,
    cap: Cap = None,
    sizes: Sizes = None,
    axis: Axis = "n",
    env: Env = None,
    witness: Witnessed = "heap",
    constant_answer: Constant = False,
    no_warm_up: Cold = False,
    setup: Setup = None,
    served: App = None,
    header: Headers = None,
    body_rows: BodyRows = False,
    body_bytes: BodyBytes = False,
    body_field: BodyField = None,
    json_body: JsonBody = None,
    body_file: BodyFile = None,
    clients: Clients = 1,
    plot: PlotFile = None,
    json_file: JsonFile = None,
    jobs: Jobs = None,
    dask: Dask = None,
    timeout: Timeout = 600.0,
) -> None:
    """Measure a function or an endpoint of yours: growth, claim or cap.

    An endpoint is answered by a fresh server for each point; the clients are another process.
    Exits with 0 when the claim is kept, 1 when it is broken, 3 when the curve cannot tell; under a
    cap with 0 when every size finished, otherwise with 1. Without either it says what growth it
    found and which claim would be kept, and exits with 0.
    """
    of_curves = {"--jobs": jobs, "--constant-answer": constant_answer, "--dask": dask}
    _check_question(claim, cap, {**of_curves, "--plot": plot, "--witness": witness != "heap"})
    if body_rows and body_bytes:
        raise LabError("a body is counted in rows or in bytes: give one of the two.")
    body = "rows" if body_rows else "bytes" if body_bytes else None
    upload = {"body": body, "field": body_field, "json_body": json_body, "body_file": body_file}
    sent = {**upload, "headers": header, "clients": clients if clients > 1 else None}
    subject = _subject(target, axis, setup, served, env or [], sent)
    if cap is None:
        how = (jobs, dask, timeout, witness, constant_answer, not no_warm_up)
        end(_grow(subject, target, axis, sizes, claim, plot, json_file, how))
    else:
        end(_survive(subject, target, axis, sizes, (cap, timeout, not no_warm_up), json_file))


def _check_question(claim: str | None, cap: str | None, of_curves: "Mapping[str, object]") -> None:
    """Refuse a claim under a cap, and the options that only a curve has."""
    if claim is not None and cap is not None:
        raise LabError("a claim and a cap are two questions: give --claim or --cap.")
    given = [option for option, value in of_curves.items() if value]
    if cap is not None and given:
        raise LabError(
            f"{given[0]} is for curves, and a run under a cap has none: leave out {given[0]}."
        )


def _subject(
    target: str,
    axis: str,
    setup: str | None,
    app: str | None,
    env: list[str],
    sent: "Mapping[str, object]",
) -> "Subject":
    """Return the function or request that the options describe; ``sent`` is what a request has."""
    from lab.measure.subject import subject_of
    from lab.system.variables import parse_variables

    given = {name: value for name, value in sent.items() if value is not None}
    if app is None and given:
        raise LabError("headers, bodies and clients are for a request: give its --app.")
    if app is None and " " in target:
        raise LabError(f"{target!r} is a request: say which application answers it, by --app.")
    if app is not None and setup is not None:
        raise LabError("--setup is for functions: an application sets itself up.")
    if axis == "clients" and "clients" in given:
        raise LabError("along the axis clients the sizes are their number: leave out --clients.")
    if app is None:
        _check_ready(target)
    return subject_of(target, setup, app, parse_variables(env), **given)


def _check_ready(target: str) -> None:
    """Say which extra one of the lab's own variants wants; anybody else's function is let pass."""
    module, _, name = target.partition(":")
    if not module.startswith("lab.patterns."):
        return
    from lab.patterns import PATTERNS

    for pattern in PATTERNS:
        for variant in pattern.variants:
            if (pattern.module_name, variant.name) == (module, name):
                pattern.check_ready(variant)


def _grow(
    subject: "Subject",
    target: str,
    axis: str,
    sizes: str | None,
    claim: str | None,
    plot: PlotFile,
    json_file: JsonFile,
    how: tuple[int | None, str | None, float, str, bool, bool],
) -> int:
    """Measure a curve until the claim is decided, and report it; return the exit code."""
    from lab.claim import O
    from lab.curves.curve import Curve
    from lab.curves.verdict import suggest, verdict
    from lab.measure.follow_up import settled
    from lab.measure.sweep import sweep_of
    from lab.report.curves import Result, report_curves
    from lab.report.terminal import console, progress
    from lab.units import parse_sizes

    jobs, dask, timeout, witness, constant, warm = how
    witnesses = _witnesses(witness)
    claimed = O.parse(claim) if claim else None
    described = sweep_of(subject, axis, parse_sizes(sizes) if sizes else None)
    reason = "the command says so" if constant else ""
    described = replace(described, target=target, constant_answer=reason, warm=warm)

    def judge(curve: Curve) -> "Verdict":
        return suggest(curve) if claimed is None else verdict(curve, claimed)

    judge(Curve("", axis, ()))  # a claim about another axis ends here
    screen = console(stderr=str(json_file) == "-")
    with executor_on(dask) as executor, progress(screen) as steps:
        steps.begin(target, 2 * len(described.sizes))
        schedule = schedule_for(jobs, timeout, steps, executor=executor)
        more = partial(steps.begin, f"{target}, more runs")
        wants = lambda _, curve: judge(curve).wants  # noqa: E731
        curve = settled({"": described}, witnesses, schedule, wants, announce=more)[""]
    found = judge(curve)
    role: Role = "naive" if found.claim.axes else "streaming"
    result = Result(curve, found, role, claimed=claimed is not None)
    return report_curves(screen, target, [result], plot, json_file)


def _witnesses(first: str) -> "tuple[Witness, ...]":
    if first not in ("heap", "rss"):
        raise LabError(f"unknown witness {first!r}: choose heap or rss.")
    return ("heap", "rss", "seconds") if first == "heap" else ("rss", "heap", "seconds")


def _survive(
    subject: "Subject",
    target: str,
    axis: str,
    sizes: str | None,
    how: tuple[str, float, bool],
    json_file: JsonFile,
) -> int:
    """Run the subject under a cap at each size and report it; return the exit code."""
    from lab.measure.survival import survivals
    from lab.measure.sweep import sweep_of
    from lab.report.curves import report_survival
    from lab.report.terminal import console, progress
    from lab.units import parse_bytes, parse_sizes

    cap, timeout, warm = how
    most = parse_bytes(cap)
    swept = sweep_of(subject, axis, parse_sizes(sizes) if sizes else None).sizes
    screen = console(stderr=str(json_file) == "-")
    with progress(screen) as steps:
        steps.begin(target, len(swept))
        runs = survivals(
            subject, axis, swept, most, warm_up=warm, timeout=timeout, on_run=steps.advance
        )
    return report_survival(screen, target, axis, most, runs, json_file)
