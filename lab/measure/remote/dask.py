"""Dask's workers as an executor: connect to a scheduler and count its workers."""

import logging
import re
import socket
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from lab.errors import LabError

PATIENCE = 30.0
"""Seconds without any Dask worker after which a sweep gives up."""

_CONNECT = 5.0
"""Seconds for a connection to the scheduler."""


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """Connect to a Dask scheduler and yield its workers as an executor.

    Args:
        address: ``tcp://HOST:PORT``, or ``tls://`` with certificates in Dask's configuration.

    Raises:
        LabError: The address has another form, no scheduler answers, certificates are missing, or
            Dask is not installed.
    """
    if not re.fullmatch(r"(tcp|tls)://\S+:\d{1,5}", address):
        raise LabError(f"{address!r} is not an address of a Dask scheduler: write tcp://HOST:PORT.")
    if find_spec("distributed") is None:
        raise LabError("a sweep on Dask needs the extra `dask`: pip install 'memory-lab[dask]'")
    try:
        _knock(address)
        distributed: Any = import_module("distributed")  # it is typed only in part
        _check_certificates(address, distributed.Security())
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise LabError(
            f"no Dask scheduler answers at {address}: is one running?", str(error)
        ) from None
    # The lab reports errors; Dask's log would repeat them.
    log = logging.getLogger("distributed.client")
    before, log.disabled = log.disabled, True
    try:
        with client:
            yield client.get_executor()
    finally:
        log.disabled = before


def _knock(address: str) -> None:
    """Fail at once on a closed port or a server of another kind; Dask's client would wait.

    Raises:
        OSError: No scheduler answers.
    """
    url = urlsplit(address)
    with socket.create_connection((url.hostname or "", url.port or 0), _CONNECT) as connection:
        # A scheduler sends the first byte, except with TLS, which the client begins.
        if url.scheme == "tcp" and not connection.recv(1):
            raise ConnectionError("the connection was closed")


def _check_certificates(address: str, security: Any) -> None:
    if address.startswith("tls") and security.get_connection_args("client")["ssl_context"] is None:
        raise LabError(
            f"{address} wants certificates: name them in Dask's configuration, "
            "below distributed.comm.tls."
        )


def at_once(executor: Executor | None, parallel: int) -> int:
    """Return how many points to measure at once: the number of Dask's workers, or ``parallel``.

    Args:
        executor: Any executor, or None for this machine.
        parallel: The number to return if the executor is not Dask's.

    Raises:
        LabError: No Dask worker joins within `PATIENCE` seconds.
    """
    client = None if executor is None else client_of(executor)
    if client is None:
        return parallel
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise no_worker(client) from None
    return len(client.nthreads())


def client_of(executor: Executor) -> Any:
    """Return the Dask client of an executor, or None for an executor of another kind."""
    is_dask = type(executor).__module__.startswith("distributed.")
    return getattr(executor, "_client", None) if is_dask else None


def scheduler(client: Any) -> str:
    """Return the name of a client's scheduler for an error message."""
    return f"the Dask scheduler at {client.scheduler.address}"


def no_worker(client: Any) -> LabError:
    """Return the error for a scheduler that has had no worker for `PATIENCE` seconds."""
    return LabError(
        f"{scheduler(client)} has had no worker for {PATIENCE:g} s: "
        f"start one with `dask worker {client.scheduler.address}`."
    )
