"""Sample the resources that the server uses during a load, beside Locust's own statistics."""

import json
import time
from math import inf
from typing import TYPE_CHECKING

import gevent
import psutil

from lab.load.plan import Plan
from lab.net.client import request
from lab.net.server import established

if TYPE_CHECKING:
    from gevent import Greenlet
    from locust.env import Environment

SERVER = "server"
"""The method under which Locust's statistics list the samples."""

Sample = dict[str, float]
"""Bytes and counts by name; ``seconds`` since the first sample."""


class ServerSampler:
    """Samples a server at even intervals.

    It reads the process by its pid if the server runs on this machine, and ``GET /vitals`` if the
    application has it. Locust's statistics get an entry for each figure, in MB or in counts where
    entries of requests are in milliseconds.

    Sampling stops when users start no more requests: the drain would look like falling use.

    Attributes:
        series: The samples so far.
    """

    def __init__(self, environment: "Environment", plan: Plan) -> None:
        self.series: list[Sample] = []
        self._environment = environment
        self._plan = plan
        self._has_vitals = True
        self._greenlet: Greenlet | None = None

    def start(self) -> None:
        """Start sampling."""
        self.series.clear()
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Stop sampling."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def _run(self) -> None:
        start = time.monotonic()
        while time.monotonic() - start < (self._plan.seconds or inf):
            sample = {**self._process_sample(), **self._vitals()}
            if sample:
                self._log(sample)
                self.series.append({"seconds": round(time.monotonic() - start, 2), **sample})
            gevent.sleep(self._plan.sample_interval)

    def _process_sample(self) -> Sample:
        """Read the process and its children; empty if it runs elsewhere or has ended."""
        if not self._plan.pid:
            return {}
        try:
            parent = psutil.Process(self._plan.pid)
            processes = [parent, *parent.children(recursive=True)]
            return {
                "resident_bytes": sum(process.memory_info().rss for process in processes),
                "connections": sum(len(established(process)) for process in processes),
                "descriptors": sum(process.num_fds() for process in processes),
                "threads": sum(process.num_threads() for process in processes),
            }
        except psutil.Error:
            return {}

    def _vitals(self) -> Sample:
        """Request ``/vitals``; empty if the application does not have it."""
        if not self._has_vitals:
            return {}
        try:
            answer = request(f"{self._plan.host or self._environment.host}/vitals", timeout=1)
        except OSError:
            return {}
        if answer.status != 200:
            self._has_vitals = answer.status not in (401, 403, 404, 405)
            return {}
        vitals: Sample = json.loads(answer.body)
        # Only one of several workers has answered; the kernel's figures cover all of them.
        names = ("pool_size", "pool_in_use") if self._plan.pid else tuple(vitals)
        return {name: vitals[name] for name in names if name != "pid"}

    def _log(self, sample: Sample) -> None:
        for name, value in sample.items():
            in_bytes = name.endswith("_bytes")
            label = f"{name.removesuffix('_bytes')}, MB" if in_bytes else name.replace("_", " ")
            amount = round(value / 1e6) if in_bytes else round(value)
            # Into this entry alone: it must not count in the total of all requests.
            self._environment.stats.get(label, SERVER).log(amount, 0)
