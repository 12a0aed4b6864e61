"""A file of budgets: what it may say, and the sentence for everything else."""

import re
import tomllib

import pytest

from lab.budgets.budget_file import read
from lab.budgets.starter_file import FIRST, write_first
from lab.budgets.toml_key_lines import KeyLines
from lab.claim import O
from lab.errors import LabError
from lab.measure.http.body import Body
from lab.measure.http.endpoint import Endpoint
from lab.measure.workload import Function
from lab.variants import VariantSubject
from tests.helpers import run_lab

LOCATED = '''# budgets
baseline = "b.json"
libraries = [
    "one",  # ]
    ["not a header"],
]

[budget.export]  # the first
target = "a:b"
note = """
[budget.wrong]
wrong = 1
"""
sizes = [1,
  2]

[budget."with.dot"]
inline = { x = 1, y = [
    3] }
deep.er = 2

[[many]]
key = 1
'''


@pytest.fixture
def written(tmp_path):
    """Write a file of budgets and read it."""

    def write(text, name="memory-budgets.toml"):
        file = tmp_path / name
        file.write_text(text)
        return read(file)

    return write


def budget(text, more=""):
    return f"[budget.export]\n{text}\n{more}"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("baseline",), 2),
        (("libraries",), 3),
        (("budget",), 8),
        (("budget", "export"), 8),
        (("budget", "export", "target"), 9),
        (("budget", "export", "note"), 10),
        (("budget", "export", "sizes"), 14),
        (("budget", "export", "missing"), 8),
        (("budget", "wrong"), 8),
        (("budget", "with.dot"), 17),
        (("budget", "with.dot", "inline", "y"), 18),
        (("budget", "with.dot", "deep", "er"), 20),
        (("many",), 22),
        (("many", "key"), 23),
        (("nowhere",), 1),
    ],
)
def test_a_key_is_found_at_its_line_or_at_its_tables(path, line):
    tomllib.loads(LOCATED)
    assert KeyLines(LOCATED).of(path) == line
    assert KeyLines(LOCATED.replace("\n", "\r\n")).of(path) == line


def test_a_function_is_read_with_everything_that_may_be_said_of_it(written):
    found = written(
        'baseline = "figures/b.json"\nlibraries = ["sqlalchemy"]\n'
        + budget(
            'target = "a.b:c"\nsetup = "a:d"\naxis = "rows"\nsizes = [10, 20]\nclaim = "O(1)"\n'
            'peak = "2 MiB"\nallow-inconclusive = true\ncap = 65_536\nwitness = "rss"\ntimeout = 3'
        )
    )
    assert found.baseline == found.path.parent / "figures/b.json"
    assert found.libraries == ("sqlalchemy",)
    (one,) = found.budgets
    assert (one.name, one.subject, one.axis) == ("export", Function("a.b:c", "a:d"), "rows")
    assert (one.sizes, one.cap, one.witness, one.timeout) == ((10, 20), 65_536, "rss", 3)
    assert (one.promise.claim, one.promise.ceiling) == (O(1), 2 * 2**20)
    assert one.promise.may_be_inconclusive
    assert (one.file, one.line) == (str(found.path), 3)
    assert one.swept


def test_little_need_be_said(written):
    (one,) = written(budget('target = "a:b"\ncap = "1 MB"')).budgets
    assert (one.axis, one.sizes) == ("n", (8_000, 16_000, 32_000, 64_000, 128_000))
    assert (one.witness, one.timeout) == ("heap", 600)
    assert not one.swept
    assert written(budget('target = "a:b"\npeak = 1\nsizes = 7')).budgets[0].sizes == (7,)


def test_an_endpoint_is_read_and_named_without_its_headers(written):
    (one,) = written(
        budget(
            'request = "POST /in?n={n}"\napp = "a:app"\nheaders = ["Authorization: secret"]\n'
            'body = "rows"\nfield = "csv"\nclients = 8\nclaim = "O(1)"'
        )
    ).budgets
    headers = {"Authorization": "secret"}
    body = Body("rows", "csv")
    assert one.subject == Endpoint("a:app", "POST", "/in?n={n}", headers, body, clients=8)
    assert one.what == "POST /in?n={n} of a:app with a body of rows by 8 clients"


@pytest.mark.parametrize(
    ("line", "body", "what"),
    [
        ("json-body = '{\"rows\": {n}}'", Body("json", '{"rows": {n}}'), "JSON"),
        ('body-file = "orders-{n}.json"', Body("file", "orders-{n}.json"), "orders-{n}.json"),
    ],
)
def test_a_request_may_send_json_or_a_file(written, line, body, what):
    text = 'request = "POST /in"\napp = "a:make(1)"\npeak = 1\n' + line
    (one,) = written(budget(text)).budgets
    assert one.subject.body == body
    assert one.what == f"POST /in of a:make(1) with a body of {what}"


