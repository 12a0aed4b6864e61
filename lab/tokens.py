"""Bearer tokens of the lab's application: signed with a secret of this home, and never expiring.

They guard nothing that is worth guarding. They are here because validating before streaming is
part of the lesson.
"""

import os
import secrets
from contextlib import suppress
from tempfile import NamedTemporaryFile

import jwt

from lab.data.home import home

_ALGORITHM = "HS256"


class NotValidError(Exception):
    """The text is no token of this lab."""


def token(can_export: bool = True) -> str:
    """Return a token that this home's application accepts."""
    return jwt.encode({"sub": "lab", "can_export": can_export}, _secret(), _ALGORITHM)


def may_export(text: str) -> bool:
    """Tell whether a token allows reading data.

    Raises:
        NotValidError: It is none of ours, or there is none.
    """
    if not text:
        raise NotValidError("send a token: Authorization: Bearer …")
    try:
        claims = jwt.decode(text, _secret(), [_ALGORITHM], options={"require": ["sub"]})
    except jwt.InvalidTokenError:
        raise NotValidError("the token is not valid here; `lab serve` prints one") from None
    return claims.get("can_export") is True


def _secret() -> str:
    """Return the secret, made at its first use; of several that make it at once, one wins."""
    path = home() / "secret"
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as mine:  # for us alone
            mine.write(secrets.token_hex(32))
            mine.flush()
            with suppress(FileExistsError):
                os.link(mine.name, path)
    return path.read_text()
