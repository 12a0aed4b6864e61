"""Points measured by an executor's workers, each in a fresh process on the worker's machine."""

import itertools
import time
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import suppress
from uuid import uuid4

from lab.curves.curve import Reading, Witness
from lab.errors import LabError
from lab.measure.environment import environment
from lab.measure.remote.dask import PATIENCE, client_of, no_worker, scheduler
from lab.measure.remote.worker import RemoteJob, stop, take
from lab.measure.workload import Workload

_POLL = 0.5
"""Seconds between two checks for workers."""


class Remote:
    """Measures the points of one run on an executor; it has the `read` and `close` of `Processes`.

    Args:
        executor: Any. Dask's, from ``Client.get_executor()``, gives the point of a worker that
            died to another worker.
        workloads: All of the run, the smaller ones of a series first.
    """

    def __init__(self, executor: Executor, workloads: Iterable[Workload]) -> None:
        self._executor = executor
        self._client = client_of(executor)
        self._run = uuid4().hex
        self._numbers = itertools.count()
        self._submitted: set[Future[Reading]] = set()
        self._closed = False
        # From the largest down: the table of the largest size serves all others, so that none is
        # changed while another worker measures with it.
        preparations = [w.prepare for w in reversed(list(workloads)) if w.prepare is not None]
        self._preparations = tuple(dict.fromkeys(preparations))

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, workload: Workload, witness: Witness, timeout: float) -> Reading:
        """Measure a workload in a fresh process of a worker, as `Processes.read` does here.

        Args:
            workload: What to run.
            witness: What to measure.
            timeout: Seconds; a run that takes longer is killed, and its reading has an error.

        Raises:
            LabError: The workload could not be measured, or there is no worker.
        """
        job = RemoteJob(
            *(self._run, next(self._numbers), workload, witness, timeout),
            *(self._preparations, environment(), self._client is not None),
        )
        try:
            future = self._executor.submit(take, job)
            self._submitted.add(future)
            self._wait_for(future)
            return future.result(timeout=0)
        except LabError:
            raise
        except BaseException as error:
            raise self._explained(error, workload.name) from error

    def close(self) -> None:
        """Cancel the points that no worker has begun, and end those of Dask's workers or threads.

        Worker processes of other executors finish their points, each within its timeout.
        """
        self._closed = True
        for future in list(self._submitted):
            future.cancel()
        stop(self._run)
        if self._client is not None and self._client.status == "running":
            with suppress(OSError):
                self._client.run(stop, self._run, on_error="ignore")

    def _wait_for(self, future: "Future[Reading]") -> None:
        deadline = time.monotonic() + PATIENCE
        while not wait([future], _POLL).done:
            if self._closed:
                future.cancel()
                return
            if not self._has_no_worker():
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise no_worker(self._client)

    def _has_no_worker(self) -> bool:
        """Return whether Dask has no worker; False without a scheduler, where the futures fail."""
        if self._client is None or self._client.status != "running":
            return False
        try:
            return not self._client.nthreads()
        except OSError:
            return False

    def _explained(self, error: BaseException, name: str) -> LabError:
        if self._closed:
            return LabError("the measurement was stopped.")
        if isinstance(error, BrokenExecutor):
            return LabError(
                f"a worker died while it measured {name}, and {type(self._executor).__name__} "
                "does not replace it: sweep again with a new executor, or on Dask."
            )
        if isinstance(error, CancelledError):
            lost = "the executor" if self._client is None else scheduler(self._client)
            return LabError(f"{lost} ended while {name} was measured: start it, and sweep again.")
        return LabError(f"no worker could measure {name}: {type(error).__name__}.", str(error))
