"""uvicorn with an application by its import path, of any kind that `lab.net.application` knows."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn

from lab.errors import LabError
from lab.net.application import Asgi, as_asgi, is_wsgi, load
from lab.net.server_log import ServerLog


class ApplicationServer(uvicorn.Server):
    """A uvicorn server of one application; on shutdown, open streams get one second to end.

    The application is imported at once. An asynchronous factory is awaited by `run`, on the event
    loop that then serves the application.

    Args:
        path: The import path of the application, or a call of its factory.
        log: Gets the errors that uvicorn logs, while `run` runs.
        wrap: Called with the ASGI application; returns what is served.
        on_start: Called as soon as requests are answered.
        settings: More settings of uvicorn.

    Attributes:
        wsgi: Whether the application is a WSGI one; valid after the start.

    Raises:
        LabError: The application cannot be imported or made.
    """

    def __init__(
        self,
        path: str,
        log: ServerLog,
        wrap: Callable[[Asgi], Asgi] = lambda app: app,
        on_start: Callable[[], object] = lambda: None,
        **settings: Any,
    ) -> None:
        self._path, self._loaded = path, load(path)
        self._log, self._wrap, self._on_start = log, wrap, on_start
        self._failure: LabError | None = None
        self.wsgi = False
        config = uvicorn.Config(
            "",  # `serve` sets the application
            interface="asgi3",
            loop="asyncio",
            access_log=False,
            timeout_graceful_shutdown=1,
            **settings,
        )
        super().__init__(config)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit` is true, or a signal arrives."""
        # uvicorn exits if the application does not start.
        with self._log, suppress(SystemExit):
            super().run(sockets)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Await the factory if it is asynchronous, and serve the application."""
        try:
            app = await as_asgi(self._path, self._loaded)
        except LabError as error:
            self._failure = error
            return
        self.wsgi = is_wsgi(app)
        self.config.app = self._wrap(app)
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and hear its errors whatever it has made of the loggers."""
        await super().startup(sockets)
        self._log.attach()
        if self.started:
            self._on_start()

    def not_started(self, otherwise: str) -> LabError:
        """Return why the application did not start.

        Args:
            otherwise: The reason if neither the application nor uvicorn gave one.
        """
        reason = self._log.reason or self._log.first or otherwise
        return self._failure or LabError(f"{self._path} did not start: {reason}", self._log.end)
