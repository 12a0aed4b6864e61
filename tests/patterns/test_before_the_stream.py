"""A request without posts is refused by the status, and not in the middle of a body."""

from datetime import UTC, datetime

import pytest

from lab.data.inputs import posts
from lab.patterns.before_the_stream import PATTERN, NoPostsError

NEVER = datetime(2100, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("whole_table")


@pytest.mark.parametrize(
    "variant", [v for v in PATTERN.variants if v.role != "trap"], ids=lambda v: v.name
)
def test_where_there_is_nothing_to_send_the_status_says_so(variant):
    with posts(rows=100) as db:
        assert list(variant.run(db, NEVER)) == [404]


@pytest.mark.parametrize(
    "variant", [v for v in PATTERN.variants if v.role == "trap"], ids=lambda v: v.name
)
def test_a_check_in_the_stream_has_said_200_by_then(variant):
    with posts(rows=100) as db:
        parts = variant.run(db, NEVER)
        assert next(parts) == 200
        with pytest.raises(NoPostsError):
            list(parts)


def test_the_first_row_is_sent_once():
    with posts(rows=100) as db:
        status, *lines = PATTERN["first_row_decides"].run(db)
    assert status == 200
    assert [int(line.split("\t")[0]) for line in lines] == list(range(1, 101))
