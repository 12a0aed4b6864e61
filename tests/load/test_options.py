"""The options of `lab load`, without running a load."""

import pytest

from lab.errors import LabError
from lab.load.options import LoadOptions, checked_url, parse_seconds


def load_options(**given):
    defaults = dict.fromkeys(("app", "jobs", "variants", "rows", "users", "cap"))
    return LoadOptions(
        **{"requests": (), "headers": (), "timeout": 1.0, "quick": False, "mixed": False}
        | defaults
        | given
    )


def test_steps_are_exports_of_a_million_rows_by_doubling_users():
    options = load_options()
    assert options.user_counts == (1, 2, 4, 8, 16, 32, 64)
    assert options.roles == ("naive", "streaming", "tuned")
    assert options.cap_bytes == 256 * 2**20
    assert [job.path for job in options.served().jobs] == ["/posts/export.csv?rows=1000000"]


def test_an_application_of_somebody_elses_gets_its_settings():
    served = load_options(app="a:b()", requests=("GET /",), env=["A=1=2", "B="]).served()
    assert (served.app, served.env) == ("a:b()", {"A": "1=2", "B": ""})


def test_a_mixed_load_has_no_cap_and_every_job():
    options = load_options(mixed=True)
    assert (options.user_counts, options.cap_bytes) == ((10,), 0)
    assert len(options.served().jobs) == 4


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
        {"app": "a:b(", "requests": ("GET /",)},
        {"app": "a:b", "requests": ("GET /",), "env": ["A"]},
    ],
)
def test_wrong_options_are_explained(given):
    options = load_options(**given)
    with pytest.raises(LabError):
        [options.roles, options.user_counts, options.served()]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5_400), ("7", 7)]
)
def test_durations_are_read(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "s", "soon", "-3s"])
def test_a_wrong_duration_is_named(text):
    with pytest.raises(LabError, match="is not a duration"):
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
def test_other_servers_may_not_be_loaded(url):
    with pytest.raises(LabError):
        checked_url(url)
