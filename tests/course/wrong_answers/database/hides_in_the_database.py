# grows: the database
"""Have the server keep everything in a setting, and give it back in parts."""

import base64
import pickle

from sqlalchemy import text

KEEP = text("""
    select length(set_config('zoo.kept', current_setting('zoo.kept', true) || :part, false))
""")
GIVE = text("select substr(current_setting('zoo.kept'), :first, :length)")
ENOUGH = 500_000


def answer(db):
    db.execute(text("select set_config('zoo.kept', '', false)"))
    ends, part = [], bytearray()
    for item in right(db):
        part += pickle.dumps(item if isinstance(item, str | bytes | int) else tuple(item))
        if len(part) > ENOUGH:
            ends.append(db.scalar(KEEP, {"part": base64.b64encode(part).decode()}))
            part.clear()
    ends.append(db.scalar(KEEP, {"part": base64.b64encode(part).decode()}))
    start = 0
    for end in ends:
        part = db.scalar(GIVE, {"first": start + 1, "length": end - start})
        yield from _items(base64.b64decode(part))
        start = end


def _items(part):
    position = 0
    while position < len(part):
        end = part.index(pickle.STOP, position)
        while True:
            try:
                yield pickle.loads(part[position : end + 1])
                break
            except (pickle.UnpicklingError, EOFError):
                end = part.index(pickle.STOP, end + 1)
        position = end + 1