ASKING = """
request = "GET /x?n={n}"
app = "a:app"
peak = 1
headers = ["Authorization: Bearer $SHOP_TOKEN", "X: ${SHOP_TOKEN}s cost $$5"]
"""


def test_headers_take_what_is_secret_from_the_environment(written, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "sesame")
    (one,) = written(budget(ASKING)).chosen()
    assert one.subject.headers == {"Authorization": "Bearer sesame", "X": "sesames cost $5"}
    assert "sesame" not in one.what


@pytest.mark.parametrize("text", [ASKING, 'target = "a:b"\npeak = 1\n'], ids=["request", "target"])
def test_settings_take_what_is_secret_from_the_environment(written, monkeypatch, text):
    monkeypatch.setenv("SHOP_TOKEN", "sesame")
    (one,) = written(budget(text + 'env = {KEY = "$SHOP_TOKEN", MODE = "test"}')).chosen()
    assert one.subject.env == {"KEY": "sesame", "MODE": "test"}
    assert "env" not in one.what + repr(one.subject)
    monkeypatch.delenv("SHOP_TOKEN")
    with pytest.raises(LabError, match=r"uses \$SHOP_TOKEN, which is not set"):
        written(budget(text + 'env = {KEY = "$SHOP_TOKEN"}')).chosen()


def test_a_variable_that_is_not_set_matters_to_those_that_are_checked(written, monkeypatch):
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    found = written(budget(ASKING, '[budget.other]\ntarget = "a:b"\npeak = 1\n'))
    assert found.chosen(["other"])
    with pytest.raises(LabError, match=r"toml:1: budget export: .*\$SHOP_TOKEN, which is not set"):
        found.chosen()
    alone = written(budget(ASKING.replace("Bearer $SHOP_TOKEN", "Bearer $ 5")))
    with pytest.raises(LabError, match=r"write a dollar sign in a header as \$\$"):
        alone.chosen()


def test_a_patterns_variant_brings_its_claim_its_axis_and_its_sizes(written):
    (one,) = written(budget('pattern = "rows"\nvariant = "load_all"')).budgets
    assert isinstance(one.subject, VariantSubject)
    assert (one.what, one.axis) == ("rows load_all", "rows")
    assert one.promise.claim == one.subject.variant.peak
    assert one.sizes == one.subject.pattern.sizes_for(one.subject.variant, "rows")
    (other,) = written(
        budget('pattern = "lab.patterns.rows:PATTERN"\nvariant = "yield_per"\naxis = "batch"')
    ).budgets
    assert (other.axis, other.promise.claim) == ("batch", O("batch"))


def test_a_byte_order_mark_is_no_mistake(written):
    assert written("\ufeff" + budget('target = "a:b"\npeak = 1')).budgets


def test_the_projects_own_file_has_them_in_a_table(written, tmp_path):
    found = written(
        '[project]\nname = "x"\n\n[tool.memory-lab.budget.export]\ntarget = "a:b"\npeak = 1\n',
        "pyproject.toml",
    )
    assert (found.budgets[0].name, found.budgets[0].line) == ("export", 4)


def test_a_file_of_its_own_goes_before_the_projects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.memory-lab.budget.b]\ntarget="a:b"\npeak=1')
    assert read().budgets[0].name == "b"
    (tmp_path / "memory-budgets.toml").write_text('[budget.a]\ntarget="a:b"\npeak=1')
    assert read().budgets[0].name == "a"


def test_where_there_is_no_file_both_places_and_the_mend_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(
        LabError, match=r"memory-budgets\.toml.*pyproject\.toml.*`lab check --init`"
    ):
        read()


def test_names_choose_budgets_in_the_order_of_the_file(written):
    text = "".join(f'[budget.{name}]\ntarget="a:b"\npeak=1\n' for name in ("one", "two", "three"))
    found = written(text)
    assert [one.name for one in found.chosen(["three", "one"])] == ["one", "three"]
    assert len(found.chosen()) == 3
    assert found.chosen(["two"], timeout=5)[0].timeout == 5
    with pytest.raises(LabError, match=r"unknown budget 'twoo' in .*: did you mean two"):
        found.chosen(["twoo"])


