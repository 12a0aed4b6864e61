"""What the server has in use while the load is on, put beside Locust's statistics."""

import json
import time
from math import inf
from typing import TYPE_CHECKING

import gevent
import psutil

from lab.client import request
from lab.load.job import Plan
from lab.server import established

if TYPE_CHECKING:
    from gevent import Greenlet
    from locust.env import Environment

SERVER = "server"
"""The method under which Locust's statistics show the gauges."""

Sample = dict[str, float]
"""Names and values: bytes, and counts; ``seconds`` since the first one."""


class Gauges:
    """Samples of a server at even intervals.

    By its pid, where it runs here; by what it answers to ``GET /vitals``, where it does. Each is an
    entry of Locust's statistics, in MB or in counts where those of requests are in milliseconds.

    It looks no more when users begin no more: what they still hold would seem to shrink.

    Attributes:
        series: The samples so far.
    """

    def __init__(self, environment: "Environment", plan: Plan) -> None:
        self.series: list[Sample] = []
        self._environment = environment
        self._plan = plan
        self._tells = True
        self._looking: Greenlet | None = None

    def start(self) -> None:
        """Begin to look."""
        self.series.clear()
        self._looking = gevent.spawn(self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.kill(block=False)

    def _look(self) -> None:
        began = time.monotonic()
        while time.monotonic() - began < (self._plan.seconds or inf):
            sample = {**self._seen(), **self._told()}
            if sample:
                self._log(sample)
                self.series.append({"seconds": round(time.monotonic() - began, 2), **sample})
            gevent.sleep(self._plan.every)

    def _seen(self) -> Sample:
        """Look at the process and its children; nothing, where it runs elsewhere or has gone."""
        if not self._plan.pid:
            return {}
        try:
            first = psutil.Process(self._plan.pid)
            every = [first, *first.children(recursive=True)]
            return {
                "resident_bytes": sum(one.memory_info().rss for one in every),
                "connections": sum(len(established(one)) for one in every),
                "descriptors": sum(one.num_fds() for one in every),
                "threads": sum(one.num_threads() for one in every),
            }
        except psutil.Error:
            return {}

    def _told(self) -> Sample:
        """Ask the server, unless it knows no such question."""
        if not self._tells:
            return {}
        try:
            answer = request(f"{self._plan.host or self._environment.host}/vitals", timeout=1)
        except OSError:
            return {}
        if answer.status != 200:
            self._tells = answer.status not in (401, 403, 404, 405)
            return {}
        told: Sample = json.loads(answer.body)
        # Of several processes one has answered: the kernel's word for all of them goes first.
        kept = ("pool_size", "pool_in_use") if self._plan.pid else tuple(told)
        return {name: told[name] for name in kept if name != "pid"}

    def _log(self, sample: Sample) -> None:
        for name, value in sample.items():
            in_bytes = name.endswith("_bytes")
            label = f"{name.removesuffix('_bytes')}, MB" if in_bytes else name.replace("_", " ")
            amount = round(value / 1e6) if in_bytes else round(value)
            # Into the entry alone: in the sum of all requests it has no place.
            self._environment.stats.get(label, SERVER).log(amount, 0)
