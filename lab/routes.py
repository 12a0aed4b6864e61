"""How a pattern becomes endpoints: one path for each role, and one without, for the best variant.

    router = APIRouter()

    @endpoint(router, PATTERN, "/posts/export.csv", "text/csv")
    def export_csv(variant: Variant, store: Posts, rows: Rows = None) -> OwningResponse:
        ...

makes ``/naive/posts/export.csv``, ``/streaming/posts/export.csv`` and ``/posts/export.csv``; the
first parameter is the variant that is served there. Its docstring describes the path.
"""

from collections.abc import Callable, Iterator
from functools import partial
from inspect import getdoc
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lab.data.store import Store
from lab.pattern import ROLES, Pattern, Role, Variant
from lab.tokens import NotValidError, may_export

_bearer = HTTPBearer(auto_error=False, description="A token; `lab serve` prints one.")


def _store(request: Request) -> Store:
    found: Store = request.app.state.store
    return found


Posts = Annotated[Store, Depends(_store)]
"""The application's pool of connections."""


def _exporter(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Let a token through that says ``can_export``: 401 without one, 403 where it does not."""
    try:
        allowed = may_export(sent.credentials if sent else "")
    except NotValidError as error:
        raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from None
    if not allowed:
        raise HTTPException(403, "this token may not export")


MayExport = Depends(_exporter)
"""For ``dependencies=``: it answers before anything else is done."""


_MANY = Query(ge=0, description="The first so many; all if left out.")


def _rows(store: Posts, rows: Annotated[int | None, _MANY] = None) -> int | None:
    if rows is not None and rows > store.built.rows:
        raise HTTPException(422, f"there are {store.built.rows:,} rows; ask for as many or fewer")
    return rows


Rows = Annotated[int | None, Depends(_rows)]
Batch = Annotated[int, Query(ge=1, le=100_000, description="Rows that are fetched at a time.")]

ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"description": "No token, or one that is not valid"},
    403: {"description": "A token without can_export"},
    422: {"description": "A parameter that makes no sense"},
    503: {"description": "All connections are in use; see Retry-After"},
}


def options_for(variant: Variant, **wanted: int) -> dict[str, int]:
    """Return those of the options that a variant takes: `load_all` knows no batch."""
    return {name: value for name, value in wanted.items() if variant.takes(name)}


def served(pattern: Pattern, roles: tuple[Role, ...]) -> Iterator[tuple[str, Variant]]:
    """List the prefixes of a pattern's paths, each with the variant behind it.

    Of several variants in a role the last one is served, since the worst come first; one whose
    extra is missing is passed over. The best of all has no prefix.
    """
    for role in roles:
        # The last one first: what it needs is imported only where nothing better can be served.
        variants = (v for v in reversed(pattern.variants) if v.role == role)
        best = next((variant for variant in variants if variant.ready), None)
        if best is not None:
            yield f"/{role}", best
    if pattern.recommended.role in roles:
        yield "", pattern.recommended


def endpoint(
    router: APIRouter,
    pattern: Pattern,
    path: str,
    media_type: str,
    *,
    roles: tuple[Role, ...] = ROLES,
    method: str = "GET",
    responses: dict[int | str, dict[str, Any]] = ERRORS,
    **options: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a function once for each role that the pattern has a variant in, and once without.

    Args:
        router: What the paths are added to.
        pattern: Whose variants are served.
        path: Without the role's prefix.
        media_type: Of the answer.
        roles: Those to serve; another function may serve the rest.
        method: Of the request.
        responses: Other answers than 200, for the OpenAPI document.
        options: Passed on to FastAPI.
    """
    answer: dict[int | str, dict[str, Any]] = {200: {"content": {media_type: {}}}}

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for prefix, variant in served(pattern, roles):
            router.add_api_route(
                prefix + path,
                partial(function, variant),
                name=f"{pattern.name}{prefix.replace('/', '_')}",
                summary=variant.label,
                description=f"{getdoc(function)}\n\n{getdoc(variant.run)}",
                methods=[method],
                responses={**answer, **responses},
                response_class=JSONResponse if media_type == "application/json" else Response,
                dependencies=[MayExport],
                tags=[prefix.strip("/") or "recommended"],
                **options,
            )
        return function

    return add
