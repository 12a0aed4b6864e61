# %% [markdown]
# # 02 The identity map
#
# A session knows every object that went through it. Does it keep them, so that even a stream fills
# the memory in the end; and do you have to call `expire_all()` against that?
#
# *About 25 minutes, of which the machine works for less than one. Run the cells from top to bottom.
# If the next cell says that there is no module named `lab`, this kernel is not the course's: start
# with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("02")

# %% [markdown]
# ## Predict
#
# Three functions stream posts, 500 at a time, to somebody who looks at each and lets it go.

# %%
import inspect

from lab.patterns import identity_map

for function in (identity_map.keep_every_post, identity_map.edit_every_post, identity_map.let_go):
    print(inspect.getsource(function))

# %% [markdown]
# `naive` is the first, `edited` the second, and `streaming` the third. None of the lab's titles has
# a space to strip, so the value that `edited` assigns is the one that was there.
#
# What is the most memory that each holds at one moment: with 1,000 rows, and with 8,000? Replace
# the dots by amounts, such as `"3 MB"`. Your guess will be a thin line in the picture; a wrong one
# teaches more than none.

# %% tags=["predict"]
predict(naive=(..., ...), edited=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, in which every allocation is counted. Both axes are
# logarithmic: a line that rises with the rows costs something for each row, and a level one does
# not.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# Within a session one row is one object: who asks for a post twice gets the same post. For that the
# session has its **identity map**, from the primary key to the object. It is **weak**: it can find
# an object that somebody else holds, and does not hold it itself. When nobody does, the object
# goes, and its entry with it. You can watch that:

# %%
from sqlalchemy import select

from lab.data.models import Post
from lab.data.worlds import posts

with posts(rows=1_000) as db:
    one = db.get(Post, 1)
    again = db.scalars(select(Post).where(Post.id == 1)).one()
    print("one and the same object:", one is again, "- known to the session:", len(db.identity_map))
    del one, again
    print("nobody holds it any more - known to the session:", len(db.identity_map))
    characters = 0
    for post in db.scalars(select(Post), execution_options={"yield_per": 100}):
        characters += len(post.title)
    print("after a stream of 1,000 - known to the session:", len(db.identity_map))

# %% [markdown]
# One is left at the end, and it is not the session's doing: the loop's variable `post` still refers
# to the last one. So the level line is the usual case, and it takes somebody who holds on to an
# object to make the line rise:
#
# - **You**, with a list, a dictionary, a cache, a closure. `yield_per` bounds what the cursor
#   holds, and has no say in what you do with the posts.
# - **The session**, once an object was assigned to. A change that has not been written yet must not
#   be lost, so the session refers to the changed object strongly, until it is flushed, expired or
#   expunged. Whether the new value differs from the old one makes no difference to that.
# - **The object itself**, where objects refer to each other in a circle. That is the third trap
#   below.
#
# Columns have none of these troubles: `select(Post.id, Post.title)` gives rows, and no map ever
# hears of them.
#
# ### Three traps
#
# A piece of advice that is often given: call `expire_all()` after each batch, or the identity map
# grows. With a map that is weak, it does not:

# %% tags=["trap"]
trap("expire-all-is-not-needed")

# %% [markdown]
# Called at the wrong moment it does harm. It makes the session distrust all it knows, and that
# includes the posts of the batch that have been fetched and are still to come:

# %%
trap("expiring-in-mid-batch-asks-again")

# %% [markdown]
# But there is a case for it. Where an author has a list of posts and each post knows its author,
# none of them is ever without a reference. They wait for the garbage collector, which comes when it
# comes:

# %%
trap("cycles-wait-for-the-collector")

# %% [markdown]
# One more reason for care, which `lab traps expiring-discards-edits` shows: what was assigned to an
# object and not flushed is gone after `expire_all()`, without a word.
#
# ## Exercise
#
# Next to each post is to stand how many views its author had got together by then. Write
# `running_views`.
#
# It gets a session, and yields for each post, by ascending id, a tuple `(id, author_id, views)`:
# `views` is the sum of `view_count` over the posts of that author up to this one, and with it.
# Posts without an author, whose `author_id` is `None`, are counted together, as if they had the
# same.
#
# There are some 1,000 authors, and there is no bound to the posts. Something for each author may be
# held; something for each post may not.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs; `Post`
# is in `lab.data.models`. It runs at sizes and on posts that you have not seen, and compares three
# things with a solution's: the rows; the memory that each further row costs; and whether 200,000
# rows get through while the kernel allows the process no more than 24 MiB above what it started
# with. Memory and temporary files that the database needs for your session count as well: a sort of
# all posts is one of them.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def running_views(db: Session) -> Iterator[tuple[int, int | None, int]]:
    """Yield number and author of each post, and the author's views up to it."""
    ...


# %% tags=["check"]
exercise.check()

# %% [markdown]
# Stuck? Take the `#` away and run the cell: it says a little more each time. And
# `exercise.solution()` shows one answer of many.

# %% tags=["hint"]
# exercise.hint()

# %% [markdown]
# ## Quiz
#
# The answers are in what you measured, not in what you have read.

# %% tags=["quiz"]
quiz(a=..., b=...)

# %% [markdown]
# ## When not to stream
#
# When you are there to change the posts. A stream and edits go badly together: each edited post
# stays until it is flushed, and a `commit` in mid-stream closes the cursor. Take pages by key, and
# flush each page; or let one `UPDATE` do it, and load no post at all. And where a request touches
# twenty objects, the identity map is a gift: load them, keep them, and let the session see to it
# that there are no two of each.
#
# [Next: streaming a CSV](03-streaming-a-csv.ipynb)
