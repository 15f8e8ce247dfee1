import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from netemu.node.logs import (
    EARLY_SECONDS,
    LONGEST_LINE,
    LifeLog,
    forget_lives,
    log_path,
    log_time,
    rotated_path,
    split_lines,
)
from tests.support.clock import FakeClock

TIME = "2023-11-14T22:13:20.000000000Z"


async def eventually(holds: Callable[[], bool], log: LifeLog) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await log.changed()


def test_times_have_nine_digits() -> None:
    assert log_time(1_700_000_000.25) == "2023-11-14T22:13:20.250000000Z"


def test_lines_are_split_and_the_rest_waits() -> None:
    assert split_lines(b"a\n\nb") == ([(b"a", True), (b"", True)], b"b")


def test_a_line_too_long_is_cut_in_parts() -> None:
    parts, rest = split_lines(b"x" * (LONGEST_LINE + 1) + b"\ny")
    assert [(len(text), full) for text, full in parts] == [(LONGEST_LINE, False), (1, True)]
    assert rest == b"y"
    parts, rest = split_lines(b"x" * (2 * LONGEST_LINE + 1))
    assert [full for _, full in parts] == [False, False]
    assert rest == b"x"


@given(st.lists(st.sampled_from([b"a", b"bc\n", b"\n", b"x" * 9000]), max_size=12))
def test_however_it_arrives_nothing_is_lost_or_added(chunks: list[bytes]) -> None:
    rest, written = b"", b""
    for chunk in chunks:
        parts, rest = split_lines(rest + chunk)
        written += b"".join(text + (b"\n" if full else b"") for text, full in parts)
        assert len(rest) <= LONGEST_LINE
    assert written + rest == b"".join(chunks)


async def test_who_comes_soon_sees_all_of_a_stream_who_comes_late_what_follows(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    log = LifeLog(log_path(tmp_path / "main", 0), 10_000, clock)
    out, err = log.pipe("stdout"), log.pipe("stderr")
    os.write(out, b"one\r\n\ntw")
    os.write(err, b"no\n")
    await eventually(
        lambda: b"one" in log.path.read_bytes() and b"no" in log.path.read_bytes(), log
    )
    soon = log.tap("stdout")
    assert await soon.read() == b"one\r\n\ntw"
    second = log.tap("stdout")
    await clock.advance(EARLY_SECONDS + 1)
    late = log.tap("stdout")
    os.write(out, b"o\n")
    assert {await tap.read() for tap in (soon, second, late)} == {b"o\n"}
    os.close(err)
    log.close()
    assert await log.tap("stderr").read() == b""
    os.close(out)


async def test_who_comes_just_after_the_end_sees_all(tmp_path: Path) -> None:
    log = LifeLog(log_path(tmp_path / "main", 0), 10_000, FakeClock())
    out = log.pipe("stdout")
    os.write(out, b"one\ntwo")
    os.close(out)
    log.close()
    tap = log.tap("stdout")
    assert [await tap.read(), await tap.read()] == [b"one\ntwo", b""]


async def test_what_a_process_writes_is_in_the_file(tmp_path: Path) -> None:
    log = LifeLog(log_path(tmp_path / "main", 0), 10_000, FakeClock())
    out, err = log.pipe("stdout"), log.pipe("stderr")
    os.write(out, b"one\ntw")
    await eventually(lambda: b"one" in log.path.read_bytes(), log)
    os.write(out, b"o\n")
    os.write(err, b"bad")
    os.close(out)
    os.close(err)
    log.close()
    lines = log.path.read_text().splitlines()
    assert lines == [f"{TIME} stdout F one", f"{TIME} stdout F two", f"{TIME} stderr P bad"]


async def test_closing_takes_what_is_still_in_the_pipe(tmp_path: Path) -> None:
    log = LifeLog(log_path(tmp_path, 0), 10_000, FakeClock())
    out = log.pipe("stdout")
    os.write(out, b"last words\n")
    log.close()  # a process left behind still holds the other end
    os.close(out)
    log.close()
    assert log.path.read_text() == f"{TIME} stdout F last words\n"


async def test_a_full_file_makes_room_once(tmp_path: Path) -> None:
    log = LifeLog(log_path(tmp_path, 0), 100, FakeClock())
    for number in range(5):
        log.write("stdout", [(b"line %d" % number, True)])
    log.close()
    assert log.path.read_text().endswith("line 4\n")
    assert rotated_path(log.path).read_text().endswith("line 3\n")
    assert log.rotations == 2
    assert {path.name for path in tmp_path.iterdir()} == {"0.log", "0.log.1"}


def test_two_lives_are_kept(tmp_path: Path) -> None:
    for name in ("0.log", "1.log", "1.log.1", "2.log", "2.log.1"):
        (tmp_path / name).touch()
    (tmp_path / "home").mkdir()
    forget_lives(tmp_path, newest=3)
    assert {path.name for path in tmp_path.iterdir()} == {"2.log", "2.log.1", "home"}
