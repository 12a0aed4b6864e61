"""Requirements, measures and reports of a load, without running one."""

import json
from importlib import metadata

import pytest

from benchmarks.report.load_docs import parts
from lab.errors import LabError
from lab.load.figures import growth, measure_names, measures
from lab.load.locust_process import require_locust
from lab.load.plan import Plan, UserRequest, lesson_jobs
from lab.load.plot import memory_svg, summary
from lab.load.report import read_steps, steps_json, users_passed
from lab.load.request import WrongAnswerError, verify_body
from lab.load.requirements import Requirement
from lab.load.result import LoadResult, RequestFigures
from lab.load.steps import ServerUnderTest, Step
from lab.net.client import Received

KNOWN = ["failures", "p95", "export, slow p95", "rss", "rss growth", "streaming carried"]


def entry(name, requests=10, failures=0, p95=1.0, role="streaming"):
    return RequestFigures(role, name, requests, failures, 0.5, p95, p95, 1_000)


def result(*entries, series=()):
    return LoadResult(2.0, entries, {}, tuple(series))


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
    ("text", "message"),
    [
        ("p95", "is not a requirement"),
        ("p95 ~ 2s", "is not a requirement"),
        ("p95 < fast", "is not a requirement"),
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
def test_wrong_requirements_are_explained(text, message):
    with pytest.raises(LabError, match=message):
        Requirement.parse(text, KNOWN)


def test_a_broken_requirement_names_the_measured_value():
    requirement = Requirement.parse("p95 < 250ms", KNOWN)
    assert requirement.violation({"p95": 0.2}) == ""
    assert requirement.violation({"p95": 0.3}) == "p95 < 0.25 s (measured 0.30 s)"
    assert requirement.violation({}) == "p95 < 0.25 s (nothing measured)"


def test_percentiles_are_those_of_the_worst_row():
    values = measures(
        result(
            entry("export, fast", p95=1.0),
            entry("export, fast", p95=3.0, role="tuned"),
            entry("export, first byte", p95=9.0),
            entry("export, refused", p95=20.0),
        )
    )
    assert (values["p95"], values["export, fast p95"], values["streaming export, fast p95"]) == (
        3,
        3,
        1,
    )
    assert values["first byte p95"] == 9
    assert (values["requests"], values["refused"]) == (20, 10)


def test_failures_are_a_ratio_of_all_requests():
    assert measures(result(entry("export, fast", 30, 3), entry("export, slow", 10, 1)))[
        "failures"
    ] == pytest.approx(0.1)


def test_every_measure_can_be_required():
    plan = Plan(lesson_jobs(1, 1, 1, ""), roles=("/streaming", "/tuned"))
    known = measure_names(plan, ("fast", "slow", "hanging-up"))
    series = [{"seconds": float(s), "resident_bytes": 1e6, "threads": 3} for s in range(60)]
    rows = [
        entry(job.name + end, role=role)
        for job in plan.jobs
        for end in (", fast", ", slow", ", hung up", ", first byte")
        for role in ("streaming", "tuned")
    ]
    assert set(measures(result(*rows, series=series))) <= set(known)


def test_growth_begins_after_the_first_minute():
    """A value that rises for a minute and then stays level has not grown."""
    level = [{"seconds": float(s), "x": min(s, 50)} for s in range(600)]
    rising = [{"seconds": float(s), "x": 100 + s} for s in range(600)]
    assert growth(level, "x") == 0
    assert growth(rising, "x") == pytest.approx(449 / 204.5, rel=0.05)
    assert growth(level[:8], "x") is None
    assert growth(level, "y") is None


def test_a_result_survives_json():
    before = result(entry("export, fast"), series=[{"seconds": 1.0, "resident_bytes": 2}])
    assert LoadResult.parse(json.loads(json.dumps(before.__dict__, default=vars))) == before


EXPORT = UserRequest("export", "export", "GET", "/", expected="d")


@pytest.mark.parametrize(
    ("received", "message"),
    [
        (Received(0), "hung up without an answer"),
        (Received(500, body=b"oh"), "500 oh"),
        (Received(200, length=5, digest="d"), "the body broke off"),
        (Received(200, length=5, digest="e", complete=True), "not the expected answer"),
    ],
)
def test_wrong_answers_are_explained(received, message):
    with pytest.raises(WrongAnswerError, match=message):
        verify_body(EXPORT, received)


def test_a_correct_answer_passes_and_so_does_one_after_hanging_up():
    verify_body(EXPORT, Received(200, length=5, digest="d", complete=True))
    verify_body(EXPORT, Received(200, length=2, digest="x"), hung_up=True)


def test_an_upload_is_correct_if_it_reports_every_row():
    job = UserRequest("upload", "upload", "POST", "/", upload=10, expected="6")

    def answer(imported):
        body = json.dumps({"imported": imported, "duplicates": 2, "rejected": 1}).encode()
        return Received(200, complete=True, body=body)

    verify_body(job, answer(3))
    with pytest.raises(WrongAnswerError):
        verify_body(job, answer(4))


def test_a_locust_that_is_too_old_or_missing_is_named(monkeypatch):
    require_locust()
    monkeypatch.setattr("lab.load.locust_process.version", lambda _: "2.32.1")
    with pytest.raises(LabError, match=r"Locust 2\.32\.1 is too old"):
        require_locust()

    def missing(_):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr("lab.load.locust_process.version", missing)
    with pytest.raises(LabError, match=r"needs the extra `load`"):
        require_locust()


WHOLE = result(entry("export, fast"), entry("export, first byte"))
SERVED = ServerUnderTest("a:b", lesson_jobs(1, 1, 1, "")[:1], cap=1)
STEPS = [
    Step("naive", 1, 90_000_000, 350_000_000, "naive export: 500 (out of memory)", WHOLE),
    Step("streaming", 1, 90_000_000, 92_000_000, "", WHOLE),
    Step("streaming", 2, 90_000_000, 94_000_000, "", WHOLE),
    Step("tuned", 1, 90_000_000, 91_000_000, "", WHOLE),
    Step("tuned", 2, 90_000_000, 99_000_000, "tuned export: the body broke off", WHOLE),
]


def test_a_role_passes_with_the_most_users_that_did_not_fail():
    assert users_passed(STEPS) == {"naive": 0, "streaming": 2, "tuned": 1}
    assert summary(STEPS[:1]) == "fails at 1"
    assert summary(STEPS[1:3]) == "passes with 2, the most tried"
    assert summary(STEPS[3:]) == "fails at 2, passes with 1"


def test_steps_survive_json():
    assert read_steps(json.loads(json.dumps(steps_json(STEPS, SERVED)))) == STEPS


def test_the_readme_shows_a_row_for_each_role():
    table = parts(steps_json(STEPS, SERVED))["load"]
    assert "| naive | fails at 1: out of memory | 260 MB | | |" in table
    streaming = "| streaming | passes with 2, the most tried | 2.00 MB with 1, 4.00 MB with 2 |"
    assert f"{streaming} 0.50 s, 1.00 s |" in table


def test_the_picture_has_a_description():
    drawn = memory_svg(STEPS, 256_000_000)
    assert "naive fails at 1, 350 MB; streaming passes with 2, the most tried, 94.0 MB" in drawn
    assert "the cap: 256 MB over the warm server" in drawn
    assert "<desc>" in drawn
