# %% [markdown]
# # 07 Streams among real clients
#
# A generator that is flat in a test has one well-behaved consumer. On a server some clients have
# no permission, some ask for data that does not exist, and some disconnect in the middle. What
# must be decided before the first byte, and what releases the resources of a client that has
# disconnected?
#
# *About 30 minutes; one minute of it is computing time. Run the cells from top to bottom. If the
# next cell reports that there is no module named `lab`, the notebook runs on another kernel: start
# JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("07")

# %% [markdown]
# ## Predict
#
# An endpoint sends the titles of posts since some time, and answers 404 if there are none. The
# status is sent before the body, so the endpoint must know by then. `naive` loads all posts and
# checks whether there are any. `streaming` fetches the first row, decides, and continues from
# there.
#
# Here several clients at once ask a real uvicorn for 8,000 posts, and they read in step: no client
# reads the next block before all have read the last one. What is the server's peak above its warm
# state, that is, the most additional memory that it uses at one moment: for 2 clients, and for 8?
# Replace the dots with amounts such as `"30 MB"`.

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
# Both lines rise with the clients, since every client has its own request. The difference is what
# a request keeps in memory while its client reads: all posts, or one batch of them. One row is
# enough to know that there is something to send. This is how it is done:

# %%
import inspect

from lab.patterns.before_the_stream import first_row_decides

print(inspect.getsource(first_row_decides))

# %% [markdown]
# ### Before the first byte
#
# Starlette's `StreamingResponse` sends the status, and then asks the generator for its first
# chunk. A check inside the generator is too late: the client has already received the status 200.

# %% tags=["trap"]
trap("authorised-too-late")

# %% [markdown]
# ### In the middle
#
# After the first chunk, no status can report that something failed. The only way left is to close
# the connection before the body is complete; an HTTP/1.1 client notices that. Not every stack does
# it:

# %%
trap("middleware-hides-the-broken-end")

# %% [markdown]
# ### When a client disconnects
#
# The generator is suspended at a `yield`, with a session open. You might expect that its
# `finally`, or the end of its `with`, closes the session. But nothing asks the generator for
# another chunk, and nothing closes the generator:

# %%
trap("abandoned-generators-keep-connections")

# %% [markdown]
# `OwningResponse`, in [lab/streams.py](../lab/streams.py), is a response that owns its generator.
# It makes the first chunk before it sends the status, so an `HTTPException` until then is still a
# normal answer. If the generator fails later, it closes the connection without completing the
# body. When the client disconnects, it closes the generator at once. So open the session *inside*
# the generator, in a `with`: it then lives exactly as long as the stream. [What happens to a
# stream](../docs/streams.md) has the details.
#
# A client that stays connected and reads slowly is a different case. The server does not run ahead
# of it, so the client fills no memory; but it keeps its database connection for as long as it
# reads.
#
# ## Exercise
#
# Write `export`, which answers a request; a FastAPI application would call it from an endpoint. It
# gets SQLAlchemy's engine, the id after which posts are wanted, and whether the client has
# permission, and it returns a response:
#
# - a client without permission gets 403;
# - if there is no post after `since`, the answer is 404;
# - otherwise the body is a line for each post by ascending id: its id, title and views, with tabs
#   between them, and `\n` at its end.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check serves your function with uvicorn, and a client in another process does four
# things: it asks without permission, it asks for posts that do not exist, it asks and disconnects
# after the first bytes, and it reads to the end. The engine's pool has two connections. Shortly
# after two clients have disconnected, both connections must be back in the pool, even if the
# garbage collector does not run.
#
# The check uses sizes and posts that you have not seen, and compares what the client receives with
# what it receives from a reference solution. Memory must not grow with the rows, and 170,000 rows
# must be sent while the kernel limits the server to 32 MiB above its starting memory.

# %% tags=["exercise"]
from fastapi.responses import Response
from sqlalchemy import Engine


def export(engine: Engine, since: int, may_export: bool) -> Response:
    """Send the posts after an id."""
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
# When an answer must be complete or not be sent at all: an invoice, a page that other servers
# cache, or any answer for an HTTP/1.0 client, which takes an incomplete body for a complete one.
# And when the answer is small: it can be made before the status, every failure is then an ordinary
# error, the database connection is back in the pool before the first byte leaves, and a slow
# client keeps nothing in memory but its bytes.
#
# [Next: under load](08-under-load.ipynb)
