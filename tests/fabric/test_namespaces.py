import ctypes
import errno
import os
import sys

import pytest

from netemu.fabric import namespaces
from netemu.fabric.namespaces import Mount, Namespace
from tests.support import forked
from tests.support.forked import needs_root


def test_a_refused_call_raises_the_systems_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor") as refusal:
        namespaces.setns(-1, Namespace.NET)
    assert refusal.value.errno == errno.EBADF


@needs_root
def test_after_an_excursion_one_is_back() -> None:
    def inside() -> tuple[bool, bool]:
        before = os.readlink("/proc/self/ns/net")
        with namespaces.excursion({"net": Namespace.NET}):
            namespaces.unshare(Namespace.NET)
            away = os.readlink("/proc/self/ns/net")
        return before != away, before == os.readlink("/proc/self/ns/net")

    assert forked.run(inside) == (True, True)


@needs_root
def test_an_excursion_that_fails_ends_at_home_too() -> None:
    def fail() -> None:
        with namespaces.excursion({"uts": Namespace.UTS}):
            namespaces.unshare(Namespace.UTS)
            raise ArithmeticError

    def inside() -> bool:
        before = os.readlink("/proc/self/ns/uts")
        with pytest.raises(ArithmeticError):
            fail()
        return before == os.readlink("/proc/self/ns/uts")

    assert forked.run(inside)


@needs_root
def test_private_mounts_are_seen_by_nobody_else() -> None:
    def inside() -> bool:
        namespaces.private_mounts()
        namespaces.mount("tmpfs", "/mnt", "tmpfs", Mount.NOSUID)
        return os.path.ismount("/mnt")

    was_mount = os.path.ismount("/mnt")
    assert forked.run(inside)
    assert os.path.ismount("/mnt") == was_mount


@needs_root
def test_an_unprivileged_user_becomes_root_of_its_own_namespace() -> None:
    def inside() -> tuple[int, int]:
        forked.become_nobody()
        uid, gid = os.geteuid(), os.getegid()
        namespaces.unshare(Namespace.USER)
        namespaces.map_root(uid, gid)
        return os.geteuid(), os.getegid()

    assert forked.run(inside) == (0, 0)


def test_signals_that_the_c_library_hides_get_their_default_back() -> None:
    """As posix_spawn(3) leaves them: ignored."""

    def inside() -> tuple[str, str]:
        ignore = (1).to_bytes(8, sys.byteorder) + bytes(24)
        call = ctypes.CDLL(None).syscall
        number = ctypes.c_long(namespaces._RT_SIGACTION[os.uname().machine])
        for signal in (32, 33):
            call(number, ctypes.c_int(signal), ignore, None, ctypes.c_size_t(8))
        before = _ignored()
        namespaces.default_internal_signals()
        return before[:8], _ignored()[:8]

    assert forked.run(inside) == ("00000001", "00000000")


def _ignored() -> str:
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("SigIgn"))
