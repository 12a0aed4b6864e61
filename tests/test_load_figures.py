"""Requirements and measures of a load: read, judged and worked out without any load."""

import json
from importlib import metadata

import pytest

from lab.client import Received
from lab.errors import LabError
from lab.load.asked import Asked, checked_url, parse_seconds
from lab.load.asking import WrongError, check
from lab.load.job import Job, Plan, lesson_jobs
from lab.load.locusts import require_locust
from lab.load.measures import growth, measures, names
from lab.load.outcome import Entry, Outcome
from lab.load.requirements import Requirement
from lab.load.steps import Served, Step
from lab.report.load import carried, read_steps, steps_json
from lab.report.load_docs import parts
from lab.report.load_plot import fate, pictures

KNOWN = ["failures", "p95", "export, slow p95", "rss", "rss growth", "streaming carried"]


def entry(name, requests=10, failures=0, p95=1.0, role="streaming"):
    return Entry(role, name, requests, failures, 0.5, p95, p95, 1_000)


def outcome(*entries, series=()):
    return Outcome(2.0, entries, {}, tuple(series))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("p95 < 2s", 2),
        ("p95<=250 ms", 0.25),
        ("export, slow p95 > 1.5s", 1.5),
        ("failures = 0", 0),
        ("failures < 1%", 0.01),
        ("rss < 300 MiB", 300 * 2**20),
        ("rss growth < 0.5 %", 0.005),
        ("streaming carried >= 16", 16),
    ],
)
def test_requirements_are_read(text, limit):
    assert Requirement.parse(text, KNOWN).limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p95", "is no requirement"),
        ("p95 ~ 2s", "is no requirement"),
        ("p95 < fast", "is no requirement"),
        ("p96 < 2s", "did you mean p95"),
        ("p95 < 2", "p95 is a time"),
        ("p95 < 2MB", "p95 is a time"),
        ("p95 < 2.2.2s", "p95 is a time"),
        ("rss < 300", "rss is an amount of memory"),
        ("rss < 300 apples", "rss is an amount of memory"),
        ("failures < 3s", "failures is a percentage"),
        ("failures < 5", "failures is a percentage"),
        ("rss growth < 1", "rss growth is a percentage"),
        ("streaming carried >= 20%", "streaming carried is a number"),
    ],
)
def test_requirements_that_make_no_sense_are_explained(text, said):
    with pytest.raises(LabError, match=said):
        Requirement.parse(text, KNOWN)


def test_a_requirement_tells_what_was_found_instead():
    wanted = Requirement.parse("p95 < 250ms", KNOWN)
    assert wanted.judge({"p95": 0.2}) == ""
    assert wanted.judge({"p95": 0.3}) == "p95 < 0.25 s: it was 0.30 s"
    assert wanted.judge({}) == "p95 < 0.25 s: there was none"


def test_percentiles_are_those_of_the_worst_row():
    found = measures(
        outcome(
            entry("export, fast", p95=1.0),
            entry("export, fast", p95=3.0, role="tuned"),
            entry("export, first byte", p95=9.0),
            entry("export, told to come back", p95=20.0),
        )
    )
    assert (found["p95"], found["export, fast p95"], found["streaming export, fast p95"]) == (
        3,
        3,
        1,
    )
    assert found["first byte p95"] == 9
    assert (found["requests"], found["refused"]) == (20, 10)


def test_failures_are_a_part_of_all_requests():
    assert measures(outcome(entry("export, fast", 30, 3), entry("export, slow", 10, 1)))[
        "failures"
    ] == pytest.approx(0.1)


def test_every_measure_can_be_required():
    plan = Plan(lesson_jobs(1, 1, 1, ""), roles=("/streaming", "/tuned"))
    known = names(plan, ("fast", "slow", "hanging-up"))
    series = [{"seconds": float(s), "resident_bytes": 1e6, "threads": 3} for s in range(60)]
    rows = [
        entry(job.name + end, role=role)
        for job in plan.jobs
        for end in (", fast", ", slow", ", hung up", ", first byte")
        for role in ("streaming", "tuned")
    ]
    assert set(measures(outcome(*rows, series=series))) <= set(known)


def test_growth_begins_after_the_first_minute():
    """A gauge that rises for a minute and is level then has not grown; one that goes on has."""
    level = [{"seconds": float(s), "x": min(s, 50)} for s in range(600)]
    rising = [{"seconds": float(s), "x": 100 + s} for s in range(600)]
    assert growth(level, "x") == 0
    assert growth(rising, "x") == pytest.approx(449 / 204.5, rel=0.05)
    assert growth(level[:8], "x") is None
    assert growth(level, "y") is None


def test_an_outcome_survives_json():
    before = outcome(entry("export, fast"), series=[{"seconds": 1.0, "resident_bytes": 2}])
    assert Outcome.parse(json.loads(json.dumps(before.__dict__, default=vars))) == before


RIGHT = Job("export", "export", "GET", "/", answer="d")


@pytest.mark.parametrize(
    ("received", "said"),
    [
        (Received(0), "hung up without an answer"),
        (Received(500, body=b"oh"), "500 oh"),
        (Received(200, length=5, digest="d"), "the body broke off"),
        (Received(200, length=5, digest="e", complete=True), "another answer"),
    ],
)
def test_answers_that_are_not_right_say_how(received, said):
    with pytest.raises(WrongError, match=said):
        check(RIGHT, received)


