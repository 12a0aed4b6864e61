"""What clients see of an endpoint that exports posts: refusals, an end in the middle, the whole."""

from collections.abc import Callable
from typing import Any

from lab.course.answers import shown
from lab.course.site import POOL, Site, never_collecting
from lab.digest import Digest
from lab.pattern import Outcome


def served(function: Callable[..., Any], given: tuple[Any, ...]) -> Site:
    """Put a student's endpoint on the server."""
    site: Site = given[0]
    site.endpoint = function
    return site


def visits(site: Site, show: bool) -> Outcome:
    """Have a client try all that clients do; the answer is what it saw, one thing after another."""
    seen = [
        f"not allowed: {_status(site.get(allowed=False))}",
        f"nothing new: {_status(site.get(since=site.newest))}",
    ]
    with never_collecting():
        for _ in range(POOL):
            site.hang_up()
        seen.append(f"after {POOL} hang-ups: {site.out()} connections out")
    whole = site.get()
    seen.append(f"everything: {_status(whole)}")
    if show:
        return Outcome(shown([*seen, *map(repr, whole["start"].splitlines(keepends=True))]))
    digest = Digest()
    digest.add([*seen, whole["digest"]])
    return Outcome(digest.hex(), {"items": site.lines})


def _status(found: dict[str, Any]) -> str:
    return f"{found['status']}, {'a whole' if found['complete'] else 'a broken'} body"
