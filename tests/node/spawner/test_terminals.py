"""The instance's own terminals."""

import os

import pytest

from netemu.config.settings import NetMode
from netemu.node.spawner.launch import Launched
from netemu.node.spawner.terminals import open_terminal
from tests.support import instance

PYTHON = "/usr/bin/python3"
NAMED = "import os, pty; m, s = pty.openpty(); print(os.isatty(s), os.ttyname(s)[:9])"


@pytest.mark.skipif(not os.path.exists(PYTHON), reason="needs the system's Python")
def test_programs_can_open_terminals(isolated: NetMode) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        return await instance.shell(launched, "web", f"{PYTHON} -c '{NAMED}'")

    assert instance.in_instance(isolated, body) == "True /dev/pts/\n"


def test_pods_know_the_names_of_terminals_they_are_given(mode: NetMode) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        ours, theirs = launched.runtime.terminal()
        try:
            return await instance.shell(launched, "web", "tty", stdin=theirs)
        finally:
            os.close(ours)
            os.close(theirs)

    assert instance.in_instance(mode, body).startswith("/dev/pts/")


def test_without_a_folder_they_are_the_hosts() -> None:
    ours, theirs = open_terminal(None)
    assert os.ttyname(theirs).startswith("/dev/pts/")
    os.close(ours)
    os.close(theirs)


def test_what_is_no_devpts_is_refused(tmp_path: os.PathLike[str]) -> None:
    folder = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    with pytest.raises(FileNotFoundError):
        open_terminal(folder)
    os.close(folder)
