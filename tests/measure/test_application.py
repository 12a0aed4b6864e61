"""Applications by their import path: what is recognised, how it is served, what is refused."""

import pytest

import lab
from lab.errors import LabError
from lab.measure.http.body import Body
from lab.measure.http.endpoint import Endpoint
from lab.measure.schedule import Schedule
from lab.net.application import parse_path
from lab.net.client import request
from lab.net.server import running

HERE = "tests.measure.wsgi_app"


def sweep(text, app, sizes, axis="n", **more):
    endpoint = Endpoint.parse(text, f"{HERE}:{app}", **more)
    return lab.sweep(endpoint, axis, sizes, schedule=Schedule(parallel=1))


@pytest.mark.parametrize(
    ("app", "length"),
    [
        ("answers", 4),
        pytest.param("Asgi2", 4, marks=pytest.mark.slow),
        pytest.param("Container.app", 4, marks=pytest.mark.slow),
        pytest.param("container.app", 4, marks=pytest.mark.slow),
        pytest.param("takes_anything", 4, marks=pytest.mark.slow),
        ("create_async", 4),
        pytest.param("create_async()", 4, marks=pytest.mark.slow),
        pytest.param("create_app", len("plain False"), marks=pytest.mark.slow),
        pytest.param("create_app()", len("plain False"), marks=pytest.mark.slow),
        ('create_app("testing", debug=True)', len("testing True")),
        ("wsgi", len("0 bytes, 0 at once")),
    ],
)
def test_an_application_of_any_kind_is_measured(monkeypatch, app, length):
    monkeypatch.delenv("MEASURED_APP", raising=False)
    assert sweep("GET /x?{n}", app, [1]).points[0].counts["bytes"] == length


def test_another_server_process_serves_the_same():
    with running(f'{HERE}:create_app("testing", debug=True)') as server:
        assert request(f"{server.url}/").body == b"testing True"


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("fails", "fails could not be made: ConnectionError: no database"),
        pytest.param(
            "fails()", r"fails\(\) could not be made: ConnectionError", marks=pytest.mark.slow
        ),
        ("fails_later", "fails_later could not be made: ConnectionError: no database"),
        pytest.param(
            "leaves", "leaves could not be made: SystemExit: no settings", marks=pytest.mark.slow
        ),
        ("needs", r"needs is a function that needs config, db; .*: to call it, write .*needs\("),
        pytest.param(
            "makes_nothing", "makes_nothing is of the type int; an ASGI", marks=pytest.mark.slow
        ),
        pytest.param(
            "takes_any", "takes_any is the function takes_any; an ASGI", marks=pytest.mark.slow
        ),
        ("LOADED", "LOADED is of the type str; an ASGI application takes"),
        pytest.param(
            "LOADED()", "LOADED is of the type str, which cannot be called", marks=pytest.mark.slow
        ),
        ("Container", "Container is of the type .*Container; an ASGI"),
        pytest.param(
            "create_app(1, 2, 3)", "could not be made: TypeError: .* takes", marks=pytest.mark.slow
        ),
        ("anwsers", "has no 'anwsers': did you mean answers"),
    ],
)
def test_what_is_no_application_or_fails_is_a_sentence(app, says):
    with pytest.raises(LabError, match=says) as measured:
        sweep("GET /x?{n}", app, [1])
    with pytest.raises(LabError, match=says), running(f"{HERE}:{app}"):
        pass
    assert "lab/net" not in measured.value.details


def test_a_module_that_cannot_be_imported_is_a_sentence_with_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "unready.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LabError, match="unready:app cannot be imported: ModuleNotFoundError: No "):
        lab.sweep(Endpoint.parse("GET /{n}", "unready:app"), "n", [1])


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("app", "'app' is not an application: write package.module:app"),
        ("a.b:", "is not an application"),
        ("a:b c", "is not an application"),
        ("a:b(", "is not an application"),
        ("a:b(x)", "is not a call with literal arguments"),
        ("a:b(1", "is not an application"),
        ("a:b(1)(2)", "is not a call with literal arguments"),
        ("a:b(*[1])", "is not a call with literal arguments"),
        ("a:b(**{'c': 1})", "is not a call with literal arguments"),
        ("a:b(1) + c(2)", "is not a call with literal arguments|is not an application"),
    ],
)
def test_a_path_that_is_none_is_refused_before_anything_starts(path, says):
    with pytest.raises(LabError, match=says):
        parse_path(path)
    with pytest.raises(LabError, match=says):
        Endpoint.parse("GET /", path)


def test_arguments_of_a_factory_are_literals():
    call = 'a.b:c("x, (y)", {"k": [1, -2]}, debug=True, none=None)'
    values, named = ["x, (y)", {"k": [1, -2]}], {"debug": True, "none": None}
    assert parse_path(call) == ("a.b:c", (values, named))
    assert parse_path(" a:b.c ") == ("a:b.c", None)


@pytest.mark.slow
def test_a_wsgi_answer_is_streamed_and_what_it_keeps_is_seen():
    streamed = sweep("GET /streamed?{n}", "wsgi", lab.doubling(80_000, 1_280_000))
    assert lab.verdict(streamed, lab.O(1)).finding == "kept"
    kept = lab.verdict(sweep("GET /kept?{n}", "wsgi", lab.doubling(20_000, 320_000)), lab.O(1))
    assert (kept.finding, 90 < kept.growth.per_item < 110) == ("broken", True)


def test_a_wsgi_application_gets_the_whole_upload_a_block_at_a_time():
    curve = sweep("POST /", "wsgi", [1_000_000, 16_000_000], "bytes", body=Body("bytes"))
    assert [point.counts["sent"] // 1_000_000 for point in curve.points] == [1, 16]
    assert curve.points[1].peak_heap_bytes < 3_000_000
    with running(f"{HERE}:wsgi") as server:
        answer = request(server.url, "POST", body=bytes(3_000_000))
    assert answer.body == b"3000000 bytes, 65536 at once"


def test_an_error_of_a_wsgi_application_is_said():
    with pytest.raises(LabError, match=r"RuntimeError: no rows today"):
        sweep("GET /fails?{n}", "wsgi", [1])


@pytest.mark.parametrize(("module", "says"), [("uvicorn", "server needs"), ("a2wsgi", "WSGI app")])
def test_what_is_missing_is_in_the_extra_http(tmp_path, monkeypatch, module, says):
    """A module that cannot be imported hides the installed one, in this process and in others."""
    (tmp_path / f"{module}.py").write_text(f"raise ModuleNotFoundError('{module}')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    if module == "uvicorn":
        monkeypatch.setattr("lab.measure.http.endpoint.find_spec", lambda name: None)
    with pytest.raises(LabError, match=rf"{says}.*pip install 'memory-lab\[http\]'"):
        sweep("GET /{n}", "wsgi", [1])
