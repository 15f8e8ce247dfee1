"""Pipes kept for reuse."""

import fcntl
import os

from netemu.proxy.pipes import PIPE_SIZE, PipePool


def test_a_pipe_holds_what_bulk_transfers_need() -> None:
    pool = PipePool()
    pipe = pool.take()
    assert pipe is not None
    assert fcntl.fcntl(pipe.sink, fcntl.F_GETPIPE_SZ) == PIPE_SIZE
    pool.give(pipe)
    pool.close()


def test_a_pipe_given_back_is_used_again() -> None:
    pool = PipePool()
    pipe = pool.take()
    assert pipe is not None
    pool.give(pipe)
    assert pool.take() is pipe
    pool.give(pipe)
    pool.close()


def test_there_are_no_more_than_the_limit() -> None:
    pool = PipePool(limit=1)
    pipe = pool.take()
    assert pipe is not None
    assert pool.take() is None
    pool.give(pipe)
    assert pool.take() is pipe
    pool.give(pipe)
    pool.close()


def test_no_more_than_a_few_are_kept_idle() -> None:
    pool = PipePool(idle=1)
    first, second = pool.take(), pool.take()
    assert first is not None
    assert second is not None
    pool.give(first)
    pool.give(second)
    assert not os.path.exists(f"/proc/self/fd/{second.sink}")
    assert os.path.exists(f"/proc/self/fd/{first.sink}")
    pool.close()
    assert not os.path.exists(f"/proc/self/fd/{first.sink}")


def test_what_lies_in_a_pipe_never_reaches_another_connection() -> None:
    pool = PipePool()
    pipe = pool.take()
    assert pipe is not None
    pipe.filled = os.write(pipe.sink, b"secret")
    pool.give(pipe)
    other = pool.take()
    assert other is not None
    assert other is not pipe
    pool.give(other)
    pool.close()
