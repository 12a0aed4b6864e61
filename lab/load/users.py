"""The users, for Locust: each kind asks for one thing, fast, slowly, or not to the end.

Locust loads this file, in processes of its own: ``lab load`` starts them. Bodies are read as they
come, and an answer is a success only when it is complete and the right one: a 200 that breaks off
is a failure.
"""

import random
import time
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
from lab.load.asking import HungUpError, WrongError, ask, check
from lab.load.gauges import Gauges
from lab.load.job import PLAN, Job, Plan, lesson_jobs
from lab.load.outcome import Outcome
from lab.tokens import token

locust.stats.CSV_STATS_INTERVAL_SEC = 0.25  # type: ignore[assignment]  # any number will do

_EVERYBODY = Event()
"""Set when all users are there; until then those that have a number of rounds to do wait."""


class LabUser(User):
    """Somebody who asks for one kind of thing."""

    abstract = True
    kind = ""

    def on_start(self) -> None:
        """Learn what there is to do."""
        self.plan = plan_of(self.environment)
        jobs = [job for job in self.plan.jobs if job.kind == self.kind]
        turns = [(job, role) for job in jobs for role in self.plan.roles]
        first = random.randrange(len(turns))
        self.turns = cycle(turns[first:] + turns[:first])
        self.rounds = self.plan.rounds
        if self.rounds:
            _EVERYBODY.wait()
        self.until = time.monotonic() + (self.plan.seconds or inf)

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
        """Send the next request and note what came of it; stop after the last round, or in time."""
        job, role = next(self.turns)
        label = role.strip("/") or job.method
        stats, began, length = self.environment.stats, time.perf_counter(), 0
        problem: Exception | None = None
        try:
            received = self._patiently(job, role, rate, stop_after)
            length = received.length
            stats.get(f"{job.name}, first byte", label).log(round(1000 * received.waited), 0)
            check(job, received, hung_up=stop_after is not None)
        except HungUpError:
            pass
        except (WrongError, OSError) as error:
            problem = error
        self.environment.events.request.fire(
            request_type=label,
            name=f"{job.name}, {manner}",
            response_time=1000 * (time.perf_counter() - began),
            response_length=length,
            exception=problem,
            context={},
        )
        self.rounds -= 1
        if self.rounds == 0 or time.monotonic() > self.until:
            raise StopUser

    def _patiently(
        self, job: Job, role: str, rate: float | None, stop_after: int | None
    ) -> Received:
        """Ask again, as long as patience lasts, when told to come back later."""
        deadline = time.monotonic() + self.plan.patience
        while True:
            received = ask(str(self.environment.host), job, role, rate, stop_after)
            if received.status != 503 or time.monotonic() > deadline:
                return received
            refused = self.environment.stats.get(f"{job.name}, told to come back", role.strip("/"))
            refused.log(round(1000 * received.waited), 0)
            sleep(float(received.headers.get("retry-after", 1)) * random.uniform(1, 1.5))


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
