# grows: the database
"""Have the server keep each client's text in a setting, and give it back in parts."""

from sqlalchemy import text

KEEP = text("select set_config(:name, coalesce(current_setting(:name, true), '') || :part, false)")
LENGTH = text("select length(current_setting(:name))")
GIVE = text("select substr(current_setting(:name), :start, 16384)")


def answer(db, first, last):
    name = {"name": f"zoo.kept_{first}"}
    db.execute(text("select set_config(:name, '', false)"), name)
    for part in right(db, first, last):
        db.execute(text(f"select 1 from ({KEEP}) kept"), {**name, "part": part})
    for start in range(1, db.scalar(LENGTH, name) + 1, 16384):
        yield db.scalar(GIVE, {**name, "start": start})
