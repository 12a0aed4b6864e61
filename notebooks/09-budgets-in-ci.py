# %% [markdown]
# # 09 Budgets in CI
#
# A function is flat today, and you have measured it. In a year ten others will have changed it, for
# good reasons, and nobody will have looked. What turns red on the day it begins to grow, and what
# does it tell whoever made it so?
#
# *About 25 minutes, of which the machine works for one. Run the cells from top to bottom. If the
# next cell says that there is no module named `lab`, this kernel is not the course's: start with
# `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("09")

# %% [markdown]
# ## Predict
#
# A feed sends events, a row of JSON for each. Some events are reported twice, the second report
# right after the first, and the feed sends each of them once. Here it is before a commit that said
# "easier to read than `groupby`", and after it. Both send the same lines.

# %%
import inspect

from lab.course import regression

print(inspect.getsource(regression.before))
print(inspect.getsource(regression.after))

# %% [markdown]
# What is the most memory that each holds at one moment: with 8,000 rows, and with 64,000? Replace
# the dots by amounts, such as `"30 kB"`.

# %% tags=["predict"]
predict(after=(..., ...), before=(..., ...))

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
# Nothing about the commit looks like a leak. The function still yields a line at a time, its tests
# still pass, and a review would have liked it. But the set remembers every number that was ever
# sent, where one number would do: a second report comes right after the first. `groupby` had used
# that without saying so.
#
# The tests passed because they send few events. A mistake about size is not there in a small one:

# %% tags=["trap"]
trap("one-row-hides-the-mistake")

# %% [markdown]
# A test with a hundred events and a ceiling of memory does not help much either. What helps is to
# run the function at several sizes, each twice the one before, and to compare: that is a *claim*
# about growth, and `O(1)` says that there is none. A claim is written into a file of budgets, which
# is committed beside the code.

# %%
from lab.course.terminal import Terminal

terminal = Terminal()
terminal.write(
    "memory-budgets.toml",
    """
[budget.before]
target = "lab.course.regression:before"
axis = "rows"
claim = "O(1)"

[budget.after]
target = "lab.course.regression:after"
axis = "rows"
claim = "O(1)"

[budget.mended]
target = "lab.course.regression:mended"
axis = "rows"
claim = "O(1)"
""",
)

# %% [markdown]
# In CI, `lab check` is all there is to run; here it is told which budgets to check. It measures each
# target at five sizes. The exit code is what makes a build red.

# %%
terminal("lab check before after")

# %% [markdown]
# Read the end of it again: it is the line that the commit added. What is compared are the
# allocations that are alive at the peak, at the smallest size and at the largest, by the line that
# made them. (The other line is where the numbers that the set keeps had come from.)
#
# The mend keeps one number, and is as easy to read:

# %%
print(inspect.getsource(regression.mended))
terminal("lab check mended")

# %% [markdown]
# ### In a test
#
# The same claim can stand on a test, for the pytest plugin that is installed with the lab:
# `memory_growth` runs the body at every size, in processes of their own, and `memory_budget` holds
# its peak to a ceiling.

# %%
terminal.write(
    "test_feed.py",
    """
import pytest

from lab.course.regression import after, mended


@pytest.mark.memory_growth("O(1)", over="events", sizes="8000..128000")
@pytest.mark.memory_budget(peak="1 MB")
def test_the_feed_is_flat(events):
    for _ in mended(events):
        pass


@pytest.mark.memory_budget(peak="12 MB")
def test_a_ceiling_leaves_room():
    for _ in after(64_000):
        pass
""",
)
terminal("pytest -q -rP -o asyncio_default_fixture_loop_scope=function test_feed.py")

# %% [markdown]
# Both pass, and the second one should worry you. A ceiling has to leave some room, or it turns red
# for nothing, and a small leak fits into that room. That is what a *baseline* is for: the figures of
# the last good run, committed with the code. First they are written, while `feed.py` has the feed as
# it was before the commit:

# %%
terminal.write("feed.py", "from lab.course.regression import before as feed")
terminal.write(
    "ceiling.toml",
    """
baseline = "memory-baseline.json"

[budget.feed]
target = "feed:feed"
axis = "rows"
sizes = 64000
peak = "12 MB"
""",
)
terminal("lab check --file ceiling.toml --update")

# %% [markdown]
# Then the commit comes. Its peak is far below the ceiling, and far above the last good run:

# %%
terminal.write("feed.py", "from lab.course.regression import after as feed")
terminal("lab check --file ceiling.toml")

# %% [markdown]
# [Memory budgets in CI](../docs/ci.md) has the rest: endpoints of a server, what a baseline belongs
# to, and whole files for GitHub Actions and GitLab CI.
#
# ## Exercise
#
# CI has turned red, and you are to mend what it found. `feed` gets a session and yields lines of
# JSON, each written by `json.dumps(..., ensure_ascii=False)`:
#
# - for each post, by ascending id, `{"id": ..., "title": ..., "views": ..., "at": ...}`, the
#   last being `created_at.isoformat()`;
# - before the first post, and wherever the day of `created_at` is another than that of the post
#   before, `{"day": "2024-01-31"}`;
# - as the last line the totals, `{"posts": ..., "views": ...}`.
#
# The cell below does all that, and its answer is right. Its first version streamed; then somebody
# added the last line. Check it as it stands, and read what the check says; then mend it.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. It runs
# at sizes and on posts that you have not seen, and compares three things with a solution's: the
# text, byte for byte; the memory that each further row costs; and whether 220,000 rows get through
# while the kernel allows the process no more than 20 MiB above what it started with.

# %% tags=["exercise"]
import json
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post


def feed(db: Session) -> Iterator[str]:
    """Yield the posts as lines of JSON, with the days before them and the totals behind."""
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    day = None
    sent = []
    for post in db.execute(query, execution_options={"yield_per": 250}):
        if post.created_at.date() != day:
            day = post.created_at.date()
            yield as_line({"day": day.isoformat()})
        line = {"id": post.id, "title": post.title, "views": post.view_count}
        line["at"] = post.created_at.isoformat()
        yield as_line(line)
        sent.append(line)
    yield as_line({"posts": len(sent), "views": sum(line["views"] for line in sent)})


def as_line(of: dict) -> str:
    """Return an object as a line of JSON."""
    return json.dumps(of, ensure_ascii=False) + "\n"


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
# ## When not to stream, and when not to hold a budget
#
# A function whose input has a bound that you chose yourself, such as a page of fifty posts, needs no
# claim about growth: there is nothing to grow with, and a list is simpler. Neither does a script
# that is run once. And a claim is only about what its sizes reach: it says nothing about a cache
# that fills over weeks, which is a matter for a long [load](../docs/load.md), nor about time.
#
# Begin with one budget, for the export that hurt you last, and with the claim alone. Add a ceiling
# where a container has one, and a baseline where the code is meant to stay as it is.
#
# That was the last notebook. [Back to the first](00-the-lens.ipynb)
