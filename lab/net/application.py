"""An application of the user's by its import path, as ASGI: ASGI, WSGI, or a factory of either."""

import ast
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter, isawaitable, isclass, iscoroutinefunction, isroutine, signature
from typing import Any, Literal

from lab.errors import LabError
from lab.system.import_path import resolve, sole_error, user_frames

Asgi = Callable[[Any, Any, Any], Awaitable[None]]

_WANTED = (
    "an ASGI application takes (scope, receive, send), a WSGI one (environ, start_response), and a "
    "factory of either no argument"
)


def parse_path(path: str) -> tuple[str, tuple[list[Any], dict[str, Any]] | None]:
    """Return the import path of an application or factory, and the arguments of its call.

    Args:
        path: ``package.module:app``, or a call with literal arguments such as
            ``package.module:create_app("testing", debug=True)``.

    Returns:
        The import path, and positional and named arguments; None without parentheses.

    Raises:
        LabError: The text has another form, or an argument is not a literal.
    """
    match = re.fullmatch(r"([^\s:()]+:[^\s:()]+)(\(.*\))?", path.strip(), re.DOTALL)
    if match is None:
        raise LabError(
            f"{path!r} is not an application: write package.module:app or "
            "package.module:create_app()."
        )
    if match[2] is None:
        return match[1], None
    try:
        call = ast.parse(f"f{match[2]}", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError
        values = [ast.literal_eval(argument) for argument in call.args]
        named = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords if each.arg}
        if len(named) < len(call.keywords):
            raise ValueError
    except (SyntaxError, ValueError, TypeError):
        raise LabError(
            f'{path!r} is not a call with literal arguments: write it as m:create_app("testing", '
            "debug=True)."
        ) from None
    return match[1], (values, named)


def load(path: str) -> Any:
    """Import an application and call its factory, if it is one.

    Returns:
        The application, or an awaitable of it; `as_asgi` takes both.

    Raises:
        LabError: It cannot be imported or made.
    """
    target, call = parse_path(path)
    with _explained(path, "cannot be imported"):
        found = resolve(target)
    if call is None and _interface(found) != "factory":
        return found
    values, named = call or ([], {})
    if not callable(found):
        raise LabError(f"{target} is {_kind(found)}, which cannot be called.")
    with _explained(path, "could not be made"):
        return found(*values, **named)


async def as_asgi(path: str, loaded: Any) -> Asgi:
    """Return what `load` returned as an ASGI 3 application.

    Raises:
        LabError: It is no application, its factory failed, or a WSGI one lacks its adapter.
    """
    if isawaitable(loaded):
        with _explained(path, "could not be made"):
            loaded = await loaded
    interface = _interface(loaded)
    if interface == "asgi":
        return loaded  # type: ignore[no-any-return]
    if interface == "asgi2":
        return lambda scope, receive, send: loaded(scope)(receive, send)
    if interface == "wsgi":
        return _adapted(path, loaded)
    needed = ", ".join(_required(loaded) or ())
    if isroutine(loaded) and needed:
        raise LabError(
            f"{path} is a function that needs {needed}; {_WANTED}: to call it, write "
            f'{path.partition("(")[0]}("…") with literal arguments.'
        )
    raise LabError(f"{path} is {_kind(loaded)}; {_WANTED}.")


def is_wsgi(app: Asgi) -> bool:
    """Return whether `as_asgi` adapted a WSGI application, which needs a Content-Length."""
    return type(app).__module__.startswith("a2wsgi")


def _adapted(path: str, app: Any) -> Asgi:
    try:
        from a2wsgi import WSGIMiddleware
    except ImportError:
        raise LabError(
            f"{path} is a WSGI application, which needs a2wsgi: pip install 'memory-lab[http]'."
        ) from None
    # A chunk at a time, as servers of WSGI send it; by default ten would wait in memory.
    return WSGIMiddleware(app, send_queue_size=1)


def _interface(app: Any) -> Literal["asgi", "asgi2", "wsgi", "factory"] | None:
    """Return what an object is by the arguments that it needs; None if it is something else."""
    match _required(app):
        case [first, _, _] if first == "scope" or _is_coroutine(app):
            return "asgi"
        case [first, second] if first.startswith("env") or "start" in second:
            return "wsgi"
        case ["scope"]:
            return "asgi2"
        case [] if not _takes_any(app):
            return "factory"
        case [] if _is_coroutine(app):
            return "asgi"
    return None


def _is_coroutine(app: Any) -> bool:
    return iscoroutinefunction(app) or iscoroutinefunction(type(app).__call__)


def _takes_any(app: Any) -> bool:
    parameters = signature(app).parameters.values()
    return any(p.kind is Parameter.VAR_POSITIONAL for p in parameters)


def _required(app: Any) -> list[str] | None:
    """Return the names of the arguments without a default; None if it is not known."""
    try:
        parameters = signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    variable = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in variable]


def _kind(found: Any) -> str:
    if isroutine(found) or isclass(found):
        return f"the {'class' if isclass(found) else 'function'} {found.__qualname__}"
    kind = type(found)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"of the type {module}{kind.__qualname__}"


@contextmanager
def _explained(path: str, how: str) -> Iterator[None]:
    """Replace an error of the application by one sentence with its type and text."""
    try:
        yield
    except LabError:
        raise
    except (Exception, SystemExit) as raised:
        error = sole_error(raised)
        message = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise LabError(f"{path} {how}: {message}", user_frames(error)) from None
