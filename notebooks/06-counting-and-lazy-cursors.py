# %% [markdown]
# # 06 Counting, and lazy cursors
#
# The answer has twenty lines, but the code must look at every row to find them. What must stay in
# memory meanwhile, and for how long is the cursor open that returns the rows?
#
# *About 25 minutes; less than one minute of it is computing time. Run the cells from top to
# bottom. If the next cell reports that there is no module named `lab`, the notebook runs on
# another kernel: start JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the
# top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("06")

# %% [markdown]
# ## Predict
#
# Posts have three tags each. Which twenty tags are the most frequent? `naive` loads every
# published post by `.all()`, and then counts the tags. `streaming` selects only the column of
# tags, fetches 1,000 rows at a time, and counts them as they arrive.
#
# What is the peak of each, that is, the most memory that it uses at one moment: with 2,000 rows,
# and with 16,000 rows? There are 200 different tags. Replace the dots with amounts such as
# `"3 MB"`. The picture will show your guess as a thin line. A wrong guess teaches more than no
# guess.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, with every allocation counted, including those of the
# database driver.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# Both use the same `Counter`, and both give the same answer. The difference is what else is in
# memory beside the Counter: all posts with their bodies, or one batch of lists of three words.

# %%
import inspect

from lab.patterns.tag_counts import stream_column

print(inspect.getsource(stream_column))

# %% [markdown]
# The Counter itself grows as well, not with the rows but with the number of different tags. The
# next cell uses 16,000 rows, with 1,000 and with 8,000 different tags. It also measures a third
# way, in which the database counts and sends twenty rows:

# %%
from lab.course.cells.side_by_side import beside

beside(
    (1_000, 8_000),
    "keys",
    counter="tag_counts/stream_column",
    group_by="tag_counts/group_by",
)

# %% [markdown]
# So "a Counter is cheap" is a statement about your data. Two hundred tags are nothing. But there
# are as many visitors' addresses as visitors, and then the Counter is as large as the list that
# you wanted to avoid.
#
# ### Cursors that stay lazy
#
# A function that provides rows to a `with` block has to close the cursor, however the block ends.
# These three functions do, and look alike:

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
# The second function closes its cursor just as the third does, but nothing is left in that cursor:
# the driver received every row when the statement was sent. Only `yield_per` makes it lazy.
#
# ### Three traps
#
# `@contextmanager` makes a context manager from a generator that yields exactly once. A generator
# of rows yields more than once:

# %% tags=["trap"]
trap("yielding-each-row-breaks-the-block")

# %% [markdown]
# A test with a table that is small enough hides the mistake:

# %%
trap("one-row-hides-the-mistake")

# %% [markdown]
# If you count page by page, without a cursor, you must give the pages an order. Without one the
# result may be twenty other tags, even on a table that nobody writes to:

# %%
trap("unordered-pages-lose-rows")

# %% [markdown]
# ## Exercise
#
# A page of statistics shows the twenty most frequent tags. Its code was written for a thousand
# posts. Write `top_tags` for any number of posts.
#
# It gets a session, and returns a list of twenty tuples `(tag, count)`: the tags of published
# posts, the most frequent first, and tags with equal counts by name, as Python compares strings.
# If there are fewer than twenty tags, the list is shorter. A tag counts once for each time that it
# occurs in a post.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check uses sizes and posts that you have not seen, and compares three things with a
# reference solution: the list; the memory that each additional post costs; and whether 150,000
# posts can be processed while the kernel limits the process to 24 MiB above its starting memory.
# Memory that the database uses for your session counts too.

# %% tags=["exercise"]
from sqlalchemy.orm import Session


def top_tags(db: Session) -> list[tuple[str, int]]:
    """Return the twenty most frequent tags of published posts, with their counts."""
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
# When the database can do it. `GROUP BY` sends twenty rows where a stream sends them all, and the
# level figures above are its whole cost to your process. Stream into a Counter if SQL cannot
# express what you count, such as words that a Python function extracts from a text. And if the
# same statistics are requested again and again, count them once, and keep the twenty lines.
#
# [Next: streams among real clients](07-streams-among-real-clients.ipynb)
