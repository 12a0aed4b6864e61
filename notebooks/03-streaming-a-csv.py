# %% [markdown]
# # 03 Streaming a CSV
#
# A server has to send half a million rows as one CSV. How much memory does that take, and what
# must change so that it takes no more than for a thousand rows?
#
# *About 25 minutes; one minute of it is computing time. Run the cells from top to bottom. If the
# next cell reports that there is no module named `lab`, the notebook runs on another kernel: start
# JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("03")

# %% [markdown]
# ## Predict
#
# Two functions write the same CSV. `naive` loads every post with its author by `.all()`, writes
# all of them into one string, and yields the string. `streaming` selects five columns, fetches 250
# rows at a time, and yields whenever it has 64 KiB of text. A line of the CSV has about 75 bytes.
#
# What is the peak of each, that is, the most memory that it uses at one moment: with 2,000 rows,
# and with 16,000 rows? Replace the dots with amounts such as `"3 MB"`. The picture will show your
# guess as a thin line. A wrong guess teaches more than no guess.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

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
# At the peak, a row of the naive export exists three times: as the bytes that the driver received,
# as objects (a post, an author, and the session's records about them), and as a line in the
# string. The CSV is the smallest of the three. So the fact that "the file has only 40 MB" says
# little about the memory that is needed to make it.
#
# The streaming export has one batch of rows and one chunk of text, and uses both again and again.
# Rows that were sent are gone, and rows to come are still in the database. Nothing that it keeps
# depends on the number of rows, so its line is level. This is its main part:

# %%
import inspect

from lab.patterns.csv_export import joined_chunks

print(inspect.getsource(joined_chunks))

# %% [markdown]
# `yield_per` makes psycopg2 use a server-side cursor. Without it the driver receives the whole
# result before your code sees the first row, and the generator only looks as if it streamed.
#
# Now the same on a real server. A uvicorn process answers a request, first with the naive variant
# and then with the streaming one, while a client reads; the picture shows the server's resident
# set over time. Look at two things: when the memory is allocated, compared with the first byte of
# the answer, and how much of it is returned to the kernel.

# %% tags=["live"]
live()

# %% [markdown]
# ### Two traps
#
# An export that streams can still be the slowest query of the day. If a generator uses
# `post.author.name` and the author is not loaded, the session sends another query for it:

# %% tags=["trap"]
trap("lazy-authors-ask-again")

# %% [markdown]
# A `yield` for each row looks like the purest form of streaming. But over HTTP each chunk needs a
# switch to a worker thread and back, and a write to the socket:

# %%
trap("a-yield-per-row-is-a-trip-per-row")

# %% [markdown]
# ## Exercise
#
# An endpoint exports 500,000 posts. It calls `.all()`, builds a list, and passes the list to a
# streaming response; the server runs out of memory. Write an `export` that does not.
#
# It gets a session and yields text: a line `id,title,author,views,created_at`, then a line for
# each post by ascending id, as `csv.writer` writes it with `lineterminator="\n"`. The field of a
# missing author is empty, and `created_at` is written by `isoformat()`.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check uses sizes and posts that you have not seen, and compares three things with a
# reference solution: the text, byte for byte; the memory that each additional row costs; and
# whether 500,000 rows can be processed while the kernel limits the process to 64 MiB above its
# starting memory.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def export(db: Session) -> Iterator[str]:
    """Yield the posts as CSV."""
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
# When there are a hundred rows. A list of objects needs one statement, can be checked before the
# status is sent, can be counted for a `Content-Length`, and costs a fraction of a megabyte; your
# own curve shows how much. With streaming every failure happens after the status line, a
# transaction and a connection stay open for as long as the slowest client reads, and a retry
# cannot start in the middle. Stream where you cannot choose a limit for the size; a page of fifty
# posts has such a limit.
#
# [Next: files, ZIP and PDF](04-files-zip-and-pdf.ipynb)
