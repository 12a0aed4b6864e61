"""Bearer tokens of the lab's application: signed with a secret of this home, and never expiring.

They guard nothing that is worth guarding. They are here because validating before streaming is
part of the lesson.
"""

import os
import secrets
from pathlib import Path

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
    """Return the secret, made at its first use; of two processes that make it, one wins."""
    path = home() / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f"secret.{os.getpid()}")
        _write(mine, secrets.token_hex(32))
        try:
            os.link(mine, path)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return path.read_text()


def _write(path: Path, text: str) -> None:
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
