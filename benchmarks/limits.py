"""What no variant can beat: the same bytes, moved by the tool that was made to move them.

A limit is run between the rounds of the variant that it is compared with, in the same minute and
on the same machine, and like a variant it is timed with its connection open and its files in place.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED

import psycopg2.extensions
import pytest
from sqlalchemy import Engine, Select

from benchmarks.fetch import fetch
from lab.data.database import database
from lab.data.embedded import programs
from lab.data.files import download_file
from lab.data.models import Post
from lab.interpreter import environment_with_lab, python_module
from lab.patterns.zip_download import MEMBERS
from lab.sockets import listening

BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Limit:
    """The fastest way that is known.

    Attributes:
        name: What it is called in the report.
        seconds: Does it once, and returns how long that took.
    """

    name: str
    seconds: Callable[[], float]


Limited = Callable[[int], AbstractContextManager[Limit]]
"""Makes a limit ready at a size of the pattern's first axis."""


class Psql:
    """The embedded server's own `psql`, with a connection that stays open.

    Raises:
        RuntimeError: From `run`, when the server refuses; with what `psql` wrote.
    """

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            found = driver.info.dsn_parameters
            path = connection.exec_driver_sql("show search_path").scalar_one()
        where = {name: found[name] for name in ("host", "port", "user", "dbname") if name in found}
        command = [programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        password = {"PGPASSWORD": engine.url.password} if engine.url.password else {}
        options = {"PGOPTIONS": f"-c search_path={path} -c timezone=UTC"}
        self._process = subprocess.Popen(
            [*command, "-d", psycopg2.extensions.make_dsn(**where)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **password, **options},
        )

    def __enter__(self) -> "Psql":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.__exit__(None, None, None)

    def run(self, command: str) -> None:
        """Run one command, which has to be on one line, and wait for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n\\echo done\n")
        self._process.stdin.flush()
        written = []
        while (line := self._process.stdout.readline()) != "done\n":
            written.append(line)
            if not line:
                raise RuntimeError(f"psql: {''.join(written).strip()}")


def copied_out(query: Callable[[int], Select[Any]], options: str = "format csv") -> Limited:
    r"""Limit an export by ``\copy``: the server writes the text, `psql` writes it to nowhere.

    Args:
        query: Returns what selects the first so many rows.
        options: Of COPY.
    """

    @contextmanager
    def limit(rows: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            text = _one_line(query(rows), engine)
            command = rf"\copy ({text}) to '/dev/null' ({options})"
            yield Limit(r"psql \copy", lambda: _timed(lambda: psql.run(command)))

    return limit


def first_posts(query: Select[Any]) -> Callable[[int], Select[Any]]:
    """Return what narrows a query to the first posts."""
    return lambda rows: query.where(Post.id <= rows)


def sql(statement: str) -> Limited:
    """Limit an aggregate by SQL that `psql` sends; its table of posts holds the first so many."""

    @contextmanager
    def limit(rows: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            psql.run(r"\o /dev/null")
            seen = f"select * from posts where id <= {rows}"  # noqa: S608 - a number
            psql.run(f"create temporary view posts as {seen};")
            yield Limit("SQL", lambda: _timed(lambda: psql.run(f"{statement};")))

    return limit


def copied_in(make: Callable[[int], Path], temporary: bool = True) -> Limited:
    r"""Limit an import by ``\copy`` of the same file into an empty table with the same indexes.

    Args:
        make: Returns the file of so many bytes.
        temporary: Whether the table is a temporary one, as in the pattern's world, which nothing
            has to be logged for; or else the table of users in the schema that is set.
    """

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        with database() as engine, Psql(engine) as psql:
            if temporary:
                psql.run("create temporary table users (like users including all);")
            columns = "email, name, age, can_export"
            command = rf"\copy users ({columns}) from '{make(size)}' (format csv, header)"

            def seconds() -> float:
                psql.run("truncate users;")
                return _timed(lambda: psql.run(command))

            yield Limit(r"psql \copy", seconds)

    return limit


@contextmanager
def read_again(size: int) -> Iterator[Limit]:
    """Limit a download by reading the file into one block of memory, over and over."""
    path, block = download_file(size), bytearray(BLOCK)

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            while file.readinto(block):
                pass

    yield Limit("read(2)", lambda: _timed(read))


@contextmanager
def sent_by_the_kernel(size: int) -> Iterator[Limit]:
    """Limit a download over HTTP by a server that does nothing but `sendfile`."""
    with listening() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.setblocking(True)
        served = python_module(
            "benchmarks.sendfile", str(download_file(size)), str(listener.fileno())
        )
        server = subprocess.Popen(served, pass_fds=[listener.fileno()], env=environment_with_lab())
        try:
            yield Limit("sendfile", lambda: _timed(lambda: fetch(url)))
        finally:
            server.terminate()
            server.wait()


def at_once(limited: Limited, clients: int) -> Limited:
    """Do the same from so many clients at once, each with its own connection."""

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        with ExitStack() as stack, ThreadPoolExecutor(clients) as pool:
            found = [stack.enter_context(limited(size)) for _ in range(clients)]

            def run() -> None:
                list(pool.map(lambda one: one.seconds(), found))

            yield Limit(found[0].name, lambda: _timed(run))

    return limit


def zipped(compression: int) -> Limited:
    """Limit an archive by the `zip` command, writing to nowhere."""

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        command = which("zip")
        if command is None:
            pytest.skip("there is no `zip` command to compare with: apt-get install zip")
        level = "-6" if compression == ZIP_DEFLATED else "-0"
        with TemporaryDirectory(prefix="memory-lab-") as folder:
            names = _cut(download_file(size), Path(folder))
            arguments = [command, "-q", level, "-", *names]

            def run() -> None:
                subprocess.run(arguments, cwd=folder, stdout=subprocess.DEVNULL, check=True)

            yield Limit(f"zip {level}", lambda: _timed(run))

    return limit


def _cut(whole: Path, folder: Path) -> list[str]:
    """Cut a file into as many parts as the archive has members; return their names."""
    part = whole.stat().st_size // MEMBERS
    names = []
    with whole.open("rb") as source:
        for number in range(MEMBERS):
            names.append(f"part-{number}.bin")
            (folder / names[-1]).write_bytes(source.read(part))
    return names


def _one_line(query: Select[Any], engine: Engine) -> str:
    """Write a query out with its values, since `psql` takes no parameters."""
    compiled = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    # The driver's own signs are doubled for the driver, which is not asked here.
    return " ".join(str(compiled).split()).replace("%%", "%")


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
