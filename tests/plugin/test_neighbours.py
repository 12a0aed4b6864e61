"""The most used pytest plugins, each beside marked tests: alone, and with pytest-xdist.

They are in an environment of their own, `build/neighbours`, which `make test-neighbours` creates.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plugin.plugin_runs import HOME, run_pytest, write

pytestmark = pytest.mark.neighbours

PYTHON = Path(HOME, "build", "neighbours", "bin", "python")

MARKED = """
    import pytest

    @pytest.mark.memory_budget("1 MiB")
    def test_kept_budget({fixtures}):
        bytearray(400_000)

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
    def test_kept_growth(n):
        for _ in range(n):
            pass

    @pytest.mark.memory_budget("1 MiB")
    def test_broken_budget():
        bytearray(5_000_000)
"""

SETTINGS = """
    SECRET_KEY = "of the tests"
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


@dataclass(frozen=True)
class Neighbour:
    """A plugin, or several that belong together.

    Attributes:
        plugins: The names for ``-p``.
        options: What makes it active.
        fixtures: The fixtures of a test with a kept budget, as in its signature.
        output: The file or folder that the run writes.
        fault: Why it does not work, alone and with pytest-xdist.
        fault_beside_xdist: Why it does not work with pytest-xdist.
    """

    plugins: tuple[str, ...]
    options: tuple[str, ...] = ()
    fixtures: str = ""
    output: str = ""
    fault: str = ""
    fault_beside_xdist: str = ""


def plugin(*plugins: str, options: str = "", **more: str) -> Neighbour:
    return Neighbour(plugins, tuple(options.split()), **more)


NEIGHBOURS = {
    "allure-pytest": plugin(
        "allure_pytest", options="--alluredir=out --clean-alluredir", output="out"
    ),
    "anyio": plugin("anyio"),
    "hypothesis": plugin("hypothesispytest", options="--hypothesis-show-statistics"),
    "inline-snapshot": plugin(
        "inline_snapshot",
        options="--inline-snapshot=report",
        fault_beside_xdist="--inline-snapshot=report cannot be combined with xdist",
    ),
    "pyfakefs": plugin("fakefs", fixtures="fs"),
    "pytest-aiohttp": plugin("asyncio", "aiohttp"),
    "pytest-asyncio": plugin("asyncio", options="--asyncio-mode=auto"),
    "pytest-base-url": plugin("base_url", options="--base-url=http://localhost"),
    "pytest-bdd": plugin("pytest-bdd", options="--cucumberjson=out.json", output="out.json"),
    "pytest-benchmark": plugin("benchmark", options="--benchmark-json=out.json"),
    "pytest-cases": plugin("cases", fault="IdMaker.__init__() takes 7 positional arguments"),
    "pytest-celery": plugin("docker_tools", "celery"),
    "pytest-check": plugin("check", fixtures="check"),
    "pytest-clarity": plugin("clarity", options="-vv"),
    "pytest-cov": plugin("pytest_cov", options="--cov=. --cov-report=json", output="coverage.json"),
    "pytest-csv": plugin("pytest_csv", options="--csv=out.csv", output="out.csv"),
    "pytest-datadir": plugin("pytest-datadir", fixtures="datadir"),
    "pytest-dependency": plugin("dependency", options="-o automark_dependency=true"),
    "pytest-django": plugin("django", options="--ds=settings_of_django", fixtures="db"),
    "pytest-docker": plugin("docker"),
    "pytest-env": plugin("env"),
    "pytest-factoryboy": plugin("pytest-factoryboy"),
    "pytest-flake8": plugin("flake8", fault="PluginValidationError: Plugin 'flake8'"),
    "pytest-flask": plugin("flask"),
    "pytest-forked": plugin("pytest_forked", options="--forked"),
    "pytest-freezer": plugin("freezer", fixtures="freezer"),
    "pytest-github-actions-annotate-failures": plugin("pytest_github_actions_annotate_failures"),
    "pytest-html": plugin(
        "metadata", "html", "html_fixtures", options="--html=out.html", output="out.html"
    ),
    "pytest-httpx": plugin("pytest_httpx", fixtures="httpx_mock"),
    "pytest-icdiff": plugin("icdiff"),
    "pytest-instafail": plugin("instafail", options="--instafail"),
    "pytest-json-ctrf": plugin("ctrf", options="--ctrf=out.json", output="out.json"),
    "pytest-json-report": plugin(
        *("metadata", "pytest_jsonreport"),
        options="--json-report --json-report-file=out.json",
        output="out.json",
    ),
    "pytest-lazy-fixtures": plugin("pytest_lazyfixture"),
    "pytest-memray": plugin("memray", options="--memray"),
    "pytest-metadata": plugin("metadata", options="--metadata key value"),
    "pytest-mock": plugin("pytest_mock", fixtures="mocker"),
    "pytest-mypy": plugin("mypy"),
    "pytest-order": plugin("pytest_order"),
    "pytest-picked": plugin("picked"),
    "pytest-postgresql": plugin("pytest_postgresql"),
    "pytest-profiling": plugin("profiling", options="--profile", output="prof"),
    "pytest-random-order": plugin("random_order", options="--random-order"),
    "pytest-randomly": plugin("randomly"),
    "pytest-repeat": plugin("repeat"),
    "pytest-reportlog": plugin(
        "pytest_reportlog", options="--report-log=out.jsonl", output="out.jsonl"
    ),
    "pytest-rerunfailures": plugin("rerunfailures", options="--reruns=1"),
    "pytest-retry": plugin("pytest-retry", options="--retries=1", fault="run with -p no:pytest"),
    "pytest-ruff": plugin("ruff"),
    "pytest-run-parallel": plugin("run-parallel", options="--parallel-threads=2"),
    "pytest-socket": plugin("socket", options="--disable-socket --allow-unix-socket"),
    "pytest-split": plugin("pytest-split", options="--store-durations", output=".test_durations"),
    "pytest-subtests": plugin("subtests", fixtures="subtests"),
    "pytest-sugar": plugin("sugar"),
    "pytest-testinfra": plugin("pytest11.testinfra"),
    "pytest-testmon": plugin("pytest-testmon", options="--testmon"),
    "pytest-timeout": plugin("timeout", options="--timeout=120"),
    "pytest-trio": plugin("trio"),
    "requests-mock": plugin("requests_mock", fixtures="requests_mock"),
    "respx": plugin("respx", fixtures="respx_mock"),
    "syrupy": plugin("syrupy"),
    "typeguard": plugin("typeguard"),
}
"""By distribution; `requirements/neighbours.in` lists the same, and some more."""


