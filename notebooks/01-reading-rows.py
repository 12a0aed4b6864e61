# %% [markdown]
# # 01 Reading rows
#
# A query finds more rows than you would like to hold. When do they come: all before the first is
# seen, or a batch at a time? And how can you tell from the code?
#
# *About 25 minutes, of which the machine works for less than one. Run the cells from top to bottom.
# If the next cell says that there is no module named `lab`, this kernel is not the course's: start
# with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("01")

# %% [markdown]
# ## Predict
#
# Three functions give out posts, one after the other, to somebody who looks at each and lets it go.

# %%
import inspect

from lab.patterns import rows

for function in (rows.load_all, rows.iterate_query, rows.yield_per):
    print(inspect.getsource(function))

# %% [markdown]
# `naive` is the first, `iterated` the second, and `streaming` the third. A post has a title of some
# 40 characters, a body of 500, three tags, and some numbers.
#
# What is the most memory that each holds at one moment: with 2,000 rows, and with 8,000? Replace
# the dots by amounts, such as `"3 MB"`. Your guess will be a thin line in the picture; a wrong one
# teaches more than none.

# %% tags=["predict"]
predict(naive=(..., ...), iterated=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, in which every allocation is counted, those of the
# database driver too. Both axes are logarithmic: a line that rises with the rows costs something
# for each row, and a level one does not.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# `naive` and `iterated` lie on top of each other. The loop of `iterated` does take one post at a
# time, and what it takes is long there. Two layers below it have each read to the end before they
# gave out the first row:
#
# - **The driver.** A psycopg2 cursor without a name is a client-side cursor: `execute` returns when
#   the whole result has arrived. Whether you then fetch one row or all makes no difference to what
#   is held.
# - **The ORM.** Unless it is told otherwise, it makes objects of all the rows that the driver has.
#
# `yield_per` changes both. It asks for a **server-side cursor**, so that the result stays with the
# database, and it fetches and makes objects a batch at a time. What it holds depends on the batch:
# the rows of one as they came, their objects, and those of the batch before that are about to go.
#
# This also says why the streaming line is not the lowest everywhere. A batch of 1,000 has its price
# even where there are few rows to read.
#
# Objects are the dearest way to look at a row. Who needs three columns selects three columns: there
# is no object, nothing for the session to know, and the body of the post never leaves the server.

# %%
print(inspect.getsource(rows.columns_in_partitions))

# %% [markdown]
# ### Three traps
#
# Pages by `OFFSET` and `LIMIT` hold no more than a page, and need no cursor. But a page is counted
# from the start of a table in which others are writing:

# %% tags=["trap"]
trap("offset-pages-under-writes")

# %% [markdown]
# And the database has to find the rows that it skips, for each page anew:

# %%
trap("offset-pages-read-again")

# %% [markdown]
# A page that begins after the last key seen has neither fault; in the lab it is called
# `keyset_pages`. The third trap is a word that gets lost. `partitions()` gives out rows in batches,
# and with a `select` it takes their size from `yield_per`; not so with a statement in text:

# %%
trap("text-gives-one-partition")

# %% [markdown]
# ## Exercise
#
# Under each post of a blog stands a link to the one that was published next, with its title. Write
# `published`, which gives out what it takes to make these pages.
#
# It gets a session, and yields for each published post, by ascending id, a tuple `(id, title,
# view_count, next title)`. The next title is that of the published post with the next higher id,
# and `None` after the last. Posts that are not published do not appear, neither by themselves nor
# as what comes next.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs; `Post`
# is in `lab.data.models`. It runs at sizes and on posts that you have not seen, and compares three
# things with a solution's: the rows; the memory that each further row costs; and whether 150,000
# rows get through while the kernel allows the process no more than 16 MiB above what it started
# with. Memory that the database holds for your session counts as well.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def published(db: Session) -> Iterator[tuple[int, str, int, str | None]]:
    """Yield number, title and views of the published posts, and the title of the next one."""
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
# When the rows have a bound that you know: a page of fifty, the settings of a user, the countries
# of the world. Below some number of rows, which your own table shows, `.all()` is not only simpler
# but smaller than a stream with a large batch. It also frees the connection at once, where a
# server-side cursor keeps a transaction open from its first row to its last.
#
# [Next: the identity map](02-the-identity-map.ipynb)
