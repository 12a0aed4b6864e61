# %% [markdown]
# # 03 Streaming a CSV
#
# Half a million rows are to leave the server as one CSV. How much memory does that take, and what
# would have to change for the answer to be "as much as for a thousand"?
#
# *About 25 minutes, of which the machine works for one. Run the cells from top to bottom. If the
# next cell says that there is no module named `lab`, this kernel is not the course's: start with
# `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("03")

# %% [markdown]
# ## Predict
#
# Two functions write the same CSV. `naive` loads every post with its author by `.all()`, writes all
# of them into one string, and yields that. `streaming` selects five columns, fetches 250 rows at a
# time, and yields whenever 64 KiB have come together. A line of the CSV has some 75 bytes.
#
# What is the most memory that each holds at one moment: with 2,000 rows, and with 16,000? Replace
# the dots by amounts, such as `"3 MB"`. Your guess will be a thin line in the picture; a wrong one
# teaches more than none.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

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
# A row of the naive export exists three times over at the peak: as the bytes that the driver
# received, as objects (a post, an author, and what the session keeps to know them again), and as a
# line in the string. The CSV is the smallest of the three. That is why "the file has only 40 MB" says
# little about the memory that it takes to make it.
#
# The streaming export has one batch of rows and one chunk of text, and both are used again. What is
# behind is gone, what is ahead is still in the database. Nothing that it holds knows how many rows
# there are, and so its line is level. Here is the heart of it:

# %%
import inspect

from lab.patterns.csv_export import joined_chunks

print(inspect.getsource(joined_chunks))

# %% [markdown]
# `yield_per` is what makes psycopg2 use a server-side cursor; without it the driver takes in the
# whole result before the first row is seen, and the generator only looks like one that streams.
#
# The same on a real server. A uvicorn process answers a request, first with the naive variant and
# then with the streaming one, while a client reads; this is its resident memory over time. Look at
# two things: when the memory is taken, compared with the first byte, and how much of it comes back.

# %% tags=["live"]
live()

# %% [markdown]
# ### Two traps
#
# An export that streams can still be the slowest query of the day. Where a generator touches
# `post.author.name`, the author is not there yet, and asks for itself:

# %% tags=["trap"]
trap("lazy-authors-ask-again")

# %% [markdown]
# And a `yield` for each row looks like the purest form of streaming. Over HTTP each chunk is a trip
# to a worker thread and back, and a write to the socket:

# %%
trap("a-yield-per-row-is-a-trip-per-row")

# %% [markdown]
# ## Exercise
#
# An endpoint exports 500,000 posts. It calls `.all()`, builds a list, and hands that to a streaming
# response; the server runs out of memory. Write `export` so that it lives.
#
# It gets a session and yields text: a line `id,title,author,views,created_at`, then a line for each
# post by ascending id, as `csv.writer` writes it with `lineterminator="\n"`. An author who is missing
# is an empty field, and `created_at` is written by `isoformat()`.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. It runs
# at sizes and on posts that you have not seen, and compares three things with a solution's: the
# text, byte for byte; the memory that each further row costs; and whether 500,000 rows get through
# while the kernel allows the process no more than 64 MiB above what it started with.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def export(db: Session) -> Iterator[str]:
    """Yield the posts as CSV."""
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
# A hundred rows. A list of objects is there in one statement, can be checked before the status is
# sent, can be counted for a `Content-Length`, and costs a fraction of a megabyte; your own curve says
# what. Streaming moves every failure behind the status line, keeps a transaction and a connection
# for as long as the slowest reader reads, and cannot be retried half-way. It is the answer to a
# size that has no bound that you chose yourself; a page of fifty posts has one.
#
# [Next: files, ZIP and PDF](04-files-zip-and-pdf.ipynb)
