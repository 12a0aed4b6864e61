"""Points taken by the workers of an executor, each in a fresh process on the worker's machine."""

import itertools
import time
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import suppress
from uuid import uuid4

from lab.errors import LabError
from lab.measure.curve import Reading, Witness
from lab.measure.dask import PATIENCE, client_of, no_worker, scheduler
from lab.measure.environment import environment
from lab.measure.worker import Ticket, stop, take
from lab.measure.workload import Workload

_LOOK = 0.5


class Remote:
    """Has the points of one run taken by an executor; read from and closed as `Processes` is.

    Args:
        executor: Any; Dask's, from ``Client.get_executor()``, has another worker take the point
            of one that dies.
        workloads: All of the run, the smaller ones of a series first.
    """

    def __init__(self, executor: Executor, workloads: Iterable[Workload]) -> None:
        self._executor = executor
        self._client = client_of(executor)
        self._run = uuid4().hex
        self._numbers = itertools.count()
        self._out: set[Future[Reading]] = set()
        self._closed = False
        # From the largest down: a table that is large enough needs no second look, and none is
        # changed while another worker measures on it.
        wanted = [w.prepare for w in reversed(list(workloads)) if w.prepare is not None]
        self._preparations = tuple(dict.fromkeys(wanted))

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, workload: Workload, witness: Witness, timeout: float) -> Reading:
        """Have a worker measure a workload in a fresh process, as `Processes.read` does here.

        Raises:
            LabError: The workload could not be measured, or there is no worker to do it.
        """
        ticket = Ticket(
            *(self._run, next(self._numbers), workload, witness, timeout),
            *(self._preparations, environment(), self._client is not None),
        )
        try:
            future = self._executor.submit(take, ticket)
            self._out.add(future)
            self._wait_for(future)
            return future.result(timeout=0)
        except LabError:
            raise
        except BaseException as error:
            raise self._explained(error, workload.name) from error

    def close(self) -> None:
        """Cancel what no worker has begun, and end what Dask's workers, or threads, measure.

        The processes of another engine finish their points, each within its timeout.
        """
        self._closed = True
        for future in list(self._out):
            future.cancel()
        stop(self._run)
        if self._client is not None and self._client.status == "running":
            with suppress(OSError):
                self._client.run(stop, self._run, on_error="ignore")

    def _wait_for(self, future: "Future[Reading]") -> None:
        deadline = time.monotonic() + PATIENCE
        while not wait([future], _LOOK).done:
            if self._closed:
                future.cancel()
                return
            if not self._deserted():
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise no_worker(self._client)

    def _deserted(self) -> bool:
        """Tell whether Dask has no workers; where its scheduler is lost, the futures will tell."""
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
                "replaces none: sweep again with a new one, or on Dask."
            )
        if isinstance(error, CancelledError):
            lost = "the executor" if self._client is None else scheduler(self._client)
            return LabError(
                f"{lost} has gone while {name} was measured: start it, and sweep again."
            )
        return LabError(f"no worker could measure {name}: {type(error).__name__}.", str(error))
