import os
from pathlib import Path

import pytest

from netemu.node.logs import LifeLog
from netemu.node.stdio import Given, Keyboard, open_stdio
from tests.support.clock import FakeClock
from tests.support.runtime import PlainRuntime


@pytest.fixture
async def log(tmp_path: Path) -> LifeLog:
    return LifeLog(tmp_path / "0.log", 10_000, FakeClock())


async def test_a_container_reads_nothing_unless_it_says_so(log: LifeLog) -> None:
    given, keyboard = open_stdio(PlainRuntime(), {}, log)
    assert given.stdin is None
    await keyboard.write(b"lost")
    keyboard.resize(80, 24)
    keyboard.close()
    given.close()
    log.close()


async def test_standard_input_is_a_pipe(log: LifeLog) -> None:
    given, keyboard = open_stdio(PlainRuntime(), {"stdin": True}, log)
    assert given.stdin is not None
    await keyboard.write(b"typed")
    assert os.read(given.stdin, 100) == b"typed"
    keyboard.left()  # another client may come
    await keyboard.write(b"more")
    assert os.read(given.stdin, 100) == b"more"
    keyboard.close()
    assert os.read(given.stdin, 100) == b""
    given.close()
    log.close()


async def test_with_stdin_once_the_first_client_ends_it(log: LifeLog) -> None:
    given, keyboard = open_stdio(PlainRuntime(), {"stdin": True, "stdinOnce": True}, log)
    assert given.stdin is not None
    keyboard.left()
    assert os.read(given.stdin, 100) == b""
    given.close()
    log.close()


async def test_a_terminal_is_all_three(log: LifeLog) -> None:
    given, keyboard = open_stdio(
        PlainRuntime(), {"tty": True, "stdin": True, "stdinOnce": True}, log
    )
    assert given.stdin == given.stdout == given.stderr
    assert given.stdin is not None
    assert os.isatty(given.stdin)
    tap = log.tap("stdout")
    keyboard.resize(100, 40)
    assert os.get_terminal_size(given.stdin) == (100, 40)
    keyboard.left()  # a terminal stays
    os.write(given.stdin, b"shown\n")
    assert await tap.read() == b"shown\r\n"
    given.close()
    keyboard.close()
    log.close()
    assert await tap.read() == b""
    assert b"shown" in log.path.read_bytes()


async def test_what_was_given_is_closed_once() -> None:
    reading, writing = os.pipe()
    given = Given(None, writing, writing)
    given.close()
    given.close()
    assert os.read(reading, 1) == b""
    os.close(reading)


async def test_a_keyboard_that_is_none_takes_everything() -> None:
    keyboard = Keyboard()
    await keyboard.write(b"x")
    keyboard.left()
    keyboard.close()
