"""The command `lab load`: its options, and the load that they ask for."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.errors import LabError

if TYPE_CHECKING:
    from lab.load.asked import Asked
    from lab.load.locusts import Crowd


def load(
    requests: Annotated[
        list[str] | None,
        typer.Argument(help='With --app: "METHOD /path"; the lesson\'s own, if none is given.'),
    ] = None,
    users: Annotated[
        str | None, typer.Option(help="1..64 doubles; 1,2,4 lists; one number with --time.")
    ] = None,
    cap: Annotated[
        str | None, typer.Option(help="Memory over the warm server, e.g. 256MiB; or none.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="As naive,streaming,tuned.")] = None,
    job: Annotated[
        str | None,
        typer.Option(help="As export,download,upload,aggregate; exports without --time."),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of an export.")] = None,
    time: Annotated[
        str | None, typer.Option(help="A mixed load on one server, for so long: 60s, 10m.")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(help='Exit with 1 unless so: "p95 < 2s", "streaming carried >= 16".'),
    ] = None,
    quick: Annotated[bool, typer.Option(help="A tenth of the rows, a quarter of the cap.")] = False,
    app: Annotated[
        str | None, typer.Option(help="package.module:app that answers the requests.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help='Sent with the requests: "NAME: VALUE".')
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A server of yours that is up; with --time.")
    ] = None,
    web: Annotated[
        int | None,
        typer.Option(min=1, max=65535, metavar="PORT", help="Steer it on Locust's page."),
    ] = None,
    master: Annotated[
        bool, typer.Option("--master", help="Have --workers put the load on; with --time.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Workers to wait for.")] = 2,
    join_within: Annotated[float, typer.Option(min=1, help="Seconds for them to join.")] = 30.0,
    worker: Annotated[bool, typer.Option("--worker", help="Be one, of the master at:")] = False,
    master_host: Annotated[str, typer.Option(help="The master's address.")] = "127.0.0.1",
    master_port: Annotated[int, typer.Option(min=1, max=65535, help="And port.")] = 5557,
    out: Annotated[Path, typer.Option(help="Folder for reports.")] = Path("build/load"),
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for a step.")] = 900.0,
) -> None:
    """Put users on a server: how many does it carry?

    Each step has a fresh server under a cap and users who all ask at once, until one of them fails;
    bodies are read as they come, and have to be complete. With --time, users of all kinds and
    manners share one server. Exits with 0 when it could be measured, 1 when a requirement is not
    met or, with --time, a request fails.
    """
    from lab.load.asked import Asked, checked_url, parse_seconds
    from lab.load.job import MANNERS
    from lab.load.locusts import Crowd, require_locust, work_for

    require_locust()
    if worker:
        work_for(master_host, master_port, join_within, out / f"worker-{os.getpid()}")
        return
    if (app is None) != (not requests):
        raise LabError("requests are for an application of yours: give both, or neither.")
    mixed = time is not None or web is not None
    if (master or url) and not mixed:
        raise LabError("a master, and a server that is up, are for a mixed load: add --time 60s.")
    if web is not None and (time or require or master):
        raise LabError("a load on Locust's page is yours to end: leave out all but --users.")
    if url and (app or cap):
        raise LabError("a server that is up has its application and its memory: leave them out.")
    asked = Asked(
        requests or (), app, header or (), job, variant, rows, users, cap, timeout, quick, mixed
    )
    if not mixed:
        raise typer.Exit(_steps(asked, require or [], out))
    crowd = Crowd(
        users=asked.numbers[0],
        manners=tuple(MANNERS),
        web_port=web or 0,
        workers=workers if master else 0,
        bind=(master_host, master_port),
        join_within=join_within,
    )
    at = checked_url(url) if url else ""
    seconds = parse_seconds(time) if time else 0.0
    raise typer.Exit(_mixed(asked, crowd, seconds, at, require or [], out))


def _steps(asked: "Asked", require: list[str], out: Path) -> int:
    from lab.load.prepared import prepared
    from lab.load.requirements import Requirement
    from lab.load.steps import climb
    from lab.measure.cap import require_caps
    from lab.report.load import carried, judged, keep_steps, print_steps, steps_json, write_steps
    from lab.report.terminal import console, progress

    require_caps()
    screen = console()
    served, numbers = asked.served(), asked.numbers
    known = [f"{role or 'users'} carried" for role in asked.roles]
    requirements = [Requirement.parse(text, known) for text in require]
    with progress(screen) as steps, prepared(asked, served, steps) as ready:
        steps.begin("Steps", len(asked.roles) * len(numbers))
        taken = []
        for step in climb(ready, asked.roles, numbers, out):
            taken.append(step)
            found = steps_json(taken, served, quick=asked.quick)
            keep_steps(found, out)
            steps.advance()
    print_steps(screen, taken, served.cap)
    screen.print(f"Written: {write_steps(taken, found, out)}", soft_wrap=True)
    most = {f"{role} carried": float(users) for role, users in carried(taken).items()}
    return judged(screen, requirements, most)


def _mixed(
    asked: "Asked", crowd: "Crowd", seconds: float, url: str, require: list[str], out: Path
) -> int:
    from lab.load.job import Plan
    from lab.load.measures import measures, names
    from lab.load.mixed import Mixed, put_mixed
    from lab.load.prepared import prepared
    from lab.load.requirements import Requirement
    from lab.measure.cap import require_caps
    from lab.report.load import judged, print_mixed, write_mixed
    from lab.report.terminal import console, progress

    screen = console()
    served = asked.served()
    if served.cap:
        require_caps()
    known = names(Plan(served.jobs, roles=tuple(f"/{role}" for role in asked.roles)), crowd.manners)
    requirements = [Requirement.parse(text, known) for text in require]
    if not any(one.name == "failures" for one in requirements):
        requirements.append(Requirement("failures", "=", 0))
    with progress(screen) as steps, prepared(asked, served, steps, url) as ready:
        what = f"{crowd.users} users" + (f" for {seconds:g} s" if seconds else "")
        steps.begin(what, 0)
        if crowd.web_port:
            screen.print(f"Locust's page is at http://127.0.0.1:{crowd.web_port}; Ctrl-C ends it.")
        outcome = put_mixed(Mixed(ready, asked.roles, crowd, seconds, url), out)
    print_mixed(screen, outcome)
    screen.print(f"Written: {write_mixed(outcome, out)}", soft_wrap=True)
    code = judged(screen, requirements, measures(outcome))
    return code if outcome.requests and not outcome.died else 1
