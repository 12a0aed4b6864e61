# wrong answer: item 1 is not allowed: 200, incomplete body and should be not allowed: 403
"""Ask in the generator of a plain response whether the client may."""

from fastapi import HTTPException
from fastapi.responses import StreamingResponse


def answer(engine, since, may_export):
    def checked():
        if not may_export:
            raise HTTPException(403)
        yield from lines(engine, since)

    return StreamingResponse(gather(checked()), media_type="text/plain")
