"""An application whose memory is known, for the instruments to be checked against."""

import os
import signal
import time
from collections.abc import Iterator

from fastapi import FastAPI, Request, Response
from starlette.responses import StreamingResponse

app = FastAPI()
broken = FastAPI(lifespan=lambda app: 1 / 0)


@app.get("/kept")
def kept(n: int) -> Response:
    """Hold 100 bytes for each item, and say how many they are."""
    return Response(str(len(bytes(100 * n))))


@app.get("/whole")
def whole(n: int) -> Response:
    """Send 100 bytes for each item, all at once."""
    return Response(b"x" * (100 * n))


@app.get("/streamed")
def streamed(n: int) -> StreamingResponse:
    """Send 100 bytes for each item, in chunks."""
    return StreamingResponse(bytes(100 * 500) for _ in range(n // 500))


@app.post("/body")
async def body(request: Request) -> Response:
    """Hold the body, and say how long it is, in as many bytes."""
    held = await request.body()
    return Response(b"x" * (len(held) // 100))


@app.get("/held")
def held() -> Response:
    """Hold 2 MB for each client while all of them are there."""
    block = bytes(2_000_000)
    time.sleep(0.5)
    return Response(str(len(block)))


@app.get("/random")
def random(n: int) -> Response:
    """Answer differently each time."""
    return Response(os.urandom(8).hex())


@app.get("/moved")
def moved(n: int) -> Response:
    """Send the client somewhere else, which it does not go to."""
    return Response(status_code=307, headers={"Location": "/elsewhere"})


@app.get("/breaks")
def breaks(n: int) -> StreamingResponse:
    """Break off."""

    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError

    return StreamingResponse(chunks())


@app.get("/dies")
def dies() -> None:
    """End the server as the kernel does, when memory is out."""
    os.kill(os.getpid(), signal.SIGKILL)
