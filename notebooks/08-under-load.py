# %% [markdown]
# # 08 Under load
#
# Servers die of concurrency: not of one large answer, but of many at once. How much does one more
# client cost, and how many of them fit into the memory that there is?
#
# *About 30 minutes, of which the machine works for one. Run the cells from top to bottom. If the
# next cell says that there is no module named `lab`, this kernel is not the course's: start with
# `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("08")

# %% [markdown]
# ## Predict
#
# The CSV export of notebook 03, with 8,000 rows, on a real uvicorn. Several clients ask for it at
# once and read in step: nobody takes the next block before all have the last one. `naive` builds the
# CSV from a list, `streaming` from batches of 100 rows and chunks of 64 KiB.
#
# What is the most memory that the server holds at one moment, over what it has when it is warm: for
# 2 clients, and for 8? Replace the dots by amounts, such as `"30 MB"`.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a fresh server process, in which every allocation is counted; the clients are in
# another one. Both axes are logarithmic.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# The streaming export is flat in rows, and it is not flat here: every client has a batch, a chunk, a
# cursor and a request of its own. "O(batch)" is what *one* of them costs. The batch is yours to
# choose, so the cost of a client is yours to choose, and the number of clients is not.
#
# Now with load, on a server that is held to a cap: the kernel refuses it more than 64 MiB above what
# it has when it is warm. `lab load` has 1, 4 and 8 users ask at once, each time on a fresh server,
# until an answer does not come whole. (It uses Locust, which runs as a process of its own: imported
# into a notebook's kernel it would replace the kernel's sockets.)

# %%
from lab.course.terminal import Terminal

terminal = Terminal()
terminal(
    "lab load --variant naive,streaming --rows 8000 --users 1,4,8 --cap 64MiB --timeout 20 --out ."
)

# %% [markdown]
# What the steps say of the streaming export is enough for a formula: *memory = base + clients x
# bytes per client*, the base being the warm server before anybody has come. `fit` finds the bytes
# per client from the peaks at two numbers of clients or more. Unlike the heap above, this is
# resident memory, as a container is charged for it.

# %%
import json

from lab.sizing import fit
from lab.units import show_bytes

steps = json.loads((terminal.folder / "load.json").read_text())["steps"]
streaming = [step for step in steps if step["role"] == "streaming"]
peaks = {step["users"]: step["peak"] for step in streaming}
sizing = fit(streaming[0]["base"], peaks)
print(f"{show_bytes(sizing.base)} and {show_bytes(sizing.per_client)} for each client:")
print(f"100 clients at once want a limit of {show_bytes(sizing.limit(100))},")
print(
    f"and under 512 MiB there is room for {sizing.clients(512 * 1024**2)}. Both are extrapolated."
)

# %% [markdown]
# Take such figures for what they are: they speak of many times the clients that were measured, and
# a few megabytes of resident memory are near to what the allocator rounds off. [What to set in production](../docs/production.md) has the same formula from longer
# runs, and shows how far off it is.
#
# ### Two traps
#
# Memory is seldom what runs out first. A streaming export holds a connection to the database for as
# long as its client reads, and a pool has few of them. Fifty clients, a pool of five:

# %% tags=["trap"]
trap("everybody-gets-200-and-most-die")

# %% [markdown]
# And what is often blamed for memory does not take any: a client that reads slowly, or not at all,
# does not make the server fill up with what it has not read. When the socket takes no more, the
# generator is not asked for the next chunk.

# %%
trap("slow-readers-do-not-fill-memory")

# %% [markdown]
# ## Exercise
#
# Flat is not small. Write an `export` of posts *with their bodies* that can serve many clients at
# once: it gets a session and the first and the last id that its client asks for, and yields text: a
# line `id,title,body`, then a line for each of these posts by ascending id, as `csv.writer` writes it
# with `lineterminator="\n"`. A row has more than half a kilobyte.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. It calls
# `export` for each of several clients, who ask for different posts, and then reads in step: a chunk
# of the first client, one of the second, and so on. (The sessions share a connection, so that only
# what `export` holds is counted.) It compares three things with a solution's: the texts, byte for
# byte; the memory that each further *client* costs, which may be 400 kB; and whether 40 clients get
# through while the kernel allows the process no more than 20 MiB above what it started with.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def export(db: Session, first: int, last: int) -> Iterator[str]:
    """Yield the posts from one id to another as CSV, both included."""
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
# When there are many clients and each answer is small, a list is gone sooner than a stream: the
# connection is back in the pool before the first byte leaves, and the next client has it. When many
# ask for the same, make it once, as a file, and send that: a file needs neither a batch nor a
# connection for each of them. And whatever you choose, let no more clients in than you have measured
# for: an early 503 with `Retry-After` is a better answer than a body that breaks off.
#
# [Next: budgets in CI](09-budgets-in-ci.ipynb)
