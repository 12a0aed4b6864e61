"""Traps about the name of a file in a URL, and about streaming an open file."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.types import Message

from lab.data.files import users_blocks
from lab.net.client import Received, request
from lab.net.server import running
from lab.traps.apps.file_app import FOLDER
from lab.traps.trap import Demonstration

_SIZE = 1_000_000
_QUOTED = 'a"b.txt'
_NOT_LATIN = "отчёт.txt"
_NO_FILES = ("..", ".", "inner")
_NAMES = (*_NO_FILES, "link", _QUOTED, _NOT_LATIN)


def file_names_are_no_paths() -> Demonstration:
    """A name without a slash can still leave the folder, or break the response.

    ``..``, ``.`` and folders exist, so the response is a 200 whose body breaks off. A link is
    followed to any target. A quote in the name ends the header's value early, and letters outside
    Latin-1 cause a 500. Serve only what `lstat` calls a regular file, and encode its name.
    """
    with _folder() as folder, running("lab.traps.apps.file_app:app", {FOLDER: folder}) as server:
        wrong, right = (
            {name: request(f"{server.url}/{way}/files/{quote(name)}") for name in _NAMES}
            for way in ("wrong", "right")
        )
    return Demonstration(
        wrong=_show(wrong),
        right=_show(right),
        holds=all(_is_broken(wrong[name]) for name in _NO_FILES)
        and wrong["link"].body == b"a secret"
        and wrong[_QUOTED].headers["content-disposition"].count('"') == 3
        and wrong[_NOT_LATIN].status == 500
        and all(right[name].status == 404 for name in (*_NO_FILES, "link"))
        and all(right[name].complete for name in (_QUOTED, _NOT_LATIN)),
    )


@contextmanager
def _folder() -> Iterator[str]:
    with TemporaryDirectory(prefix="memory-lab-") as parent:
        folder = Path(parent, "files")
        (folder / "inner").mkdir(parents=True)
        Path(parent, "secret").write_text("a secret")
        (folder / "link").symlink_to(Path(parent, "secret"))
        for name in (_QUOTED, _NOT_LATIN):
            (folder / name).write_text("a file")
        yield str(folder)


def _is_broken(received: Received) -> bool:
    return received.status == 200 and not received.complete


def _show(received: dict[str, Received]) -> str:
    broken = sum(map(_is_broken, received.values()))
    missing = sum(response.status == 404 for response in received.values())
    failed = sum(response.status == 500 for response in received.values())
    whole = len(received) - broken - missing - failed
    counts = {
        "sent": whole,
        "broken off after a 200": broken,
        "with a 404": missing,
        "with a 500": failed,
    }
    return f"{len(received)} names: " + ", ".join(f"{n} {w}" for w, n in counts.items() if n)


def open_files_yield_lines() -> Demonstration:
    """A response made from an open file sends one chunk per line, each through a thread.

    A file iterates over its lines. A line of a CSV has about 80 bytes; a line of a binary file
    may have any length, and is read whole. Read blocks of 64 KiB or more, or give the path to
    `FileResponse`.
    """
    with TemporaryDirectory(prefix="memory-lab-") as folder:
        path = Path(folder, "users.csv")
        with path.open("wb") as file:
            file.writelines(users_blocks(_SIZE))
        with path.open("rb") as opened:
            lines = _chunks(StreamingResponse(opened))
        blocks = _chunks(FileResponse(path))
        size = os.path.getsize(path)
    return Demonstration(
        wrong=f"{lines:,} chunks for {size:,} bytes",
        right=f"{blocks:,} chunks by FileResponse",
        holds=lines > 10_000 and blocks <= 1 + size // 65_536,
    )


def _chunks(response: Response) -> int:
    """Send a response and count the chunks of its body that are not empty."""
    sizes: list[int] = []

    async def receive() -> Message:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message.get("body"):
            sizes.append(len(message["body"]))

    scope = {"type": "http", "method": "GET", "headers": [], "extensions": {}}
    asyncio.run(response(scope, receive, send))
    return len(sizes)