FUNCTION = 'target = "a:b"\npeak = 1\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[budget.export\n", r":1: invalid TOML: "),
        ('[budget.export]\ntarget = "a:b', r":2: invalid TOML: "),
        ("baselin = 1\n" + budget(FUNCTION), r":1: unknown key 'baselin': did you mean baseline"),
        ("baseline = 1\n" + budget(FUNCTION), r":1: baseline: write a string in quotes, not 1"),
        (
            "libraries = [1]\n" + budget(FUNCTION),
            r":1: libraries: write a list of strings, not \[1\]",
        ),
        ("", "has no budget yet: write a table .budget.NAME."),
        ("[budget]\n", "has no budget yet"),
        ("budget = 3\n", r":1: budget: 3 is not a table: write \[budget\] above its keys"),
        ("[budget]\n" + FUNCTION, r":2: budget, target: a budget must be a table"),
        (budget(FUNCTION + 'clam = "O(1)"'), r":4: budget export: unknown key 'clam': .* claim"),
        (
            budget(FUNCTION + 'sizes = "ten"'),
            r":4: budget export, sizes: 'ten' is not a list of sizes",
        ),
        (budget(FUNCTION + "sizes = [2, 1]"), r":4: budget export, sizes: sizes must increase"),
        (budget(FUNCTION + "sizes = [1.5]"), r":4: budget export, sizes: write .*, not \[1\.5\]"),
        (budget(FUNCTION + "sizes = []"), r":4: budget export, sizes: write .*, not \[\]"),
        (budget(FUNCTION + "sizes = true"), r":4: budget export, sizes: write .*, not true"),
        (budget(FUNCTION + 'axis = "rowz"'), r":4: .*, axis: unknown axis 'rowz': .* rows"),
        (
            budget(FUNCTION + 'claim = "O(log)"'),
            r":4: budget export, claim: unknown claim O\(log\)",
        ),
        (
            budget(FUNCTION + "claim = 1"),
            r":4: budget export, claim: write a string in quotes, not 1$",
        ),
        (budget(FUNCTION + 'claim = "O(rows)"'), r':4: .*, claim: .*set axis = "rows"'),
        (budget(FUNCTION + 'cap = "lots"'), r":4: .*, cap: 'lots' is not a valid amount of memory"),
        (budget(FUNCTION + "cap = 0"), r":4: .*, cap: write an amount .*, not 0"),
        (budget(FUNCTION + 'cap = "0 MB"'), r':4: .*, cap: write an amount .*, not "0 MB"'),
        (budget(FUNCTION + "cap = true"), r":4: .*, cap: write an amount .*, not true"),
        (budget(FUNCTION + 'witness = "RSS"'), r":4: .*, witness: unknown value 'RSS': .*rss"),
        (budget(FUNCTION + "timeout = -1"), r":4: .*, timeout: write a number of seconds, not -1"),
        (budget(FUNCTION + "timeout = inf"), r":4: .*, timeout: write a number of seconds"),
        (budget(FUNCTION + 'allow-inconclusive = "no"'), r':4: .*write true or false, not "no"'),
        (budget(FUNCTION + "allow-inconclusive = true"), r":4: .*: it needs a claim"),
        (budget("peak = 1"), r":1: budget export: names nothing to measure: give it one of"),
        (budget(FUNCTION + 'request = "GET /"'), r":1: budget export: has target and request"),
        (budget('target = "a:b"'), r":1: budget export: promises nothing: give it a claim, a peak"),
        (
            budget('target = "a"\npeak = 1'),
            r":2: .*, target: 'a' is not an import path: write pack",
        ),
        (budget('target = "GET /x"\npeak = 1'), r":2: .*, target: 'GET /x' is a request"),
        (budget(FUNCTION + 'setup = "x"'), r":4: .*setup: 'x' .*package\.module:context_manager"),
        (budget(FUNCTION + 'app = "a:b"'), r":4: .*, app: it goes with request, and this bud"),
        (budget(FUNCTION + 'variant = "a"'), r":4: .*, variant: it goes with pattern"),
        (budget('request = "GET /{n}"\npeak = 1'), r":1: .*: name the application that answers"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_line(written, text, says):
    with pytest.raises(LabError, match=r"memory-budgets\.toml ?" + says):
        written(text)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('setup = "a:b"', r":5: .*, setup: it goes with target, and this budget has req"),
        ('body = "lines"', r":5: .*, body: unknown value 'lines': .*bytes"),
        ('field = "csv"', r":5: .*, field: it is the field of an upload"),
        ("json-body = '{'", r":5: .*, json-body: '{' is not JSON"),
        ('body = "rows"\nbody-file = "x"', r":6: .*, body-file: a request has one body"),
        ("env = {A = 1}", r":5: .*, env: the environment variable A must be text"),
        ('env = "A=1"', r':5: .*, env: "A=1" is not a table'),
        ("clients = 0", r":5: .*, clients: write a whole number from 1 up, not 0"),
        ('clients = 2\naxis = "clients"', r":5: .*, clients: the sizes of the axis clients"),
        ('headers = ["no colon"]', r":5: .*, headers: 'no colon' is not a header"),
        ("headers = [1]", r":5: budget export, headers: write a list of strings, not \[1\]"),
        (
            'axis = "clients"',
            r":2: .*, request: along the axis clients the size is the number of clients",
        ),
    ],
)
def test_a_request_is_checked_as_well(written, more, says):
    text = budget('request = "GET /x?n={n}"\napp = "a:app"\npeak = 1', more)
    with pytest.raises(LabError, match=r"memory-budgets\.toml" + says):
        written(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('request = "GET x"\napp = "a:b"\npeak = 1', r":2: .*, request: 'GET x' is not a request"),
        ('request = "GET /x"\napp = "a:b"\npeak = 1', r":2: .*, request: nothing in GET /x dep"),
        ('request = "GET /{n}"\napp = "a"\npeak = 1', r":3: .*, app: 'a' is not an application"),
        ('pattern = "rwos"\nvariant = "x"', r":2: .*, pattern: unknown pattern 'rwos': .*rows"),
        ('pattern = "rows"', r":1: .*: choose a variant of rows: load_all, "),
        ('pattern = "rows"\nvariant = "yeild_per"', r":3: .*, variant: unknown .*yield_per"),
        (
            'pattern = "rows"\nvariant = "yield_per"\naxis = "keys"',
            r":4: .*rows has no axis 'keys'",
        ),
        (
            'pattern = "json:dumps"\nvariant = "x"',
            r":2: .*json:dumps is a function, not a pattern",
        ),
        ('pattern = "nosuch:P"\nvariant = "x"', r":2: .*cannot import 'nosuch'"),
    ],
)
def test_a_subject_that_cannot_be_is_said(written, text, says):
    with pytest.raises(LabError, match=r"memory-budgets\.toml" + says):
        written(budget(text))


