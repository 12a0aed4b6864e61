"""Traps about a file's name, and about what an open file yields."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.types import Message

from lab.client import Received, request
from lab.data.files import users_blocks
from lab.server import running
from lab.traps.file_app import FOLDER
from lab.traps.trap import Sprung

_SIZE = 1_000_000
_QUOTED = 'a"b.txt'
_NOT_LATIN = "отчёт.txt"


def file_names_are_no_paths() -> Sprung:
    """A name that has no slash in it can still leave the folder, or break the answer.

    ``..``, ``.`` and folders exist, so they are answered with 200 and a body that breaks off. A
    link is followed to wherever it leads. A quote in the name ends the header's value early, and
    letters that are not Latin-1 make a 500. Serve what `lstat` calls a regular file, and encode
    its name.
    """
    with _folder() as folder, running("lab.traps.file_app:app", {FOLDER: folder}) as server:
        said, right = (
            {name: request(f"{server.url}/{way}/files/{quote(name)}") for name in _NAMES}
            for way in ("said", "right")
        )
    return Sprung(
        wrong=_show(said),
        right=_show(right),
        holds=all(_is_broken(said[name]) for name in _NO_FILES)
        and said["link"].body == b"a secret"
        and said[_QUOTED].headers["content-disposition"].count('"') == 3
        and said[_NOT_LATIN].status == 500
        and all(right[name].status == 404 for name in (*_NO_FILES, "link"))
        and all(right[name].complete for name in (_QUOTED, _NOT_LATIN)),
    )


_NO_FILES = ("..", ".", "inner")
_NAMES = (*_NO_FILES, "link", _QUOTED, _NOT_LATIN)


@contextmanager
def _folder() -> Iterator[str]:
    with TemporaryDirectory(prefix="memory-lab-") as place:
        folder = Path(place, "files")
        (folder / "inner").mkdir(parents=True)
        Path(place, "secret").write_text("a secret")
        (folder / "link").symlink_to(Path(place, "secret"))
        for name in (_QUOTED, _NOT_LATIN):
            (folder / name).write_text("a file")
        yield str(folder)


def _is_broken(received: Received) -> bool:
    return received.status == 200 and not received.complete


def _show(received: dict[str, Received]) -> str:
    broken = sum(map(_is_broken, received.values()))
    missing = sum(one.status == 404 for one in received.values())
    failed = sum(one.status == 500 for one in received.values())
    whole = len(received) - broken - missing - failed
    parts = {"sent": whole, "broken off after a 200": broken, "a 404": missing, "a 500": failed}
    return f"{len(received)} names: " + ", ".join(f"{n} {w}" for w, n in parts.items() if n)


def open_files_yield_lines() -> Sprung:
    """A response made of an open file sends a chunk for every line, each by way of a thread.

    A file iterates over its lines. Those of a CSV are some 80 bytes; a binary file may have one
    of any length, which is then read whole. Read blocks of 64 KiB and more, or give the path to
    `FileResponse`.
    """
    with TemporaryDirectory(prefix="memory-lab-") as place:
        path = Path(place, "users.csv")
        with path.open("wb") as file:
            file.writelines(users_blocks(_SIZE))
        with path.open("rb") as opened:
            lines = _chunks(StreamingResponse(opened))
        blocks = _chunks(FileResponse(path))
        size = os.path.getsize(path)
    return Sprung(
        wrong=f"{lines:,} chunks for {size:,} bytes",
        right=f"{blocks:,} chunks by FileResponse",
        holds=lines > 10_000 and blocks <= 1 + size // 65_536,
    )


def _chunks(response: Response) -> int:
    """Send a response and count the chunks of its body that are not empty."""
    sent: list[int] = []

    async def receive() -> Message:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message.get("body"):
            sent.append(len(message["body"]))

    scope = {"type": "http", "method": "GET", "headers": [], "extensions": {}}
    asyncio.run(response(scope, receive, send))
    return len(sent)
