# %% [markdown]
# # 08 Under load
#
# Concurrency brings servers down: not one large answer, but many at once. How much memory does one
# more client cost, and how many clients fit into the memory that you have?
#
# *About 30 minutes; one minute of it is computing time. Run the cells from top to bottom. If the
# next cell reports that there is no module named `lab`, the notebook runs on another kernel: start
# JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("08")

# %% [markdown]
# ## Predict
#
# This is the CSV export of notebook 03, with 8,000 rows, on a real uvicorn. Several clients ask
# for it at once and read in step: no client reads the next block before all have read the last
# one. `naive` builds the CSV from a list, `streaming` from batches of 100 rows and chunks of 64
# KiB.
#
# What is the server's peak above its warm state, that is, the most additional memory that it uses
# at one moment: for 2 clients, and for 8? Replace the dots with amounts such as `"30 MB"`.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a fresh server process, with every allocation counted; the clients run in another
# process. Both axes are logarithmic.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# The streaming export is flat in rows, but not in clients: every client has its own batch, chunk,
# cursor and request. "O(batch)" is the cost of *one* client. You choose the batch, so you choose
# the cost of a client; you do not choose the number of clients.
#
# Now the same with load, on a server with a memory cap: the kernel limits it to 64 MiB above its
# warm state. `lab load` runs 1, 4 and 8 users at once, each time on a fresh server, until an
# answer arrives incomplete. (It uses Locust, which runs in its own process: if a notebook's kernel
# imported Locust, it would replace the kernel's sockets.)

# %%
from lab.course.cells.terminal import Terminal

terminal = Terminal()
terminal(
    "lab load --variant naive,streaming --rows 8000 --users 1,4,8 --cap 64MiB --timeout 20 --out ."
)

# %% [markdown]
# The steps of the streaming export are enough for a formula: *memory = base + clients x bytes per
# client*, where the base is the warm server before any client. `fit` calculates the bytes per
# client from the peaks at two or more numbers of clients. Unlike the heap above, this is resident
# memory, which a container's limit counts.

# %%
import json

from lab.load.memory_formula import fit
from lab.units import show_bytes

steps = json.loads((terminal.folder / "load.json").read_text())["steps"]
streaming = [step for step in steps if step["role"] == "streaming"]
peaks = {step["users"]: step["peak"] for step in streaming}
sizing = fit(streaming[0]["base"], peaks)
print(f"{show_bytes(sizing.base)} and {show_bytes(sizing.per_client)} for each client:")
print(f"100 clients at once need a limit of {show_bytes(sizing.limit(100))},")
print(f"and 512 MiB is enough for {sizing.clients(512 * 1024**2)} clients. Both are extrapolated.")

# %% [markdown]
# Treat such figures with care: they extrapolate to many times the clients that were measured, and
# a few megabytes of resident memory are close to what the allocator rounds off. [What to set in
# production](../docs/production.md) has the same formula from longer runs, and shows how large its
# error is.
#
# ### Two traps
#
# Memory is seldom the first resource to run out. A streaming export keeps a database connection
# for as long as its client reads, and a pool has few connections. Here are fifty clients and a
# pool of five:

# %% tags=["trap"]
trap("everybody-gets-200-and-most-die")

# %% [markdown]
# And slow clients are often blamed for memory that they do not use: a client that reads slowly, or
# not at all, does not fill the server's memory with data that it has not read. When the socket
# accepts no more, the generator is not asked for the next chunk.

# %%
trap("slow-readers-do-not-fill-memory")

# %% [markdown]
# ## Exercise
#
# Flat is not small. Write an `export` of posts *with their bodies* that can serve many clients at
# once. It gets a session, and the first and the last id that its client asks for. It yields text:
# a line `id,title,body`, then a line for each of these posts by ascending id, as `csv.writer`
# writes it with `lineterminator="\n"`. A row has more than half a kilobyte.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check calls `export` for each of several clients, which ask for different posts, and
# then reads in step: a chunk of the first client, one of the second, and so on. (The sessions
# share a connection, so that only the memory of `export` is counted.) The check compares three
# things with a reference solution: the texts, byte for byte; the memory that each additional
# *client* costs, which may be 400 kB; and whether 40 clients can be served while the kernel limits
# the process to 20 MiB above its starting memory.

# %% tags=["exercise"]
from collections.abc import Iterator

from sqlalchemy.orm import Session


def export(db: Session, first: int, last: int) -> Iterator[str]:
    """Yield the posts from the first to the last id as CSV, both included."""
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
# When there are many clients and each answer is small, a list is finished sooner than a stream:
# the connection is back in the pool before the first byte leaves, and the next client can use it.
# When many clients ask for the same data, make it once, as a file, and send that: a file needs
# neither a batch nor a connection for each of them. And in any case, accept no more clients than
# you have measured: an early 503 with `Retry-After` is a better answer than an incomplete body.
#
# [Next: budgets in CI](09-budgets-in-ci.ipynb)
