"""The users, for Locust: each kind asks for one thing, fast, slowly, or not to the end.

Locust loads this file, in processes of its own: ``lab load`` starts them. Bodies are read as they
come, and an answer is a success only when it is complete and the right one: a 200 that breaks off
is a failure.
"""

import random
import time
from dataclasses import replace
from itertools import cycle
from math import inf

import locust.stats
from gevent import sleep, spawn
from gevent.event import Event
from locust import User, events, tag, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WORKER_REPORT_INTERVAL, LocalRunner, MasterRunner

from lab.client import Received
from lab.load.asked import FILE, UPLOAD
from lab.load.asking import HungUpError, ask, check
from lab.load.gauges import Gauges
from lab.load.job import PLAN, Job, Plan, lesson_jobs
from lab.load.outcome import FIRST_BYTE, REFUSED, Outcome
from lab.tokens import token

locust.stats.CSV_STATS_INTERVAL_SEC = 0.25  # type: ignore[assignment]  # any number will do

_EVERYBODY = Event()
"""Set when all users are there; until then those that have a number of rounds to do wait."""


class LabUser(User):
    """Somebody who asks for one kind of thing."""

    abstract = True
    kind = ""
    until = 0.0

    def on_start(self) -> None:
        """Learn what there is to do."""
        self.plan = plan_of(self.environment)
        jobs = [job for job in self.plan.jobs if self.kind in ("", job.kind)]
        turns = [(job, role) for job in jobs for role in self.plan.roles]
        first = random.randrange(len(turns))
        self.turns = cycle(turns[first:] + turns[:first])
        self.left = self.plan.rounds * len(turns) or inf
        if self.plan.rounds:
            _EVERYBODY.wait()
        # Those who take the place of a lost worker's users end with the others.
        LabUser.until = LabUser.until or time.monotonic() + (self.plan.seconds or inf)

    def wait_time(self) -> float:
        """Pause between two requests."""
        return self.plan.pause

    @task(6)
    @tag("fast")
    def read_fast(self) -> None:
        """Read as fast as it comes."""
        self.ask("fast")

    @task(2)
    @tag("slow")
    def read_slowly(self) -> None:
        """Read, or send, no more than so many bytes a second."""
        self.ask("slow", rate=self.plan.rate)

    @task(1)
    @tag("hanging-up")
    def hang_up(self) -> None:
        """Hang up somewhere in the first 200 kB."""
        self.ask("hung up", stop_after=random.randrange(1, 200_000))

    def ask(self, manner: str, rate: float | None = None, stop_after: int | None = None) -> None:
        """Send the next request and note what came of it; stop after the last one, or in time."""
        job, role = next(self.turns)
        label = role.strip("/") or job.method
        began, length = time.perf_counter(), 0
        problem: Exception | None = None
        try:
            received = self._patiently(job, role, rate, stop_after)
            length = received.length
            check(job, received, hung_up=stop_after is not None)
            if not job.upload:
                self._log(label, job.name + FIRST_BYTE, received.waited)
        except HungUpError:
            pass
        except Exception as error:  # whatever it is, it is no answer
            problem = error
        self.environment.events.request.fire(
            request_type=label,
            name=f"{job.name}, {manner}",
            response_time=1000 * (time.perf_counter() - began),
            response_length=length,
            exception=problem,
            context={},
        )
        self.left -= 1
        if self.left == 0 or time.monotonic() > LabUser.until:
            raise StopUser

    def _patiently(
        self, job: Job, role: str, rate: float | None, stop_after: int | None
    ) -> Received:
        """Ask again, as long as patience lasts, when told when to come back."""
        began = time.monotonic()
        host = self.plan.host or str(self.environment.host)
        while True:
            so_far = time.monotonic() - began
            received = ask(host, job, role, rate, stop_after)
            received = replace(received, waited=so_far + received.waited)
            left = self.plan.patience - (time.monotonic() - began)
            if received.status != 503 or "retry-after" not in received.headers or left <= 0:
                return received
            self._log(role.strip("/") or job.method, job.name + REFUSED, received.waited)
            sleep(min(left, _seconds(received.headers["retry-after"]) * random.uniform(1, 1.5)))

    def _log(self, label: str, name: str, seconds: float) -> None:
        """Put a time into an entry of its own, and not among all requests."""
        self.environment.stats.get(name, label).log(round(1000 * seconds), 0)


def _seconds(retry_after: str) -> float:
    """Read a Retry-After; a date (RFC 9110) is taken for a second."""
    return float(retry_after) if retry_after.isdecimal() else 1.0


class Everybody(LabUser):
    """Somebody who asks for one thing after another, for each of them once or more."""


class Exporter(LabUser):
    """Somebody who exports rows."""

    kind = "export"


class Downloader(LabUser):
    """Somebody who downloads a file."""

    kind = "download"


class Uploader(LabUser):
    """Somebody who uploads a CSV."""

    kind = "upload"


class Counter(LabUser):
    """Somebody who asks for an aggregate."""

    kind = "aggregate"


class Asker(LabUser):
    """Somebody who sends a request that is not the lesson's."""

    kind = "request"


def plan_of(environment: Environment) -> Plan:
    """Return what the users are to do; by themselves, the lesson's jobs on the best variants."""
    text = environment.parsed_options.plan if environment.parsed_options else ""
    return Plan.parse(text) if text else Plan(lesson_jobs(20_000, FILE, UPLOAD, token()))


@events.init_command_line_parser.add_listener
def _take_plan(parser: LocustArgumentParser) -> None:
    # By the environment, since it holds tokens; a master passes it on to its workers.
    parser.add_argument(
        "--plan",
        default="",
        env_var=PLAN,
        include_in_web_ui=False,
        help="What to do, as `lab load` writes it.",
    )


@events.init.add_listener
def _begin(environment: Environment, **_: object) -> None:
    """Look at the server, end when the last user has, and write down what came of it."""
    environment.events.spawning_complete.add_listener(lambda **_: _EVERYBODY.set())
    runner = environment.runner
    if not isinstance(runner, LocalRunner | MasterRunner):
        return
    plan = plan_of(environment)
    gauges = Gauges(environment, plan)
    environment.events.test_start.add_listener(lambda **_: gauges.start())
    environment.events.test_stopping.add_listener(lambda **_: gauges.stop())
    if plan.rounds or plan.seconds:
        environment.events.spawning_complete.add_listener(lambda **_: spawn(_end, runner))
    if plan.report:
        environment.events.quitting.add_listener(
            lambda **_: Outcome.of(environment.stats, gauges.series).write(plan.report)
        )


def _end(runner: LocalRunner | MasterRunner) -> None:
    """Quit when all users have stopped: Locust's own end of a run breaks their answers off."""
    if isinstance(runner, MasterRunner):
        sleep(WORKER_REPORT_INTERVAL)  # until then no worker has told of its users
    while runner.user_count:
        sleep(0.05)
    if isinstance(runner, MasterRunner):
        sleep(WORKER_REPORT_INTERVAL + 1)  # the last figures are under way
    sleep(2 * locust.stats.CSV_STATS_INTERVAL_SEC)  # or the last rows would not be written
    runner.quit()
