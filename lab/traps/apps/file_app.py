"""Uploads with a limit and files by name, for the traps about files.

Paths under ``/wrong`` follow the claim, those under ``/right`` are correct. The header
``body-bytes`` of each response has the bytes of the request's body received until then.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LIMIT = 1_000_000
FOLDER = "MEMORY_LAB_TRAP_FOLDER"
"""Environment variable with the path of the folder that is served."""


class BodyCounter:
    """A middleware that counts the bytes of the request's body as they arrive."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application and add the header to its response."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"body-bytes", str(received).encode())]
            await send(message)

        await self._app(scope, counted, with_header)


app = FastAPI()
app.add_middleware(BodyCounter)


@app.post("/wrong/upload")
async def upload_by_chunks(file: UploadFile) -> int:
    """Read a parsed upload in chunks, and stop at the limit."""
    total = 0
    while chunk := await file.read(65_536):
        total += len(chunk)
        if total > LIMIT:
            raise HTTPException(413, "too large")
    return total


@app.post("/right/upload")
async def upload_as_it_arrives(request: Request) -> int:
    """Read the body as it arrives, and stop at the limit."""
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > LIMIT:
            raise HTTPException(413, "too large", {"Connection": "close"})
    return total


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(65_536):
            yield chunk


@app.get("/wrong/files/{filename}")
def file_at_a_path(filename: str) -> StreamingResponse:
    """Join folder and name, and send whatever exists at that path."""
    path = Path(os.environ[FOLDER]) / filename
    if not path.exists():
        raise HTTPException(404, "File not found")
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(_chunks(path), headers=headers)


@app.get("/right/files/{filename}")
def file_of_a_folder(filename: str) -> FileResponse:
    """Send a regular file of the folder, with an encoded name in the header."""
    path = Path(os.environ[FOLDER]) / filename
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        mode = 0
    if not stat.S_ISREG(mode):
        raise HTTPException(404, "File not found")
    return FileResponse(path, filename=filename)
