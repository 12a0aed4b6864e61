# grows: child processes
"""Have a child process keep everything, and give it back."""

import pickle
import subprocess
import sys
from collections import Counter

from sqlalchemy import select

from lab.data.models import Post

KEEPER = """
import pickle, sys
kept = []
try:
    while True:
        kept.append(pickle.load(sys.stdin.buffer))
except EOFError:
    pass
for item in kept:
    pickle.dump(item, sys.stdout.buffer)
"""


def top_tags(db):
    command = [sys.executable, "-c", KEEPER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        for tags in tags_of_posts(db):
            pickle.dump(tags, keeper.stdin)
        keeper.stdin.close()
        return top(given_back(keeper.stdout))


def given_back(file):
    try:
        while True:
            yield pickle.load(file)
    except EOFError:
        pass


def tags_of_posts(db):
    query = select(Post.tags).where(Post.published)
    return db.scalars(query, execution_options={"yield_per": 500})


def top(posts):
    counts = Counter(tag for tags in posts for tag in tags)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
