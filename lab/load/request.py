"""Send one request of a job as a user would, and check the answer."""

import json
import time
from collections.abc import Iterator

from lab.data.files import users_blocks
from lab.load.plan import UserRequest
from lab.net.client import Received, request
from lab.streams import gather
from lab.toolbox.upload_form import FORM, as_form

_SILENCE = 600.0
"""Seconds without a byte after which a user gives up."""


class WrongAnswerError(Exception):
    """The answer is not the expected one; statistics show the text."""


class HungUpError(Exception):
    """The user disconnected in the middle of its own upload."""


def send(
    host: str,
    job: UserRequest,
    role: str = "",
    rate: float | None = None,
    stop_after: int | None = None,
) -> Received:
    """Send a job's request and read the answer.

    Args:
        host: ``http://127.0.0.1:PORT``.
        job: The request.
        role: Prefix of the path, such as ``/streaming``.
        rate: Bytes per second to read, or to upload, at most; None for no limit.
        stop_after: Bytes after which to disconnect; None to read to the end.

    Raises:
        HungUpError: The user disconnected in the middle of an upload.
        OSError: The server does not listen or does not answer.
    """
    headers = dict(job.headers)
    if not job.upload:
        return request(
            host + role + job.path, job.method, headers, None, rate, stop_after, _SILENCE
        )
    headers["Content-Type"] = FORM
    body = _paced(gather(as_form(users_blocks(job.upload))), rate, stop_after)
    return request(host + role + job.path, job.method, headers, body, timeout=_SILENCE)


def _paced(form: Iterator[bytes], rate: float | None, stop_after: int | None) -> Iterator[bytes]:
    start, sent = time.monotonic(), 0
    for block in form:
        if rate is not None:
            time.sleep(max(0.0, sent / rate - (time.monotonic() - start)))
        sent += len(block)
        yield block
        if stop_after is not None and sent >= stop_after:
            raise HungUpError


def verify_body(job: UserRequest, received: Received, *, hung_up: bool = False) -> None:
    """Check that an answer is complete and correct; after hanging up, only its status.

    Raises:
        WrongAnswerError: It is not.
    """
    if received.status == 0:
        raise WrongAnswerError("hung up without an answer")
    if not 200 <= received.status < 300:
        raise WrongAnswerError(f"{received.status} {received.body[:100].decode(errors='replace')}")
    if hung_up:
        return
    if not received.complete:
        raise WrongAnswerError("the body broke off")
    if job.expected and fingerprint(job, received) != job.expected:
        raise WrongAnswerError("complete, but not the expected answer")


def fingerprint(job: UserRequest, received: Received) -> str:
    """Return a text that is the same for all correct answers to a job.

    For an upload it is the number of rows: a later upload imports fewer of them and reports more
    duplicates, but the sum stays the same.
    """
    if not job.upload:
        return received.digest
    counts = json.loads(received.body)
    return str(sum(counts[key] for key in ("imported", "duplicates", "rejected")))
