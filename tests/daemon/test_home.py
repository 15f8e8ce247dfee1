import os
import signal
from pathlib import Path

import pytest

from netemu.daemon.home import AlreadyRunning, Home, HomeUnusable, homes


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "state" / "default")
    made.prepare()
    return made


def test_the_folder_is_for_its_owner_alone(home: Home) -> None:
    assert home.folder.stat().st_mode & 0o777 == 0o700


def test_nothing_runs_in_a_new_folder(home: Home) -> None:
    assert home.pid() is None
    assert home.facts() is None


def test_the_holder_of_the_lock_is_the_running_daemon(home: Home) -> None:
    lock = home.lock()
    home.sign(lock)
    assert home.pid() == os.getpid()
    with pytest.raises(AlreadyRunning, match=f'"default" is already running .pid {os.getpid()}'):
        home.lock()
    os.close(lock)
    assert home.pid() is None


def test_the_lock_goes_with_a_killed_holder(home: Home) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        home.sign(home.lock())
        os.write(writing, b".")
        signal.pause()
        os._exit(0)
    assert os.read(reading, 1) == b"."
    assert home.pid() == child
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert home.pid() is None
    os.close(reading)
    os.close(writing)


def test_facts_count_only_while_the_daemon_runs(home: Home) -> None:
    home.write_facts({"api": "https://127.0.0.1:1"})
    assert home.facts() is None
    lock = home.lock()
    home.sign(lock)
    assert home.facts() == {"api": "https://127.0.0.1:1"}
    home.clear()
    assert home.facts() is None
    os.close(lock)


def test_instances_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        made = Home(tmp_path / name)
        made.prepare()
        os.close(made.lock())
    (tmp_path / "other").mkdir()
    assert [home.name for home in homes(tmp_path)] == ["a", "b"]
    assert homes(tmp_path / "none") == []


def test_a_folder_that_cannot_be_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match="cannot use state folder .*: Not a directory"):
        Home(tmp_path / "file" / "default").prepare()
