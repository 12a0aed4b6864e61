"""Dask's workers as an executor: connect, and know how many there are."""

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


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """Connect to a Dask scheduler, and yield its workers as an executor.

    Args:
        address: ``tcp://HOST:PORT``, or ``tls://`` with certificates in Dask's configuration.

    Raises:
        LabError: It is no such address, nobody answers there, certificates are wanted, or Dask is
            not installed.
    """
    if not re.fullmatch(r"(tcp|tls)://\S+:\d{1,5}", address):
        raise LabError(f"{address!r} is no address of a Dask scheduler: write tcp://HOST:PORT.")
    if find_spec("distributed") is None:
        raise LabError("a sweep on Dask needs the extra `dask`: pip install 'memory-lab[dask]'")
    try:
        _knock(address)
        distributed: Any = import_module("distributed")  # it has types for a part of itself only
        _check_certificates(address, distributed.Security())
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise LabError(
            f"no Dask scheduler answers at {address}: is one running?", str(error)
        ) from None
    # What goes wrong is said once, and not also in Dask's log.
    log = logging.getLogger("distributed.client")
    before, log.disabled = log.disabled, True
    try:
        with client:
            yield client.get_executor()
    finally:
        log.disabled = before


def _knock(address: str) -> None:
    """Fail soon on a closed port, or a server of another kind, where Dask's client would wait."""
    url = urlsplit(address)
    with socket.create_connection((url.hostname or "", url.port or 0), _CONNECT) as knock:
        # A scheduler speaks first, unless it waits for its peer's part of TLS.
        if url.scheme == "tcp" and not knock.recv(1):
            raise ConnectionError("the connection was closed")


def _check_certificates(address: str, security: Any) -> None:
    if address.startswith("tls") and security.get_connection_args("client")["ssl_context"] is None:
        raise LabError(
            f"{address} wants certificates: name them in Dask's configuration, "
            "under distributed.comm.tls."
        )


def at_once(executor: Executor | None, parallel: int) -> int:
    """Return how many points may be out: as many as Dask has workers; elsewhere ``parallel``.

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
    """Return what is behind Dask's executor, or None behind another's."""
    ours = type(executor).__module__.startswith("distributed.")
    return getattr(executor, "_client", None) if ours else None


def scheduler(client: Any) -> str:
    """Name the scheduler that a client is connected to."""
    return f"the Dask scheduler at {client.scheduler.address}"


def no_worker(client: Any) -> LabError:
    """Return what to say when a scheduler has no worker for too long."""
    return LabError(
        f"{scheduler(client)} has had no worker for {PATIENCE:g} s: "
        f"start one by `dask worker {client.scheduler.address}`."
    )
