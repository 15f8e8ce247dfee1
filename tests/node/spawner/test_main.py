"""What the spawner keeps of the daemon it was forked from: nothing that could be in the way."""

import fcntl
import os
import resource
import signal
import tempfile

from netemu.config.settings import NetMode
from netemu.node.spawner.launch import Launched, launch
from tests.support import instance


def test_it_holds_no_descriptor_of_the_daemons(mode: NetMode) -> None:
    """A lock, for one, is free when the daemon has let it go."""

    def on_host() -> tuple[list[str], bool]:
        with tempfile.NamedTemporaryFile() as file:
            lock = os.open(file.name, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            launched = launch(instance.settings(mode)).ready()
            os.close(lock)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stdio = [os.readlink(f"/proc/{launched.spawner}/fd/{number}") for number in (0, 1)]
            launched.stop()
        return stdio, True

    assert instance.on_host(mode, on_host) == (["/dev/null"] * 2, True)


def test_signals_to_the_terminals_group_do_not_reach_it(mode: NetMode) -> None:
    async def body(launched: Launched) -> bool:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(launched.spawner, number)
        await instance.add_pod(launched, "web")
        return os.getsid(launched.spawner) == launched.spawner

    assert instance.in_instance(mode, body)


def test_it_holds_no_directory_busy() -> None:
    async def body(launched: Launched) -> str:
        return os.readlink(f"/proc/{launched.spawner}/cwd")

    assert instance.in_instance(NetMode.LOOPBACK, body) == "/"


def test_it_may_open_as_many_files_as_the_system_allows() -> None:
    async def body(launched: Launched) -> tuple[int, int]:
        return resource.prlimit(launched.spawner, resource.RLIMIT_NOFILE)

    soft, hard = instance.in_instance(NetMode.LOOPBACK, body)
    assert soft == hard
