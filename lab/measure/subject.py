"""What a user names as something to measure: a function, or a request to an application."""

from collections.abc import Mapping
from typing import Any

from lab.errors import LabError, nearest
from lab.measure.workload import Function, Subject
from lab.system.variables import checked_variables

_REQUEST_ARGUMENTS = ["headers", "body", "field", "json_body", "body_file", "clients"]


def subject_of(
    target: str,
    setup: str | None = None,
    app: str | None = None,
    env: Mapping[str, str] | None = None,
    **request: Any,
) -> Subject:
    """Return a function, or a request if there is an application, as the subject of a sweep.

    Args:
        target: ``package.module:function``, or ``METHOD /path?rows={n}``.
        setup: ``package.module:context_manager``, for a function.
        app: The application, as `lab.net.application.parse_path` describes it.
        env: Environment variables, set before the user's code is imported.
        **request: For a request: ``headers``, each ``NAME: VALUE``; one of ``body`` (``"rows"`` or
            ``"bytes"`` of a CSV, uploaded as ``field``), ``json_body`` (a text) and ``body_file``
            (a path), with ``{n}`` for the size; and ``clients``.

    Raises:
        LabError: The arguments contradict each other, or one is not valid.
    """
    variables = checked_variables(env or {})
    if app is None:
        if request:
            raise LabError(f"only a request takes {', '.join(request)}: give its app.")
        if " " in target:
            raise LabError(f"{target!r} is a request: name the application that answers, its app.")
        return Function(target, setup, variables)
    from lab.measure.http.body import Body
    from lab.measure.http.endpoint import Endpoint

    if setup is not None:
        raise LabError("setup is for functions: an application sets itself up.")
    for name in request:
        if name not in _REQUEST_ARGUMENTS:
            suggestion = nearest(name, _REQUEST_ARGUMENTS)
            raise LabError(f"{name!r} is not an argument of a request: {suggestion}")
    described = [request.pop(name, None) for name in ("body", "json_body", "body_file", "field")]
    return Endpoint.parse(target, app, body=Body.of(*described), env=variables, **request)
