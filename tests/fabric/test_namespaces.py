import errno
import os

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