KNOWS_WORKERS = {
    *("allure-pytest", "pytest-benchmark", "pytest-cov", "pytest-csv", "pytest-dependency"),
    *("pytest-django", "pytest-html", "pytest-json-report", "pytest-memray", "pytest-metadata"),
    *("pytest-order", "pytest-randomly", "pytest-rerunfailures", "pytest-split"),
    *("pytest-testmon", "syrupy"),
}
"""Those with code for workers of pytest-xdist; beside the others it is tested before a release."""


def each_alone_and_with_xdist():
    """Return the parameters of each plugin."""
    for name in NEIGHBOURS:
        yield pytest.param(name, False, id=f"{name}-alone")
        marks = () if name in KNOWS_WORKERS else pytest.mark.full
        yield pytest.param(name, True, id=f"{name}-xdist", marks=marks)


def run_beside(folder, words, fixtures="", **more):
    write(folder, test_it=MARKED.format(fixtures=fixtures), settings_of_django=SETTINGS)
    return run_pytest(folder, *words, python=PYTHON, plugin="lab.pytest_plugin", **more)


def assert_judged(ran):
    outcomes = {name.partition("[")[0]: ran.outcome(name) for name in ran.tests}
    assert outcomes == {
        "test_kept_budget": "passed",
        "test_kept_growth": "passed",
        "test_broken_budget": "failed",
    }, ran.output
    assert "is over the budget of 1.05 MB" in ran.text("test_broken_budget")
    assert [name for name in ran.left if name.startswith("memory-lab")] == []


def xfail(request, fault, ran):
    """Show a fault of the plugin's own, and find out when it is mended."""
    if fault:
        assert fault in ran.output
        request.applymarker(pytest.mark.xfail(reason=fault, strict=True))


@pytest.mark.parametrize(("name", "xdist"), list(each_alone_and_with_xdist()))
def test_marked_tests_are_judged_beside_the_plugin(tmp_path, request, name, xdist):
    neighbour = NEIGHBOURS[name]
    words = [word for plugin in neighbour.plugins for word in ("-p", plugin)]
    words += [*neighbour.options, *(("-p", "xdist", "-n", "2") if xdist else ())]
    ran = run_beside(tmp_path, words, neighbour.fixtures)
    xfail(request, neighbour.fault or (xdist and neighbour.fault_beside_xdist), ran)
    assert_judged(ran)
    if neighbour.output:
        assert (tmp_path / neighbour.output).exists()


def test_marked_tests_are_judged_beside_all_plugins_together(tmp_path):
    faulty = [
        name for neighbour in NEIGHBOURS.values() if neighbour.fault for name in neighbour.plugins
    ]
    words = [word for name in faulty for word in ("-p", f"no:{name}")]
    assert_judged(run_beside(tmp_path, words, PYTEST_DISABLE_PLUGIN_AUTOLOAD=""))


def test_the_lock_has_every_plugin():
    assert {*NEIGHBOURS} >= KNOWS_WORKERS
    wanted = (HOME / "requirements" / "neighbours.in").read_text().split("\n")
    listed = {name for name in wanted if name and not name.startswith("#")}
    others = {"django", "flask", "litestar", "pytest-xdist", "setuptools"}
    assert listed - {*NEIGHBOURS} == others
    assert {*NEIGHBOURS} <= listed


def test_allure_has_each_result_once(tmp_path):
    words = ("-p", "allure_pytest", "--alluredir=out", "--clean-alluredir")
    run_beside(tmp_path, words)
    results = [json.loads(path.read_text()) for path in tmp_path.glob("out/*-result.json")]
    assert sorted((result["fullName"], result["status"]) for result in results) == [
        ("test_it#test_broken_budget", "failed"),
        ("test_it#test_kept_budget", "passed"),
        ("test_it#test_kept_growth", "passed"),
    ]
