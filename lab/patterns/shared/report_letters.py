"""Whether a report's fonts can show all of its letters, checked before the first page is sent."""

from fastapi import HTTPException
from sqlalchemy import Select, func, null, select
from sqlalchemy.orm import Session

from lab.data.models import Author, Post
from lab.toolbox.pdf.fonts import CannotShowError, font_of


def refuse_what_cannot_be_shown(db: Session) -> None:
    """Check each letter of the report, as the last page may have one that no font can show.

    Raises:
        HTTPException: 422, with the letter.
    """
    titles = select(Post.title.label("text")).where(Post.title.regexp_match("[^ -~]"))
    names = select(Author.name.label("text"))
    try:
        _check_letters(db, titles)
        try:
            _check_letters(db, names)
        except CannotShowError:
            # The author may have no post in the report; only then is the slower join needed.
            _check_letters(db, names.join_from(Post, Author))
    except CannotShowError as error:
        raise HTTPException(422, str(error)) from None


def _check_letters(db: Session, texts: Select[str]) -> None:
    """Let the database list the distinct letters of all texts, and check each.

    Raises:
        CannotShowError: No font has one of them.
    """
    text = texts.distinct().subquery().c.text
    letters = func.unnest(func.string_to_array(text, null()))
    for letter in db.scalars(select(letters).distinct()):
        if not letter.isspace():
            font_of(letter)
