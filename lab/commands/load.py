"""`lab load`: users against a server, in steps under a memory cap or as a mixed load."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.commands.shared_options import OUTPUT, RUN, Env, end, writable_folder
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.load.locust_process import LocustUsers
    from lab.load.options import LoadOptions

_USERS, _SERVER, _LOCUST = "Users and requests", "Server", "Locust"

Requests = Annotated[
    list[str] | None,
    typer.Argument(help='With --app: "METHOD /path"; by default, the lesson\'s jobs.'),
]
Users = Annotated[
    str | None,
    typer.Option(
        help="1..64 doubles; 1,2,4 lists; one number with --time.", rich_help_panel=_USERS
    ),
]
Variants = Annotated[
    str | None, typer.Option(help="Such as naive,streaming,tuned.", rich_help_panel=_USERS)
]
LessonJobs = Annotated[
    str | None,
    typer.Option(
        help="Such as export,download,upload,aggregate; export without --time.",
        rich_help_panel=_USERS,
    ),
]
Rows = Annotated[int | None, typer.Option(min=1, help="Rows of an export.", rich_help_panel=_USERS)]
Headers = Annotated[
    list[str] | None,
    typer.Option(help='Sent with each request: "NAME: VALUE".', rich_help_panel=_USERS),
]
Cap = Annotated[
    str | None,
    typer.Option(
        help="Memory over the warm server, such as 256MiB; or none.", rich_help_panel=_SERVER
    ),
]
App = Annotated[
    str | None,
    typer.Option(
        help="ASGI or WSGI: package.module:app, or package.module:create_app('testing').",
        rich_help_panel=_SERVER,
    ),
]
Url = Annotated[
    str | None,
    typer.Option(help="A running server of yours; with --time.", rich_help_panel=_SERVER),
]
Web = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        metavar="PORT",
        help="Port of Locust's web page, which controls the load.",
        rich_help_panel=_LOCUST,
    ),
]
Master = Annotated[
    bool,
    typer.Option(
        "--master", help="Run the users on --workers; with --time.", rich_help_panel=_LOCUST
    ),
]
Workers = Annotated[int, typer.Option(min=1, help="Workers to wait for.", rich_help_panel=_LOCUST)]
JoinWithin = Annotated[
    float,
    typer.Option(min=1, help="Seconds that workers may take to join.", rich_help_panel=_LOCUST),
]
Worker = Annotated[
    bool, typer.Option("--worker", help="Run as a worker of a master.", rich_help_panel=_LOCUST)
]
MasterHost = Annotated[str, typer.Option(help="The master's address.", rich_help_panel=_LOCUST)]
MasterPort = Annotated[
    int, typer.Option(min=1, max=65535, help="The master's port.", rich_help_panel=_LOCUST)
]
Duration = Annotated[
    str | None,
    typer.Option(help="Run a mixed load on one server for 60s, 10m.", rich_help_panel=RUN),
]
Quick = Annotated[
    bool, typer.Option(help="A tenth of the rows, a quarter of the cap.", rich_help_panel=RUN)
]
StepTimeout = Annotated[float, typer.Option(min=1, help="Seconds for a step.", rich_help_panel=RUN)]
Requirements = Annotated[
    list[str] | None,
    typer.Option(
        help='Exit with 1 if not met: "p95 < 2s", "streaming carried >= 16".',
        rich_help_panel=OUTPUT,
    ),
]
Out = Annotated[
    Path,
    typer.Option(callback=writable_folder, help="Folder for reports.", rich_help_panel=OUTPUT),
]


def load(
    requests: Requests = None,
    users: Users = None,
    cap: Cap = None,
    variant: Variants = None,
    job: LessonJobs = None,
    rows: Rows = None,
    time: Duration = None,
    require: Requirements = None,
    quick: Quick = False,
    app: App = None,
    header: Headers = None,
    env: Env = None,
    url: Url = None,
    web: Web = None,
    master: Master = False,
    workers: Workers = 2,
    join_within: JoinWithin = 30.0,
    worker: Worker = False,
    master_host: MasterHost = "127.0.0.1",
    master_port: MasterPort = 5557,
    out: Out = Path("build/load"),
    timeout: StepTimeout = 900.0,
) -> None:
    """Find how many users at once a server can serve.

    Each step starts a fresh server under a cap, and all users send their requests at once, until
    one of them fails; every body must be complete. With --time, users of all kinds and behaviours
    share one server. Exits with 0, or with 1 when a requirement is not met or, with --time, when a
    request fails.
    """
    from lab.load.locust_process import require_locust, run_worker
    from lab.load.options import LoadOptions

    require_locust()
    if worker:
        run_worker(master_host, master_port, join_within, out / f"worker-{os.getpid()}")
        return
    mixed = time is not None or web is not None
    asked = (requests or (), app, header or (), job, variant, rows, users, cap, timeout)
    options = LoadOptions(*asked, quick, mixed, env or ())
    _check(options, time, url, web, master, require)
    if not mixed:
        end(_steps(options, require or [], out))
        return
    address = (master_host, master_port)
    locust_users = _locust_users(options, web, workers if master else 0, address, join_within)
    end(_mixed(options, locust_users, time, url, require or [], out))


def _check(
    options: "LoadOptions",
    time: str | None,
    url: str | None,
    web: int | None,
    master: bool,
    require: list[str] | None,
) -> None:
    if (options.app is None) != (not options.requests):
        raise LabError("requests and --app belong together: give both, or neither.")
    if (master or url) and not options.mixed:
        raise LabError("--master and --url are for a mixed load: add --time 60s.")
    if web is not None and (time or require or master):
        raise LabError("Locust's page ends the load: with --web give no option but --users.")
    if url and (options.app or options.cap or options.env):
        raise LabError("--url is a server that already runs: leave out --app, --cap and --env.")
    if options.env and options.app is None:
        raise LabError("--env is for an application of yours: add --app.")


def _locust_users(
    options: "LoadOptions",
    web: int | None,
    workers: int,
    address: tuple[str, int],
    join_within: float,
) -> "LocustUsers":
    from lab.load.locust_process import LocustUsers
    from lab.load.plan import BEHAVIOURS

    return LocustUsers(
        count=options.user_counts[0],
        behaviours=tuple(BEHAVIOURS),
        web_port=web or 0,
        workers=workers,
        bind=address,
        join_within=join_within,
    )


def _steps(options: "LoadOptions", require: list[str], out: Path) -> int:
    from lab.load.preparation import prepared
    from lab.load.report import (
        print_steps,
        report_requirements,
        steps_json,
        users_passed,
        write_steps,
        write_steps_json,
    )
    from lab.load.requirements import Requirement
    from lab.load.steps import run_steps
    from lab.measure.memory_cap import require_caps
    from lab.report.terminal import console, progress

    require_caps()
    screen = console()
    served, counts = options.served(), options.user_counts
    known = [f"{role or 'users'} carried" for role in options.roles]
    requirements = [Requirement.parse(text, known) for text in require]
    with progress(screen) as bar, prepared(options, served, bar) as ready:
        bar.begin("Steps", len(options.roles) * len(counts))
        steps = []
        for step in run_steps(ready, options.roles, counts, out):
            steps.append(step)
            document = steps_json(steps, served, quick=options.quick)
            write_steps_json(document, out)  # at once: the command may be stopped
            bar.advance()
    written = write_steps(steps, document, out)
    print_steps(screen, steps, served.cap)
    screen.print(f"Written: {written}", soft_wrap=True)
    passed = {f"{role} carried": float(users) for role, users in users_passed(steps).items()}
    return report_requirements(screen, requirements, passed)


def _mixed(
    options: "LoadOptions",
    users: "LocustUsers",
    time: str | None,
    url: str | None,
    require: list[str],
    out: Path,
) -> int:
    from lab.load.figures import measure_names, measures
    from lab.load.mixed import MixedLoad, run_mixed
    from lab.load.options import checked_url, parse_seconds
    from lab.load.plan import Plan
    from lab.load.preparation import prepared
    from lab.load.report import print_mixed, report_requirements, write_mixed
    from lab.load.requirements import Requirement
    from lab.measure.memory_cap import require_caps
    from lab.report.terminal import console, progress

    url = checked_url(url) if url else ""
    seconds = parse_seconds(time) if time else 0.0
    screen = console()
    served = options.served()
    if served.cap:
        require_caps()
    plan = Plan(served.jobs, roles=tuple(f"/{role}" for role in options.roles))
    known = measure_names(plan, users.behaviours)
    requirements = [Requirement.parse(text, known) for text in require]
    if not any(requirement.name == "failures" for requirement in requirements):
        requirements.append(Requirement("failures", "=", 0))
    with progress(screen) as bar, prepared(options, served, bar, url) as ready:
        bar.begin(f"{users.count} users" + (f" for {seconds:g} s" if seconds else ""), 0)
        if users.web_port:
            screen.print(f"Locust's page is at http://127.0.0.1:{users.web_port}; Ctrl-C ends it.")
        result = run_mixed(MixedLoad(ready, options.roles, users, seconds, url), out)
    written = write_mixed(result, out)
    print_mixed(screen, result)
    screen.print(f"Written: {written}", soft_wrap=True)
    code = report_requirements(screen, requirements, measures(result))
    return code if result.requests and not result.died else 1
