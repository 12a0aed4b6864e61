"""What traps about files ask of a real server: uploads with a limit, files by their names.

Below ``/said`` is what is said and done, below ``/right`` what works. Each response tells in the
header ``taken`` how many bytes of the request's body the application had been handed by then.
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
"""The variable that names the folder whose files are served."""


class Counting:
    """A middleware that counts the bytes of a body as the server hands them over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return message

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"taken", str(taken).encode())]
            await send(message)

        await self._app(scope, counted, told)


app = FastAPI()
app.add_middleware(Counting)


@app.post("/said/upload")
async def upload_by_chunks(file: UploadFile) -> int:
    """Read an uploaded file in chunks, and stop at the limit."""
    total = 0
    while chunk := await file.read(65_536):
        total += len(chunk)
        if total > LIMIT:
            raise HTTPException(413, "too large")
    return total


@app.post("/right/upload")
async def upload_as_it_arrives(request: Request) -> int:
    """Read the request itself, and stop at the limit."""
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


@app.get("/said/files/{filename}")
def file_at_a_path(filename: str) -> StreamingResponse:
    """Join folder and name, and send what exists there."""
    path = Path(os.environ[FOLDER]) / filename
    if not path.exists():
        raise HTTPException(404, "File not found")
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(_chunks(path), headers=headers)


@app.get("/right/files/{filename}")
def file_of_a_folder(filename: str) -> FileResponse:
    """Send a regular file that is in the folder, under a name that is encoded."""
    path = Path(os.environ[FOLDER]) / filename
    try:
        kind = path.lstat().st_mode
    except (OSError, ValueError):
        kind = 0
    if not stat.S_ISREG(kind):
        raise HTTPException(404, "there is no such file")
    return FileResponse(path, filename=filename)
