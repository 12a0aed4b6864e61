# %% [markdown]
# # 09 Budgets in CI
#
# You have measured that a function is flat today. In a year ten other people will have changed it,
# for good reasons, and nobody will have measured it again. Which check fails on the day when its
# memory begins to grow, and what does that check report to the author of the change?
#
# *About 25 minutes; one minute of it is computing time. Run the cells from top to bottom. If the
# next cell reports that there is no module named `lab`, the notebook runs on another kernel: start
# JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("09")

# %% [markdown]
# ## Predict
#
# A feed sends events, one row of JSON for each. Some events are reported twice, the second report
# right after the first, and the feed sends each of them once. Below you see the feed before and
# after a commit with the message "easier to read than `groupby`". Both versions send the same
# lines.

# %%
import inspect

from lab.course.examples import regression

print(inspect.getsource(regression.before))
print(inspect.getsource(regression.after))

# %% [markdown]
# What is the peak of each, that is, the most memory that it uses at one moment: with 8,000 rows,
# and with 64,000 rows? Replace the dots with amounts such as `"30 kB"`.

# %% tags=["predict"]
predict(after=(..., ...), before=(..., ...))

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
# Nothing in the commit looks like a leak. The function still yields one line at a time, its tests
# still pass, and a reviewer would have approved it. But the set keeps every number that was ever
# sent, although one number would be enough: a second report comes right after the first. `groupby`
# relied on that order without saying so.
#
# The tests passed because they send few events. A small test cannot show a mistake that depends on
# size:

# %% tags=["trap"]
trap("one-row-hides-the-mistake")

# %% [markdown]
# A test with a hundred events and a memory ceiling does not help much either. Run the function at
# several sizes instead, each twice the one before, and compare the peaks. This checks a *claim*
# about growth, and `O(1)` claims that there is no growth. A claim is written into a budget file,
# which is committed with the code.

# %%
from lab.course.cells.terminal import Terminal

terminal = Terminal()
terminal.write(
    "memory-budgets.toml",
    """
[budget.before]
target = "lab.course.examples.regression:before"
axis = "rows"
claim = "O(1)"

[budget.after]
target = "lab.course.examples.regression:after"
axis = "rows"
claim = "O(1)"

[budget.mended]
target = "lab.course.examples.regression:mended"
axis = "rows"
claim = "O(1)"
""",
)

# %% [markdown]
# In CI you only need to run `lab check`; here the command line also names the budgets to check. It
# measures each target at five sizes. Its exit code makes the build fail.

# %%
terminal("lab check before after")

# %% [markdown]
# Read the end of the output again: it names the line that the commit added. The check compares the
# allocations that exist at the peak, at the smallest size and at the largest, grouped by the line
# that made them. (The other line is where the numbers in the set come from.)
#
# The corrected version keeps one number, and is just as easy to read:

# %%
print(inspect.getsource(regression.mended))
terminal("lab check mended")

# %% [markdown]
# ### In a test
#
# You can attach the same claim to a test, with the pytest plugin that is installed with the lab:
# `memory_growth` runs the test body at every size, each in its own process, and `memory_budget`
# limits its peak to a ceiling.

# %%
terminal.write(
    "test_feed.py",
    """
import pytest

from lab.course.examples.regression import after, mended


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
# Both tests pass, and the second one should worry you. A ceiling needs some margin, or it fails
# without a reason, and a small leak fits into that margin. A *baseline* solves this: the figures
# of the last good run, committed with the code. First the baseline is written, while `feed.py`
# contains the feed from before the commit:

# %%
terminal.write("feed.py", "from lab.course.examples.regression import before as feed")
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
# Then the commit arrives. Its peak is far below the ceiling, and far above the last good run:

# %%
terminal.write("feed.py", "from lab.course.examples.regression import after as feed")
terminal("lab check --file ceiling.toml")

# %% [markdown]
# [Memory budgets in CI](../docs/ci.md) explains the rest: endpoints of a server, what a baseline
# belongs to, and complete files for GitHub Actions and GitLab CI.
#
# ## Exercise
#
# The CI build has failed, and you have to correct the function. `feed` gets a session and yields
# lines of JSON, each written by `json.dumps(..., ensure_ascii=False)`:
#
# - for each post, by ascending id, `{"id": ..., "title": ..., "views": ..., "at": ...}`, where
#   `"at"` is `created_at.isoformat()`;
# - before the first post, and wherever the day of `created_at` differs from the day of the
#   previous post, `{"day": "2024-01-31"}`;
# - as the last line the totals, `{"posts": ..., "views": ...}`.
#
# The cell below does all that, and its answer is correct. Its first version streamed; then
# somebody added the last line. Run the check on the cell without changes, and read the result;
# then correct the cell.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check uses sizes and posts that you have not seen, and compares three things with a
# reference solution: the text, byte for byte; the memory that each additional row costs; and
# whether 220,000 rows can be processed while the kernel limits the process to 20 MiB above its
# starting memory.

# %% tags=["exercise"]
import json
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post


def feed(db: Session) -> Iterator[str]:
    """Yield the posts as lines of JSON, with a line for each day and the totals at the end."""
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


def as_line(record: dict) -> str:
    """Return a record as a line of JSON."""
    return json.dumps(record, ensure_ascii=False) + "\n"


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
# ## When not to stream, and when not to use a budget
#
# If you have limited the input of a function yourself, such as a page of fifty posts, it needs no
# claim about growth: nothing can grow, and a list is simpler. A script that runs once needs no
# claim either. And a claim covers only the sizes that are measured: it says nothing about a cache
# that fills over weeks, which needs a long [load test](../docs/load.md), and nothing about time.
#
# Begin with one budget, for the export that caused your last problem, and with the claim alone.
# Add a ceiling where a container has a limit, and a baseline where the code should not change.
#
# That was the last notebook. [Back to the first](00-the-lens.ipynb)
