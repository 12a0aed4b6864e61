"""What clients receive from an endpoint that exports posts: refusals, and the whole body."""

from collections.abc import Callable
from typing import Any

from lab.course.grading.drain_answers import shown
from lab.course.inputs.student_endpoint import POOL, StudentSite, garbage_collector_off
from lab.outcome import Digest, Outcome


def served(function: Callable[..., Any], given: tuple[Any, ...]) -> StudentSite:
    """Serve a student's endpoint, and return its site."""
    site: StudentSite = given[0]
    site.endpoint = function
    return site


def visits(site: StudentSite, show: bool) -> Outcome:
    """Visit the site in every way that clients do; the outcome is what they received, in order."""
    results = [
        f"not allowed: {_status(site.get(allowed=False))}",
        f"no new posts: {_status(site.get(since=site.newest))}",
    ]
    with garbage_collector_off():
        for _ in range(POOL):
            site.disconnect()
        results.append(f"after {POOL} disconnects: {site.checked_out()} connections checked out")
    whole = site.get()
    results.append(f"everything: {_status(whole)}")
    if show:
        return Outcome(shown([*results, *map(repr, whole["start"].splitlines(keepends=True))]))
    digest = Digest()
    digest.add([*results, whole["digest"]])
    return Outcome(digest.hex(), {"items": site.lines})


def _status(received: dict[str, Any]) -> str:
    return f"{received['status']}, {'complete' if received['complete'] else 'incomplete'} body"
