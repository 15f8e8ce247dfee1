"""Runs a function in a forked child: what it does to its namespaces and user ends with it."""

import contextlib
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from typing import NoReturn, TypeVar

import pytest

from netemu.fabric import host  # noqa: F401
from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.namespaces import Namespace, die_with_parent, unshare
from netemu.fabric.rtnetlink import Netlink

# A child that has become an unprivileged user may not be able to read the interpreter's files.
from netemu.node.spawner import client, main, view  # noqa: F401

NOBODY = 65534
SECONDS = 40

T = TypeVar("T")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def run(function: Callable[[], T]) -> T:
    """What the function returns, computed in a child; its failure is ours."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _answer(function, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    if not answer:
        raise AssertionError("the child ended without an answer")
    worked, value = pickle.loads(answer)
    if not worked:
        raise AssertionError(f"in a child: {value}")
    return value  # type: ignore[no-any-return]  # what T's pickle holds


def in_own_network(function: Callable[[], T]) -> T:
    """`run` as root in a new network namespace, which plays the host's."""

    def inside() -> T:
        own_network()
        return function()

    return run(inside)


def in_bare_network(function: Callable[[], T]) -> T:
    """Run it in a network namespace in which nothing has been set up."""

    def inside() -> T:
        unshare(Namespace.NET)
        return function()

    return run(inside)


def own_network() -> None:
    """Move into a new network namespace with nothing but a loopback device."""
    unshare(Namespace.NET)
    links = Netlink()
    links.up(LOOPBACK)
    links.close()


def become_nobody() -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    # A process that changed its user isn't its own in /proc until it executes something.
    _dumpable()


def _dumpable() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE


def _answer(function: Callable[[], object], writer: int) -> NoReturn:
    try:
        die_with_parent(signal.SIGKILL)
        signal.alarm(SECONDS)
        try:
            answer = pickle.dumps((True, function()))
        except BaseException:
            answer = pickle.dumps((False, traceback.format_exc()))
        with contextlib.suppress(OSError), os.fdopen(writer, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)
