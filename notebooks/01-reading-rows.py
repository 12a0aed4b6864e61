# %% [markdown]
# # 01 Reading rows
#
# A query returns more rows than you want in memory. When do the rows arrive: all before your code
# sees the first one, or one batch at a time? And how can you tell from the code?
#
# *About 25 minutes; less than one minute of it is computing time. Run the cells from top to
# bottom. If the next cell reports that there is no module named `lab`, the notebook runs on
# another kernel: start JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the
# top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("01")

# %% [markdown]
# ## Predict
#
# Three functions yield posts one by one. The caller looks at each post and then drops it.

# %%
import inspect

from lab.patterns import rows

for function in (rows.load_all, rows.iterate_query, rows.yield_per):
    print(inspect.getsource(function))

# %% [markdown]
# `naive` is the first function, `iterated` the second, and `streaming` the third. A post has a
# title of about 40 characters, a body of 500, three tags, and a few numbers.
#
# What is the peak of each, that is, the most memory that it uses at one moment: with 2,000 rows,
# and with 8,000 rows? Replace the dots with amounts such as `"3 MB"`. The picture will show your
# guess as a thin line. A wrong guess teaches more than no guess.

# %% tags=["predict"]
predict(naive=(..., ...), iterated=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, with every allocation counted, including those of the
# database driver. Both axes are logarithmic: a rising line means a cost for each row, and a level
# line means none.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# The lines of `naive` and `iterated` coincide. The loop of `iterated` does take one post at a
# time, but that post has been in memory for a long time. Two layers below the loop have read the
# whole result before they return the first row:
#
# - **The driver.** A psycopg2 cursor without a name is a client-side cursor: `execute` returns
#   when the whole result has arrived. It makes no difference to the memory whether you then fetch
#   one row or all of them.
# - **The ORM.** By default it makes objects from all rows that the driver has.
#
# `yield_per` changes both. It requests a **server-side cursor**, so that the result stays in the
# database, and it fetches rows and makes objects one batch at a time. Its memory depends on the
# batch: the rows of one batch as the driver received them, their objects, and the objects of the
# previous batch until they are freed.
#
# This also explains why the streaming line is not the lowest at every size. A batch of 1,000 rows
# has a cost even if the query finds few rows.
#
# Objects are the most expensive form of a row. If you need three columns, select three columns: no
# object is made, the session has nothing to track, and the body of the post never leaves the
# server.

# %%
print(inspect.getsource(rows.columns_in_partitions))

# %% [markdown]
# ### Three traps
#
# Pages by `OFFSET` and `LIMIT` need memory for one page only, and no cursor. But each page is
# counted from the start of the table, and other clients write to that table meanwhile:

# %% tags=["trap"]
trap("offset-pages-under-writes")

# %% [markdown]
# The database also has to find the skipped rows again for each page:

# %%
trap("offset-pages-read-again")

# %% [markdown]
# A page that starts after the last key of the previous page has neither fault; the lab calls this
# variant `keyset_pages`. The third trap is an option that is ignored. `partitions()` returns rows
# in batches. For a `select` it takes the batch size from `yield_per`; for a `text()` statement it
# does not:

# %%
trap("text-gives-one-partition")

# %% [markdown]
# ## Exercise
#
# Each post of a blog shows a link to the post that was published next, with its title. Write
# `published`, which yields the data for these pages.
#
# It gets a session, and yields for each published post, by ascending id, a tuple
# `(id, title, view_count, next title)`. The next title is the title of the published post with the
# next higher id, and `None` for the last post. Posts that are not published do not appear, neither
# as a post nor as a next title.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses; `Post` is in `lab.data.models`. The check uses sizes and posts that you have not seen, and
# compares three things with a reference solution: the rows; the memory that each additional row
# costs; and whether 150,000 rows can be processed while the kernel limits the process to 16 MiB
# above its starting memory. Memory that the database uses for your session counts too.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def published(db: Session) -> Iterator[tuple[int, str, int, str | None]]:
    """Yield id, title and views of each published post, and the title of the next one."""
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
# When the number of rows has a limit that you know: a page of fifty posts, the settings of a user,
# the countries of the world. Up to some number of rows, which your own table shows, `.all()` is
# not only simpler but needs less memory than a stream with a large batch. It also frees the
# connection at once, whereas a server-side cursor keeps a transaction open from its first row to
# its last.
#
# [Next: the identity map](02-the-identity-map.ipynb)
