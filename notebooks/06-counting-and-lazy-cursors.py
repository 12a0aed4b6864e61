# %% [markdown]
# # 06 Counting, and lazy cursors
#
# The answer is twenty lines long, and every row has to be looked at for it. What has to be held
# while they go by, and for how long is the cursor open that they come from?
#
# *About 25 minutes, of which the machine works for less than one. Run the cells from top to
# bottom. If the next cell says that there is no module named `lab`, this kernel is not the
# course's: start with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("06")

# %% [markdown]
# ## Predict
#
# Posts have three tags each. Which twenty tags are the most frequent? `naive` loads every
# published post by `.all()`, and then counts the tags. `streaming` selects the column of tags
# alone, fetches 1,000 rows at a time, and counts as they come.
#
# What is the most memory that each holds at one moment: with 2,000 rows, and with 16,000? There
# are 200 different tags. Replace the dots by amounts, such as `"3 MB"`. Your guess will be a thin
# line in the picture; a wrong one teaches more than none.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, in which every allocation is counted, those of the
# database driver too.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# Both use the same `Counter`, and both give the same answer. The difference is what stands beside
# the Counter: all posts with their bodies, or a batch of lists of three words.

# %%
import inspect

from lab.patterns.tag_counts import stream_column

print(inspect.getsource(stream_column))

# %% [markdown]
# The Counter itself grows as well, not with the rows but with what is different in them. Sixteen
# thousand rows, with 1,000 and with 8,000 different tags; beside it a third way, in which the
# database counts and sends twenty rows:

# %%
from lab.course.beside import beside

beside(
    (1_000, 8_000),
    "keys",
    counter="tag_counts/stream_column",
    group_by="tag_counts/group_by",
)

# %% [markdown]
# So "a Counter is cheap" is a statement about your data. Two hundred tags are nothing. The
# addresses of all visitors are as many as the visitors, and then the Counter is the list that you
# wanted to avoid.
#
# ### Cursors that stay lazy
#
# A function that lends rows to a `with` block has to close what they come from, however the block
# is left. These three do, and look alike:

# %%
from lab.patterns import lazy_cursor

for function in (
    lazy_cursor.fetched_list,
    lazy_cursor.client_side_cursor,
    lazy_cursor.server_side_cursor,
):
    print(inspect.getsource(function))

# %%
beside(
    (2_500, 10_000),
    "rows",
    fetched_list="lazy_cursor/fetched_list",
    client_side_cursor="lazy_cursor/client_side_cursor",
    server_side_cursor="lazy_cursor/server_side_cursor",
)

# %% [markdown]
# The second one closes its cursor as well as the third does, but there is nothing left in it: the
# driver took in every row when the statement was sent. Only `yield_per` makes it lazy.
#
# ### Three traps
#
# `@contextmanager` makes a block of a generator that yields once. Rows are more than one:

# %% tags=["trap"]
trap("yielding-each-row-breaks-the-block")

# %% [markdown]
# Except in a test with a table that is small enough:

# %%
trap("one-row-hides-the-mistake")

# %% [markdown]
# And who counts page by page, without a cursor, must say in which order the pages are cut. Without
# one the twenty most frequent tags may be twenty others, on a table that nobody writes to:

# %%
trap("unordered-pages-lose-rows")

# %% [markdown]
# ## Exercise
#
# A page of statistics shows the twenty most frequent tags. It was written when there were a
# thousand posts. Write `top_tags` for any number of them.
#
# It gets a session, and returns a list of twenty tuples `(tag, count)`: of the tags of published
# posts the most frequent first, and those with equal counts by name, as Python compares text.
# Where there are fewer than twenty tags the list is shorter. A post counts once for each time that
# a tag stands in it.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. It runs
# at sizes and on posts that you have not seen, and compares three things with a solution's: the
# list; the memory that each further post costs; and whether 150,000 posts get through while the
# kernel allows the process no more than 24 MiB above what it started with. Memory that the
# database holds for your session counts as well.

# %% tags=["exercise"]
from sqlalchemy.orm import Session


def top_tags(db: Session) -> list[tuple[str, int]]:
    """Return the twenty most frequent tags of published posts, with their counts."""
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
# When the database can do it. `GROUP BY` sends twenty rows where a stream sends them all, and the
# flat line above is its whole cost to your process. Stream into a Counter where SQL cannot say
# what is to be counted, such as words that a Python function makes of a text. And where the same
# statistics are asked for again and again, count them once, and keep the twenty lines.
#
# [Next: streams among real clients](07-streams-among-real-clients.ipynb)
