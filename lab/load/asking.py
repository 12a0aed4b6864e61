"""One request of a job, sent as a user would, and whether the answer is what was asked for."""

import json
import time
from collections.abc import Iterator

from lab.client import Received, request
from lab.data.files import users_blocks
from lab.load.job import Job
from lab.multipart import FORM, as_form
from lab.streams import gather

_SILENCE = 600.0
"""Seconds without a byte after which a user gives up."""


class WrongError(Exception):
    """An answer that is not what was asked for; the text is what statistics show."""


class HungUpError(Exception):
    """We have hung up in the middle of our own upload."""


def ask(
    host: str,
    job: Job,
    role: str = "",
    rate: float | None = None,
    stop_after: int | None = None,
) -> Received:
    """Send a job's request, and read the answer to its end, slowly, or to a point.

    Args:
        host: ``http://127.0.0.1:PORT``.
        job: What to ask for.
        role: The prefix of the path, such as ``/streaming``.
        rate: Bytes a second to read, or to send, at most.
        stop_after: Hang up after so many bytes.

    Raises:
        HungUpError: We have, in the middle of an upload.
        OSError: There is no server, or it is silent.
    """
    headers = dict(job.headers)
    if not job.upload:
        return request(
            host + role + job.path, job.method, headers, None, rate, stop_after, _SILENCE
        )
    headers["Content-Type"] = FORM
    body = _sent(gather(as_form(users_blocks(job.upload))), rate, stop_after)
    return request(host + role + job.path, job.method, headers, body, timeout=_SILENCE)


def _sent(form: Iterator[bytes], rate: float | None, stop_after: int | None) -> Iterator[bytes]:
    began, sent = time.monotonic(), 0
    for block in form:
        if rate is not None:
            time.sleep(max(0.0, sent / rate - (time.monotonic() - began)))
        sent += len(block)
        yield block
        if stop_after is not None and sent >= stop_after:
            raise HungUpError


def check(job: Job, received: Received, *, hung_up: bool = False) -> None:
    """Check an answer: all of it, unless we have hung up, and the right one.

    Raises:
        WrongError: It is not.
    """
    if received.status == 0:
        raise WrongError("hung up without an answer")
    if not 200 <= received.status < 300:
        raise WrongError(f"{received.status} {received.body[:100].decode(errors='replace')}")
    if hung_up:
        return
    if not received.complete:
        raise WrongError("the body broke off")
    if job.answer and answer(job, received) != job.answer:
        raise WrongError("complete, but another answer")


def answer(job: Job, received: Received) -> str:
    """Return what all right answers to a job have in common.

    An upload finds more and more of its rows there already, but as many rows each time.
    """
    if not job.upload:
        return received.digest
    said = json.loads(received.body)
    return str(sum(said[key] for key in ("imported", "duplicates", "rejected")))
