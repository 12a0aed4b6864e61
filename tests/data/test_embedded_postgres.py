"""The embedded server starts under difficult conditions, and leaves nothing running."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from lab.data import embedded_postgres
from lab.data.database import database
from lab.data.postgres_supervisor import handle_stale_pid_file, is_server_on
from lab.errors import LabError
from tests.helpers import processes_naming, wait_until

HOLD = """
import sys
from lab.data.database import database
with database() as engine, engine.connect() as connection:
    print(connection.exec_driver_sql("select pg_postmaster_start_time()").scalar(), flush=True)
    sys.stdin.read()
"""


def hold(home: Path) -> subprocess.Popen[str]:
    """Start a process that uses the server until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, "MEMORY_LAB_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def server_is_gone(home: Path) -> bool:
    return wait_until(lambda: not processes_naming(str(home)))


def release(user: subprocess.Popen[str]) -> None:
    user.communicate("", timeout=30)


def test_it_starts_serves_and_stops_with_the_last_user(own_home):
    with database() as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1
        assert processes_naming(str(own_home))
    assert server_is_gone(own_home)


def test_two_processes_at_once_share_one_server_and_the_last_one_stops_it(own_home):
    first, second = hold(own_home), hold(own_home)
    assert first.stdout.readline() == second.stdout.readline() != ""
    release(first)
    assert processes_naming(str(own_home))
    release(second)
    assert server_is_gone(own_home)


def test_a_killed_user_does_not_keep_it_running(own_home):
    user = hold(own_home)
    assert user.stdout.readline()
    user.kill()
    user.communicate()
    assert server_is_gone(own_home)


def test_a_killed_supervisor_takes_the_server_along_and_the_next_user_starts_anew(own_home):
    user = hold(own_home)
    before = user.stdout.readline()
    (supervisor,) = processes_naming("lab.data.postgres_supervisor") and [
        p for p in processes_naming(str(own_home)) if "lab.data.postgres_supervisor" in p.cmdline()
    ]
    sockets = Path(json.loads(embedded_postgres.place().state.read_text())["sockets"])
    supervisor.kill()
    release(user)
    following = hold(own_home)
    after = following.stdout.readline()
    assert after
    assert after != before
    assert not sockets.exists()
    release(following)
    assert server_is_gone(own_home)


@pytest.mark.parametrize("name", ["a home with spaces", "größe und 猫"])
def test_a_home_with_spaces_and_letters_from_anywhere(own_home, name, monkeypatch):
    home = own_home / name
    monkeypatch.setenv("MEMORY_LAB_HOME", str(home))
    with database() as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1
    assert server_is_gone(home)


def test_a_long_home_does_not_make_the_socket_too_long(own_home, monkeypatch):
    home = own_home / ("long" * 20) / ("longer" * 10)
    monkeypatch.setenv("MEMORY_LAB_HOME", str(home))
    with database() as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1
    assert server_is_gone(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that others cannot enter")
def test_roots_own_folder_is_left_closed(monkeypatch):
    """The server's account cannot enter it, so the data goes elsewhere and no mode is changed."""
    closed = Path(tempfile.mkdtemp(prefix="memory-lab-closed-"))
    home = closed / "home"
    monkeypatch.setenv("MEMORY_LAB_HOME", str(home))
    try:
        with database() as engine, engine.connect() as connection:
            assert connection.exec_driver_sql("select 1").scalar() == 1
        assert closed.stat().st_mode & 0o077 == 0
        folder = embedded_postgres.place().folder
        assert not folder.is_relative_to(closed)
        assert wait_until(lambda: not processes_naming(str(folder)))
        shutil.rmtree(folder)
    finally:
        shutil.rmtree(closed)


def test_a_stale_pid_file_that_names_somebody_elses_process_harms_nobody(own_home):
    with database():
        pass
    assert server_is_gone(own_home)
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        where = embedded_postgres.place()
        (where.data / "postmaster.pid").write_text(
            f"{bystander.pid}\n{where.data}\n1700000000\n5432\n/tmp\n\n  1  1\nready\n"
        )
        with database() as engine, engine.connect() as connection:
            assert connection.exec_driver_sql("select 1").scalar() == 1
        assert server_is_gone(own_home)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_an_orphaned_server_of_ours_is_stopped_and_only_that(own_home):
    """Without a parent-death signal (as on macOS) a server can outlive its supervisor."""
    with database():
        pass
    assert server_is_gone(own_home)
    where = embedded_postgres.place()
    account = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    sockets = Path(tempfile.mkdtemp(prefix="memory-lab-orphan-"))
    if account:
        shutil.chown(sockets, "nobody")
    orphan = subprocess.Popen(
        [embedded_postgres.programs() / "postgres", "-D", where.data, "-k", sockets, "-h", ""],
        cwd=where.data,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C"},
        **account,
    )
    try:
        pid_file = where.data / "postmaster.pid"
        assert wait_until(lambda: pid_file.exists() and "ready" in pid_file.read_text())
        assert is_server_on(psutil.Process(orphan.pid), where.data)
        assert not is_server_on(psutil.Process(), where.data)
        handle_stale_pid_file(where)
        assert orphan.wait(20) == 0
    finally:
        if orphan.poll() is None:
            orphan.send_signal(signal.SIGQUIT)
            orphan.wait()
        shutil.rmtree(sockets)


def test_a_server_that_cannot_start_says_where_to_look(own_home):
    where = embedded_postgres.place()
    where.data.mkdir()
    (where.data / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(LabError, match=r"did not start: see .*server\.log") as caught:
        database().__enter__()
    assert "configuration file" in caught.value.details
    assert server_is_gone(own_home)


def test_a_folder_with_somebody_elses_things_is_not_touched(own_home):
    data = own_home / "postgresql" / "data"
    data.mkdir(parents=True)
    (data / "theirs").touch()
    with pytest.raises(LabError, match="contains files that are not the lab's"):
        database().__enter__()
    assert (data / "theirs").exists()


def test_a_folder_that_others_of_ours_are_making_is_taken(tmp_path):
    """Many first commands at once, each of which uses the folder as soon as possible."""

    def first_command(home):
        place = embedded_postgres.Place(home)
        embedded_postgres._adopt(home)
        place.users.touch()

    with ThreadPoolExecutor(8) as threads:
        for number in range(100):
            list(threads.map(first_command, [tmp_path / str(number)] * 8))


def test_a_home_that_cannot_be_made_is_named(monkeypatch):
    monkeypatch.setenv("MEMORY_LAB_HOME", "/proc/nowhere")
    with pytest.raises(LabError, match="cannot create /proc/nowhere"):
        database().__enter__()


def test_a_long_temporary_folder_does_not_matter(own_home, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(own_home / ("long" * 30)))
    with database() as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1
    assert server_is_gone(own_home)


def test_a_half_made_cluster_is_made_again(own_home):
    where = embedded_postgres.place()
    where.data.mkdir()
    (where.data / "base").mkdir()
    with database() as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1
    assert server_is_gone(own_home)
