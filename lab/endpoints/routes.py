"""Add a pattern's endpoints to a router: a path for each role, and one for the best variant.

    router = APIRouter()

    @endpoint(router, PATTERN, "/posts/export.csv", "text/csv")
    def export_csv(variant: Variant, store: Posts, rows: Rows = None) -> OwningResponse:
        ...

adds ``/naive/posts/export.csv``, ``/streaming/posts/export.csv`` and ``/posts/export.csv``. The
first parameter is the variant that the path serves. The docstring describes the path in OpenAPI.
"""

from collections.abc import Callable, Iterator
from functools import partial
from inspect import getdoc
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lab.data.pool import Store
from lab.endpoints.tokens import NotValidError, may_export
from lab.pattern import ROLES, Pattern, Role, Variant

_bearer = HTTPBearer(auto_error=False, description="A token; `lab serve` prints one.")


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


Posts = Annotated[Store, Depends(_store)]
"""Parameter type: the application's pool of connections."""


def _require_export(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Require a token with ``can_export``: 401 without a valid token, 403 if it may not export."""
    try:
        allowed = may_export(sent.credentials if sent else "")
    except NotValidError as error:
        raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from None
    if not allowed:
        raise HTTPException(403, "this token does not allow exports")


MayExport = Depends(_require_export)
"""For ``dependencies=``, which FastAPI resolves before the endpoint runs."""

_MANY = Query(ge=0, description="Number of rows, from the first; default: all.")


def _rows(store: Posts, rows: Annotated[int | None, _MANY] = None) -> int | None:
    if rows is not None and rows > store.built.rows:
        raise HTTPException(422, f"rows must be at most {store.built.rows:,}")
    return rows


Rows = Annotated[int | None, Depends(_rows)]
Batch = Annotated[int, Query(ge=1, le=100_000, description="Rows fetched at a time.")]

ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"description": "The token is missing or not valid"},
    403: {"description": "The token has no can_export"},
    422: {"description": "A parameter is not valid"},
    503: {"description": "All connections are in use; see Retry-After"},
}


def options_for(variant: Variant, **options: int) -> dict[str, int]:
    """Return the options that are parameters of a variant: `load_all`, say, has no ``batch``."""
    return {name: value for name, value in options.items() if variant.takes(name)}


def served_variants(pattern: Pattern, roles: tuple[Role, ...]) -> Iterator[tuple[str, Variant]]:
    """Yield the prefix of each path of a pattern with the variant that it serves.

    If several variants have a role, the last one that is ready is served, since the worst come
    first. The recommended variant also has a path without a prefix.
    """
    for role in roles:
        # Last first: `ready` imports what a variant needs, so a worse one is not checked in vain.
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
    """Return a decorator that adds a function as an endpoint for each role of a pattern.

    Args:
        router: Router to add the paths to.
        pattern: Pattern whose variants are served.
        path: Path without the prefix of the role.
        media_type: Media type of the response.
        roles: Roles to serve; another function may serve the others.
        method: HTTP method.
        responses: Responses other than 200, for the OpenAPI document.
        options: Further arguments of ``add_api_route``.
    """
    success: dict[int | str, dict[str, Any]] = {200: {"content": {media_type: {}}}}

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for prefix, variant in served_variants(pattern, roles):
            router.add_api_route(
                prefix + path,
                partial(function, variant),
                name=f"{pattern.name}{prefix.replace('/', '_')}",
                summary=variant.label,
                description=f"{getdoc(function)}\n\n{getdoc(variant.run)}",
                methods=[method],
                responses={**success, **responses},
                response_class=JSONResponse if media_type == "application/json" else Response,
                dependencies=[MayExport],
                tags=[prefix.strip("/") or "recommended"],
                **options,
            )
        return function

    return add