def test_a_right_answer_and_one_that_we_did_not_wait_for_pass():
    check(RIGHT, Received(200, length=5, digest="d", complete=True))
    check(RIGHT, Received(200, length=2, digest="x"), hung_up=True)


def test_an_upload_is_right_when_every_row_is_accounted_for():
    job = Job("upload", "upload", "POST", "/", upload=10, answer="6")

    def said(imported):
        body = json.dumps({"imported": imported, "duplicates": 2, "rejected": 1}).encode()
        return Received(200, complete=True, body=body)

    check(job, said(3))
    with pytest.raises(WrongError):
        check(job, said(4))


def asked(**given):
    usual = dict.fromkeys(("app", "jobs", "variants", "rows", "users", "cap"))
    return Asked(
        **{"requests": (), "headers": (), "timeout": 1.0, "quick": False, "mixed": False}
        | usual
        | given
    )


def test_steps_are_exports_of_a_million_rows_by_doubling_users():
    found = asked()
    assert found.numbers == (1, 2, 4, 8, 16, 32, 64)
    assert found.roles == ("naive", "streaming", "tuned")
    assert found.cap_bytes == 256 * 2**20
    assert [job.path for job in found.served().jobs] == ["/posts/export.csv?rows=1000000"]


def test_a_mixed_load_has_no_cap_and_every_job():
    found = asked(mixed=True)
    assert (found.numbers, found.cap_bytes) == ((10,), 0)
    assert len(found.served().jobs) == 4


@pytest.mark.parametrize(
    "given",
    [
        {"variants": "streaming,tunned"},
        {"jobs": "exports"},
        {"users": "0..4"},
        {"users": "1..4", "mixed": True},
        {"cap": "much"},
        {"headers": ("A: b",)},
        {"app": "a:b", "requests": ("FETCH /",)},
        {"app": "a:b", "requests": ("GET /",), "rows": 3},
    ],
)
def test_options_that_make_no_sense_are_explained(given):
    found = asked(**given)
    with pytest.raises(LabError):
        [found.roles, found.numbers, found.served()]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5_400), ("7", 7)]
)
def test_durations_are_read(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "s", "soon", "-3s"])
def test_what_is_no_duration_is_named(text):
    with pytest.raises(LabError, match="is no duration"):
        parse_seconds(text)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://localhost:8000", "http://10.0.0.7"]
)
def test_servers_of_this_machine_and_network_may_be_loaded(url):
    assert checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254",
        "http://0.0.0.0:80",
        "http://10.0.0.7/x?y",
        "http://127.0.0.1:999999",
        "http://8.8.8.8",
        "http://example.org",
        "127.0.0.1:80",
        "https://10.0.0.7",
    ],
)
def test_no_load_is_put_on_anybody_else(url):
    with pytest.raises(LabError):
        checked_url(url)


def test_a_locust_that_is_too_old_or_missing_is_named(monkeypatch):
    require_locust()
    monkeypatch.setattr("lab.load.locusts.version", lambda _: "2.32.1")
    with pytest.raises(LabError, match=r"Locust 2\.32\.1 lacks what is needed"):
        require_locust()

    def missing(_):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr("lab.load.locusts.version", missing)
    with pytest.raises(LabError, match=r"needs the extra `load`"):
        require_locust()


WHOLE = outcome(entry("export, fast"), entry("export, first byte"))
SERVED = Served("a:b", lesson_jobs(1, 1, 1, "")[:1], cap=1)
STEPS = [
    Step("naive", 1, 90_000_000, 350_000_000, "naive export: 500 (out of memory)", WHOLE),
    Step("streaming", 1, 90_000_000, 92_000_000, "", WHOLE),
    Step("streaming", 2, 90_000_000, 94_000_000, "", WHOLE),
    Step("tuned", 1, 90_000_000, 91_000_000, "", WHOLE),
    Step("tuned", 2, 90_000_000, 99_000_000, "tuned export: the body broke off", WHOLE),
]


def test_a_role_carries_the_most_users_that_it_did_not_fail_at():
    assert carried(STEPS) == {"naive": 0, "streaming": 2, "tuned": 1}
    assert fate(STEPS[:1]) == "fails at 1"
    assert fate(STEPS[1:3]) == "carries 2, as many as were tried"
    assert fate(STEPS[3:]) == "fails at 2, carries 1"


def test_steps_survive_json():
    assert read_steps(json.loads(json.dumps(steps_json(STEPS, SERVED)))) == STEPS


def test_the_readme_shows_a_row_for_each_role():
    table = parts(steps_json(STEPS, SERVED))["load"]
    assert "| naive | fails at 1: out of memory | 260 MB | | |" in table
    streaming = "| streaming | carries 2, as many as were tried | 2.00 MB with 1, 4.00 MB with 2 |"
    assert f"{streaming} 0.50 s, 1.00 s |" in table


def test_nobody_who_carries_leaves_pictures_without_lines():
    assert "naive has none" in pictures(STEPS[:1], 1)["throughput"]


def test_pictures_say_in_words_what_they_show():
    drawn = pictures(STEPS, 256_000_000)
    assert set(drawn) == {"memory", "first-byte", "throughput"}
    assert (
        "naive fails at 1, 350 MB; streaming carries 2, as many as were tried, 94.0 MB"
        in drawn["memory"]
    )
    assert "the cap: 256 MB over the warm server" in drawn["memory"]
    assert all("<desc>" in svg for svg in drawn.values())