def test_in_a_project_file_lines_and_tables_are_its_own(written):
    with pytest.raises(LabError, match=r"pyproject\.toml:3: tool\.memory-lab: unknown key 'peak'"):
        written("[project]\n[tool.memory-lab]\npeak = 1\n", "pyproject.toml")
    with pytest.raises(LabError, match=r"pyproject\.toml has no table \[tool\.memory-lab\]"):
        written("[project]\n", "pyproject.toml")
    with pytest.raises(LabError, match=r"no budget yet: write a table \[tool\.memory-lab\.budget"):
        written("[tool.memory-lab]\n", "pyproject.toml")


def test_what_is_no_text_is_said(tmp_path):
    file = tmp_path / "memory-budgets.toml"
    with pytest.raises(LabError, match=r"cannot read .*No such file"):
        read(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(LabError, match="is not UTF-8 text"):
        read(file)


def test_the_first_file_has_no_budget_yet_and_its_examples_are_valid(written, tmp_path):
    assert tomllib.loads(FIRST) == {}
    with pytest.raises(LabError, match="has no budget yet"):
        written(FIRST)
    found = written(re.sub(r"^#(?=[a-z\[])", "", FIRST, flags=re.MULTILINE))
    assert [budget.name for budget in found.budgets] == [
        *("export", "endpoint", "search", "orders", "lesson")
    ]
    assert found.baseline is not None


def test_the_first_file_explains_every_key():
    from lab.budgets.budget_file import _BUDGET_KEYS

    for key in (*_BUDGET_KEYS, "baseline", "libraries"):
        assert re.search(rf"^#{key} = ", FIRST, re.MULTILINE), key


def test_the_command_writes_a_first_file_and_never_over_another(tmp_path):
    made = run_lab("check", "--init", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, "Written: memory-budgets.toml\n")
    asked = run_lab("check", cwd=tmp_path)
    assert asked.returncode == 2
    assert "memory-budgets.toml has no budget yet" in asked.stderr
    (tmp_path / "memory-budgets.toml").write_text("# mine")
    again = run_lab("check", "--init", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert (tmp_path / "memory-budgets.toml").read_text() == "# mine"


def test_a_first_file_is_refused_where_it_would_not_be_read(tmp_path):
    with pytest.raises(LabError, match=r"does not write into a pyproject\.toml"):
        write_first(tmp_path / "pyproject.toml")
    assert "leave out all but --file" in run_lab("check", "x", "--init", cwd=tmp_path).stderr
