"""A student's way through a notebook: a real JupyterLab, in a real browser."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import psutil
import pytest

from lab.course.lessons import lesson
from lab.course.sources import filled, read, tagged
from lab.net.server import stop
from tests.course.execution import write
from tests.helpers import wait_until

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
PICTURES = ROOT / "build" / "browser"
NAME = "03-streaming-a-csv"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
RUN = 600_000
"""Milliseconds that all cells may take; the table of posts is made first."""

SERVER = {
    "ServerApp": {
        "ip": "127.0.0.1",
        "port": 0,
        "open_browser": False,
        "allow_root": True,
        "terminals_enabled": False,
    },
    "LabApp": {"news_url": None, "extension_manager": "readonly"},
    "LanguageServerManager": {"autodetect": False},
}
"""Nothing that reaches for a network, and only this machine can reach it."""

INTERFACE = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
"""Every cell is in the page, seen or not, and nobody is asked about news."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH to look with"),
]


@pytest.fixture
def solved(tmp_path):
    """A folder with the notebook, solved; and the notebook."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = filled(read(NOTEBOOKS / f"{NAME}.py"), lesson(NAME[:2]))
    write(notebook, folder / f"{NAME}.ipynb")
    return SimpleNamespace(folder=folder, notebook=notebook)


@contextmanager
def jupyter(folder, own):
    """Serve a folder with JupyterLab, with settings of its own; yield its address and token."""
    places = {
        "JUPYTER_CONFIG_DIR": own / "config",
        "JUPYTER_DATA_DIR": own / "data",
        "JUPYTER_RUNTIME_DIR": own / "runtime",
        "IPYTHONDIR": own / "ipython",
        "MEMORY_LAB_COURSE": own / "progress",
        "JUPYTERLAB_WORKSPACES_DIR": own / "workspaces",
    }
    _write(own / "config" / "jupyter_server_config.json", SERVER)
    for name, settings in INTERFACE.items():
        path = own / "config" / "lab" / "user-settings" / "@jupyterlab" / name
        _write(path.with_suffix(".jupyterlab-settings"), settings)
    with (own / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {name: str(path) for name, path in places.items()},
        )
        try:
            said = own / "runtime" / f"jpserver-{process.pid}.json"
            # The file is there a moment before its content.
            up = wait_until(lambda: said.exists() and said.read_text().rstrip().endswith("}"), 60)
            assert up, (own / "jupyter.log").read_text()
            yield SimpleNamespace(**json.loads(said.read_text()))
        finally:
            started = psutil.Process(process.pid).children(recursive=True)
            stop(process, within=20)
            _, left = psutil.wait_procs(started, timeout=10)
            assert left == []


def _write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def page():
    """A page of a browser that nobody has used yet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        yield page
        browser.close()


def test_a_student_runs_every_cell_sees_the_live_curve_and_passes(solved, page, tmp_path):
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    with jupyter(solved.folder, tmp_path) as server:
        page.goto(f"{server.url}lab/tree/{NAME}.ipynb?token={server.token}")
        cells = page.locator(".jp-Notebook .jp-Cell")
        cells.nth(len(solved.notebook.cells) - 1).wait_for(state="attached", timeout=60_000)
        # Cells that are run before the kernel is connected are forgotten.
        assert wait_until(lambda: _kernel_connected(page, server), 60)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

        quiz = _shown(page, solved.notebook, "quiz")
        check = _shown(page, solved.notebook, "check")
        live = _shown(page, solved.notebook, "live")
        assert check.inner_text().startswith("✓ Passed"), check.inner_text()
        assert quiz.inner_text().startswith("✓"), quiz.inner_text()
        assert "memory of the server" in live.get_by_role("img").get_attribute("aria-label")
        assert live.locator("table").is_visible()
        _photograph(live, "live")
        _photograph(check, "check")
    assert hosts <= {"127.0.0.1", "localhost", None}


def _kernel_connected(page, server):
    kernels = page.request.get(f"{server.url}api/kernels?token={server.token}").json()
    return any(one["connections"] and one["execution_state"] == "idle" for one in kernels)


def _shown(page, notebook, tag):
    """Wait for what the cell of a tag shows."""
    (cell,) = tagged(notebook, tag)
    found = page.locator(".jp-Notebook .jp-Cell").nth(notebook.cells.index(cell))
    output = found.locator(".jp-RenderedHTMLCommon.jp-OutputArea-output")
    output.wait_for(timeout=RUN)
    return output


def _photograph(output, name):
    """Scroll the picture of an output into view, and keep what is on the screen."""
    picture = output.get_by_role("img")
    picture.scroll_into_view_if_needed()
    assert picture.is_visible()
    PICTURES.mkdir(parents=True, exist_ok=True)
    output.page.screenshot(path=PICTURES / f"{NAME[:2]}-{name}.png")
