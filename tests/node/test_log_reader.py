import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from netemu.model.streams import LogOptions
from netemu.node.log_reader import read_log
from netemu.node.logs import LifeLog, log_path, log_time, rotated_path
from tests.support.clock import FakeClock

START = 1_700_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Five lines, a second apart, the third in two parts."""
    texts = ["F one", "F two", "P thr", "F ee", "F four", "F five"]
    lines = (f"{log_time(START + n)} stdout {text}\n" for n, text in enumerate(texts))
    path = log_path(tmp_path, 0)
    path.write_text("".join(lines))
    return path


async def read(path: Path, live: LifeLog | None = None, **options: object) -> str:
    wanted = LogOptions(container="main", **options)  # type: ignore[arg-type]  # by name below
    return b"".join([piece async for piece in read_log(path, live, wanted)]).decode()


async def test_the_whole_log(path: Path) -> None:
    assert await read(path) == "one\ntwo\nthree\nfour\nfive\n"


async def test_a_carriage_return_ends_no_line(tmp_path: Path) -> None:
    path = log_path(tmp_path, 0)
    path.write_bytes(f"{log_time(START)} stdout F 10%\r50%\r100%\v\f\r\n".encode())
    assert await read(path) == "10%\r50%\r100%\v\f\r\n"


@pytest.mark.parametrize(
    ("lines", "text"),
    [(0, ""), (1, "five\n"), (2, "four\nfive\n"), (99, "one\ntwo\nthree\nfour\nfive\n")],
)
async def test_the_end_of_the_log(path: Path, lines: int, text: str) -> None:
    assert await read(path, tail_lines=lines) == text


async def test_the_end_of_a_long_log(tmp_path: Path) -> None:
    path = log_path(tmp_path, 0)
    line = f"{log_time(START)} stdout F "
    path.write_text("".join(f"{line}{number:05} {'x' * 90}\n" for number in range(2000)))
    found = (await read(path, tail_lines=1000)).splitlines()
    assert [found[0][:5], len(found)] == ["01000", 1000]


async def test_since_a_time(path: Path) -> None:
    assert await read(path, since=START + 3.5) == "four\nfive\n"


async def test_a_limit_of_bytes_cuts_anywhere(path: Path) -> None:
    assert await read(path, limit_bytes=6) == "one\ntw"


async def test_timestamps(path: Path) -> None:
    assert await read(path, tail_lines=1, timestamps=True) == f"{log_time(START + 5)} five\n"


async def test_a_rotated_file_is_part_of_the_log(path: Path) -> None:
    path.replace(rotated_path(path))
    path.write_text(f"{log_time(START)} stdout F six\n")
    assert (await read(path)).endswith("five\nsix\n")
    assert await read(path, tail_lines=2) == "five\nsix\n"


async def test_a_life_without_a_log(tmp_path: Path) -> None:
    assert await read(tmp_path / "9.log") == ""


async def test_damage_is_passed_over(path: Path) -> None:
    path.write_text(f"not a line\n{log_time(START)} stdout F good\n")
    assert await read(path, since=START) == "good\n"


async def line_of(pieces: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(5):
        return await anext(pieces)


async def test_following_until_the_container_has_ended(tmp_path: Path) -> None:
    log = LifeLog(log_path(tmp_path, 0), 10_000, FakeClock())
    log.write("stdout", [(b"one", True)])
    pieces = read_log(log.path, log, LogOptions(container="main", follow=True))
    assert await line_of(pieces) == b"one\n"
    log.write("stdout", [(b"two", True)])
    assert await line_of(pieces) == b"two\n"
    log.write("stdout", [(b"three", True)])
    log.close()
    assert await line_of(pieces) == b"three\n"
    with pytest.raises(StopAsyncIteration):
        await line_of(pieces)


async def test_following_across_a_rotation(tmp_path: Path) -> None:
    log = LifeLog(log_path(tmp_path, 0), 90, FakeClock())
    log.write("stdout", [(b"one", True)])
    pieces = read_log(log.path, log, LogOptions(container="main", follow=True))
    assert await line_of(pieces) == b"one\n"
    log.write("stdout", [(b"two", True)])
    log.write("stdout", [(b"three", True)])
    log.close()
    assert [piece async for piece in pieces] == [b"two\n", b"three\n"]
