# %% [markdown]
# # 07 Streams among real clients
#
# A generator that is flat in a test has one well-behaved consumer. On a server some clients may not
# have what they ask for, some ask for nothing that is there, and some leave in the middle. What has
# to be settled before the first byte, and who gives back what a client left behind?
#
# *About 30 minutes, of which the machine works for one. Run the cells from top to bottom. If the
# next cell says that there is no module named `lab`, this kernel is not the course's: start with
# `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("07")

# %% [markdown]
# ## Predict
#
# An endpoint sends the titles of posts since some time, and answers 404 where there are none. The
# status comes before the body, so it has to know by then. `naive` loads all posts and looks whether
# there are any. `streaming` fetches the first row, decides, and goes on from there.
#
# Here 8,000 posts are asked for by several clients at once, from a real uvicorn, and they read in
# step: nobody takes the next block before all have the last one. What is the most memory that the
# server holds at one moment, over what it has when it is warm: for 2 clients, and for 8? Replace the
# dots by amounts, such as `"30 MB"`.

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
# Both lines rise with the clients, since every client has a request of its own. What differs is what
# a request holds while its client reads: all posts, or a batch of them. To know that there is
# something to send takes one row, and here is how it is done:

# %%
import inspect

from lab.patterns.before_the_stream import first_row_decides

print(inspect.getsource(first_row_decides))

# %% [markdown]
# ### Before the first byte
#
# Starlette's `StreamingResponse` sends the status, and then asks the generator for its first chunk.
# A check inside the generator is too late: the client has read 200 by then.

# %% tags=["trap"]
trap("authorised-too-late")

# %% [markdown]
# ### In the middle
#
# After the first chunk no status can say that something went wrong. What is left is to end the
# connection before the body ends, which an HTTP/1.1 client notices. Not every stack does that:

# %%
trap("middleware-hides-the-broken-end")

# %% [markdown]
# ### When a client goes
#
# The generator is suspended at a `yield`, with a session open. It would seem that its `finally`, or
# the end of its `with`, gives that back. But nobody asks the generator for another chunk, and nobody
# closes it:

# %%
trap("abandoned-generators-keep-connections")

# %% [markdown]
# `OwningResponse`, in [lab/streams.py](../lab/streams.py), is a response that owns its generator. It
# makes the first chunk before it sends the status, so that an `HTTPException` up to there is still
# an answer; it breaks the connection off when the generator fails later; and when the client has
# gone it closes the generator, at once. So the session is to be opened *inside* the generator, in a
# `with`: its life is then that of the stream. [What happens to a stream](../docs/streams.md) has the
# details.
#
# A client that stays and reads slowly is another matter. The server does not run ahead of it, so it
# fills no memory; but it keeps its connection to the database for as long as it likes.
#
# ## Exercise
#
# Write `export`, which answers a request; a FastAPI application would call it from an endpoint. It
# gets SQLAlchemy's engine, the id after which posts are wanted, and whether the client may have
# them, and it returns a response:
#
# - a client who may not have them is told 403;
# - if there is no post after `since`, the answer is 404;
# - otherwise the body is a line for each post by ascending id: its id, title and views, with tabs
#   between them, and `\n` at its end.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. There it
# is served by uvicorn, and a client in another process does four things: it asks without the right,
# it asks for what is not there, it asks and hangs up with the first of what comes, and it reads to
# the end. The engine's pool has two connections. After two hang-ups neither may be out, a moment
# later, even if the garbage collector does not come by.
#
# It all happens at sizes and on posts that you have not seen, and is compared with what a solution's
# clients see. Memory may not grow with the rows, and 170,000 of them have to get through while the
# kernel allows the server no more than 32 MiB above what it started with.

# %% tags=["exercise"]
from fastapi.responses import Response
from sqlalchemy import Engine


def export(engine: Engine, since: int, may_export: bool) -> Response:
    """Send the posts after an id."""
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
# Where an answer must be right as a whole or not be sent at all: an invoice, a page that is cached by
# others, anything whose reader may be an HTTP/1.0 client, for whom a broken body is a complete one.
# Where the answer is small: it can be made before the status, every failure is then an ordinary
# error, the connection to the database is back in the pool before the first byte leaves, and a slow
# client holds nothing but its bytes.
#
# [Next: under load](08-under-load.ipynb)
