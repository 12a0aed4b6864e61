# grows: the database
"""Have the server keep everything in a setting, and count what it gives back."""

from collections import Counter

from sqlalchemy import select, text

from lab.data.models import Post

KEEP = text("""
    select length(set_config('zoo.kept', current_setting('zoo.kept', true) || :part, false))
""")
GIVE = text("select substr(current_setting('zoo.kept'), :first, :length)")
ENOUGH = 5_000


def top_tags(db):
    db.execute(text("select set_config('zoo.kept', '', false)"))
    ends, part = [], []
    for tags in tags_of_posts(db):
        part.append(" ".join(tags) + " and nothing else, so that it is worth while\n")
        if len(part) > ENOUGH:
            ends.append(db.scalar(KEEP, {"part": "".join(part)}))
            part.clear()
    ends.append(db.scalar(KEEP, {"part": "".join(part)}))
    return top(line.split()[:3] for line in given_back(db, ends))


def given_back(db, ends):
    start = 0
    for end in ends:
        yield from db.scalar(GIVE, {"first": start + 1, "length": end - start}).splitlines()
        start = end


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
