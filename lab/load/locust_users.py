"""The Locust users: each class sends one kind of request, read fast, slowly, or not to the end.

Locust loads this file in its own processes, which ``lab load`` starts. Bodies are read as they
arrive. A request succeeds only if its answer is complete and correct: a 200 whose body breaks off
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

from lab.endpoints.tokens import token
from lab.load.options import FILE, UPLOAD
from lab.load.plan import PLAN, Plan, UserRequest, lesson_jobs, user_class
from lab.load.request import HungUpError, send, verify_body
from lab.load.result import FIRST_BYTE, REFUSED, LoadResult
from lab.load.server_samples import ServerSampler
from lab.net.client import Received

locust.stats.CSV_STATS_INTERVAL_SEC = 0.25  # type: ignore[assignment]  # any number will do

_ALL_SPAWNED = Event()
"""Set when all users exist; users with a number of rounds wait for it."""


class LabUser(User):
    """A user who sends the jobs of one kind in turn, on each role."""

    abstract = True
    until = 0.0

    def sends(self, job: UserRequest) -> bool:
        """Return whether a job is one of this user's; the class is named after the kind."""
        return user_class(job.kind) == type(self).__name__

    def on_start(self) -> None:
        """Read the plan, and wait for the other users if the plan has rounds."""
        self.plan = plan_of(self.environment)
        jobs = [job for job in self.plan.jobs if self.sends(job)]
        turns = [(job, role) for job in jobs for role in self.plan.roles]
        first = random.randrange(len(turns))
        self.turns = cycle(turns[first:] + turns[:first])
        self.left = self.plan.rounds * len(turns) or inf
        if self.plan.rounds:
            _ALL_SPAWNED.wait()
        # Users that replace those of a lost worker end with the others.
        LabUser.until = LabUser.until or time.monotonic() + (self.plan.seconds or inf)

    def wait_time(self) -> float:
        """Return the seconds between two requests."""
        return self.plan.pause

    @task(6)
    @tag("fast")
    def read_fast(self) -> None:
        """Read the answer as fast as it arrives."""
        self.take_turn("fast")

    @task(2)
    @tag("slow")
    def read_slowly(self) -> None:
        """Read, or upload, at the plan's rate."""
        self.take_turn("slow", rate=self.plan.rate)

    @task(1)
    @tag("hanging-up")
    def hang_up(self) -> None:
        """Disconnect somewhere in the first 200 kB."""
        self.take_turn("hung up", stop_after=random.randrange(1, 200_000))

    def take_turn(
        self, behaviour: str, rate: float | None = None, stop_after: int | None = None
    ) -> None:
        """Send the next request and record its result; stop after the last one or at the end."""
        job, role = next(self.turns)
        label = role.strip("/") or job.method
        start, length = time.perf_counter(), 0
        problem: Exception | None = None
        try:
            received = self._send_with_retries(job, role, rate, stop_after)
            length = received.length
            verify_body(job, received, hung_up=stop_after is not None)
            if not job.upload:
                self._log(label, job.name + FIRST_BYTE, received.waited)
        except HungUpError:
            pass
        except Exception as error:  # a failure of the request, whatever its class
            problem = error
        self.environment.events.request.fire(
            request_type=label,
            name=f"{job.name}, {behaviour}",
            response_time=1000 * (time.perf_counter() - start),
            response_length=length,
            exception=problem,
            context={},
        )
        self.left -= 1
        if self.left == 0 or time.monotonic() > LabUser.until:
            raise StopUser

    def _send_with_retries(
        self, job: UserRequest, role: str, rate: float | None, stop_after: int | None
    ) -> Received:
        """Send a request, and again after each 503 with Retry-After, for the plan's time."""
        start = time.monotonic()
        host = self.plan.host or str(self.environment.host)
        while True:
            before = time.monotonic() - start
            received = send(host, job, role, rate, stop_after)
            received = replace(received, waited=before + received.waited)
            left = self.plan.retry_seconds - (time.monotonic() - start)
            if received.status != 503 or "retry-after" not in received.headers or left <= 0:
                return received
            self._log(role.strip("/") or job.method, job.name + REFUSED, received.waited)
            sleep(min(left, _seconds(received.headers["retry-after"]) * random.uniform(1, 1.5)))

    def _log(self, label: str, name: str, seconds: float) -> None:
        """Record a time in an entry that is not part of the total."""
        self.environment.stats.get(name, label).log(round(1000 * seconds), 0)


def _seconds(retry_after: str) -> float:
    """Return the seconds of a Retry-After header; 1 for a date (RFC 9110)."""
    return float(retry_after) if retry_after.isdecimal() else 1.0


class AllJobsUser(LabUser):
    """Sends all jobs in turn, for the rounds of a step."""

    def sends(self, job: UserRequest) -> bool:
        """Return True for every job."""
        return True


class ExportUser(LabUser):
    """Exports rows."""


class DownloadUser(LabUser):
    """Downloads a file."""


class UploadUser(LabUser):
    """Uploads a CSV."""


class AggregateUser(LabUser):
    """Requests an aggregate."""


class RequestUser(LabUser):
    """Sends requests to an application other than the lesson's."""


def plan_of(environment: Environment) -> Plan:
    """Return the plan; without one, the lesson's jobs on the recommended variants."""
    text = environment.parsed_options.plan if environment.parsed_options else ""
    return Plan.parse(text) if text else Plan(lesson_jobs(20_000, FILE, UPLOAD, token()))


@events.init_command_line_parser.add_listener
def _add_plan_option(parser: LocustArgumentParser) -> None:
    # An environment variable, since the plan has tokens; a master passes it on to its workers.
    parser.add_argument(
        "--plan",
        default="",
        env_var=PLAN,
        include_in_web_ui=False,
        help="The plan as JSON, as `lab load` writes it.",
    )


@events.init.add_listener
def _on_init(environment: Environment, **_: object) -> None:
    """Sample the server, quit after the last user, and write the result."""
    environment.events.spawning_complete.add_listener(lambda **_: _ALL_SPAWNED.set())
    runner = environment.runner
    if not isinstance(runner, LocalRunner | MasterRunner):
        return
    plan = plan_of(environment)
    sampler = ServerSampler(environment, plan)
    environment.events.test_start.add_listener(lambda **_: sampler.start())
    environment.events.test_stopping.add_listener(lambda **_: sampler.stop())
    if plan.rounds or plan.seconds:
        environment.events.spawning_complete.add_listener(lambda **_: spawn(_quit, runner))
    if plan.report:
        environment.events.quitting.add_listener(
            lambda **_: LoadResult.from_stats(environment.stats, sampler.series).write(plan.report)
        )


def _quit(runner: LocalRunner | MasterRunner) -> None:
    """Quit when all users have stopped: Locust's own time limit would cut their answers off."""
    if isinstance(runner, MasterRunner):
        sleep(WORKER_REPORT_INTERVAL)  # before that no worker has reported its users
    while runner.user_count:
        sleep(0.05)
    if isinstance(runner, MasterRunner):
        sleep(WORKER_REPORT_INTERVAL + 1)  # for the workers' last figures
    sleep(2 * locust.stats.CSV_STATS_INTERVAL_SEC)  # for the last rows of the CSV
    runner.quit()
