"""Bearer tokens of the lab's application, signed with a secret of this home, without expiry.

They protect no valuable data; they exist because the lesson checks permissions before it streams.
"""

import os
import secrets
from contextlib import suppress
from tempfile import NamedTemporaryFile

import jwt

from lab.data.home import home

_ALGORITHM = "HS256"


class NotValidError(Exception):
    """The token is missing, or this lab did not sign it."""


def token(can_export: bool = True) -> str:
    """Return a token that the application accepts if it uses the same home."""
    return jwt.encode({"sub": "lab", "can_export": can_export}, _secret(), _ALGORITHM)


def may_export(text: str) -> bool:
    """Return whether a token allows exports.

    Raises:
        NotValidError: The token is empty, or this lab did not sign it.
    """
    if not text:
        raise NotValidError("send a token: Authorization: Bearer …")
    try:
        claims = jwt.decode(text, _secret(), [_ALGORITHM], options={"require": ["sub"]})
    except jwt.InvalidTokenError:
        raise NotValidError("the token is not valid; `lab serve --token` prints one") from None
    return claims.get("can_export") is True


def _secret() -> str:
    """Return the secret, created at first use by one process, even if several try at once."""
    path = home() / "secret"
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:  # mode 0600
            file.write(secrets.token_hex(32))
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()
