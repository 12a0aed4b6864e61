# %% [markdown]
# # 02 The identity map
#
# A session knows every object that it has loaded. Does it keep these objects in memory, so that
# even a stream fills the memory in the end? And do you have to call `expire_all()` to prevent
# that?
#
# *About 25 minutes; less than one minute of it is computing time. Run the cells from top to
# bottom. If the next cell reports that there is no module named `lab`, the notebook runs on
# another kernel: start JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the
# top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("02")

# %% [markdown]
# ## Predict
#
# Three functions stream posts, 500 at a time. The caller looks at each post and then drops it.

# %%
import inspect

from lab.patterns import identity_map

for function in (identity_map.keep_every_post, identity_map.edit_every_post, identity_map.let_go):
    print(inspect.getsource(function))

# %% [markdown]
# `naive` is the first function, `edited` the second, and `streaming` the third. No title in the
# lab's data has spaces to strip, so `edited` assigns the value that was already there.
#
# What is the peak of each, that is, the most memory that it uses at one moment: with 1,000 rows,
# and with 8,000 rows? Replace the dots with amounts such as `"3 MB"`. The picture will show your
# guess as a thin line. A wrong guess teaches more than no guess.

# %% tags=["predict"]
predict(naive=(..., ...), edited=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, with every allocation counted. Both axes are logarithmic:
# a rising line means a cost for each row, and a level line means none.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# Within a session, one row is one object: if you ask for a post twice, you get the same object
# twice. For this the session has an **identity map**, from the primary key to the object. The map
# is **weak**: it can find an object that other code refers to, but its own reference does not keep
# the object alive. When no other reference is left, the object is freed and its entry in the map
# disappears. You can watch this:

# %%
from sqlalchemy import select

from lab.data.inputs import posts
from lab.data.models import Post

with posts(rows=1_000) as db:
    first = db.get(Post, 1)
    second = db.scalars(select(Post).where(Post.id == 1)).one()
    print("the same object:", first is second, "- known to the session:", len(db.identity_map))
    del first, second
    print("without references - known to the session:", len(db.identity_map))
    characters = 0
    for post in db.scalars(select(Post), execution_options={"yield_per": 100}):
        characters += len(post.title)
    print("after a stream of 1,000 - known to the session:", len(db.identity_map))

# %% [markdown]
# One object is left at the end, and not because of the session: the loop variable `post` still
# refers to the last post. So a level line is the normal case. The line rises only if something
# keeps references to the objects:
#
# - **Your code**, with a list, a dictionary, a cache or a closure. `yield_per` limits what the
#   cursor keeps; it has no effect on what you do with the posts.
# - **The session**, after you assign to an attribute of an object. A change that has not been
#   written yet must not be lost, so the session keeps a strong reference to the changed object
#   until it is flushed, expired or expunged. It does so even if the new value equals the old one.
# - **The object itself**, where objects refer to each other in a cycle. The third trap below shows
#   that.
#
# Columns have none of these problems: `select(Post.id, Post.title)` returns rows, which never
# enter the identity map.
#
# ### Three traps
#
# Common advice is to call `expire_all()` after each batch, or the identity map grows. The map is
# weak, so it does not grow:

# %% tags=["trap"]
trap("expire-all-is-not-needed")

# %% [markdown]
# At the wrong moment the call does harm. It marks every loaded object as out of date, including
# the posts of the current batch that have been fetched but not yet yielded:

# %%
trap("expiring-in-mid-batch-asks-again")

# %% [markdown]
# There is one case for it. If an author has a list of posts and each post refers to its author,
# none of them ever loses its last reference. They stay until the garbage collector runs, and you
# do not control when:

# %%
trap("cycles-wait-for-the-collector")

# %% [markdown]
# One more reason for care, which `lab traps expiring-discards-edits` shows: `expire_all()`
# discards changes that have not been flushed, without an error.
#
# ## Exercise
#
# Each post is to show how many views its author had collected up to that post. Write
# `running_views`.
#
# It gets a session, and yields for each post, by ascending id, a tuple `(id, author_id, views)`:
# `views` is the sum of `view_count` over the author's posts up to and including this one. Posts
# without an author, whose `author_id` is `None`, are counted together, as if they had the same
# author.
#
# There are about 1,000 authors, and the number of posts has no limit. You may keep something for
# each author, but nothing for each post.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses; `Post` is in `lab.data.models`. The check uses sizes and posts that you have not seen, and
# compares three things with a reference solution: the rows; the memory that each additional row
# costs; and whether 200,000 rows can be processed while the kernel limits the process to 24 MiB
# above its starting memory. Memory and temporary files that the database uses for your session
# count too, for example for a sort of all posts.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def running_views(db: Session) -> Iterator[tuple[int, int | None, int]]:
    """Yield id and author of each post, and the author's views up to and including it."""
    ...


# %% tags=["check"]
exercise.check()

# %% [markdown]
# Stuck? Remove the `#` and run the cell: each run shows one more hint. `exercise.solution()` shows
# one correct answer; others exist.

# %% tags=["hint"]
# exercise.hint()

# %% [markdown]
# ## Quiz
#
# The answers are in your measurements, not in the text.

# %% tags=["quiz"]
quiz(a=..., b=...)

# %% [markdown]
# ## When not to stream
#
# When you want to change the posts. Streams and edits do not work well together: each edited post
# stays in memory until it is flushed, and a `commit` in the middle of a stream closes the cursor.
# Read pages by key, and flush each page; or use one `UPDATE`, and load no post at all. And where a
# request uses twenty objects, the identity map helps you: load the objects, keep them, and the
# session makes sure that no row has two objects.
#
# [Next: streaming a CSV](03-streaming-a-csv.ipynb)
