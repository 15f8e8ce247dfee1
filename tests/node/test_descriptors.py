import asyncio
import os
import subprocess

import pytest

from netemu.node.descriptors import Descriptor, pipe, resize
from netemu.tasks import task_group


async def test_a_reader_waits_for_what_is_written() -> None:
    reading, writing = pipe()
    reader = Descriptor(reading)
    async with task_group() as tasks:
        task = tasks.start(reader.read(), name="read")
        await asyncio.sleep(0)
        os.write(writing, b"abc")
        assert await task == b"abc"
    os.close(writing)
    assert await reader.read() == b""
    reader.close()


async def test_a_writer_waits_until_there_is_room() -> None:
    reading, writing = pipe()
    reader, writer = Descriptor(reading), Descriptor(writing)
    big, heard = b"x" * 300_000, b""
    async with task_group() as tasks:
        task = tasks.start(writer.write(big), name="write")
        await asyncio.sleep(0.01)
        assert not task.done()
        while len(heard) < len(big):
            heard += await reader.read()
        await task
    writer.close()
    reader.close()
    assert heard == big


async def test_writing_to_nobody_is_a_broken_pipe() -> None:
    reading, writing = pipe()
    os.close(reading)
    writer = Descriptor(writing)
    with pytest.raises(BrokenPipeError):
        await writer.write(b"x")
    writer.close()
    with pytest.raises(BrokenPipeError):
        await writer.write(b"x")


async def test_closing_wakes_who_waits() -> None:
    reading, writing = pipe()
    reader = Descriptor(reading)
    async with task_group() as tasks:
        task = tasks.start(reader.read(), name="read")
        await asyncio.sleep(0)
        reader.close()
        reader.close()
        assert await task == b""
    os.close(writing)


async def test_a_terminal_ends_when_nobody_has_it_open() -> None:
    ours, theirs = os.openpty()
    resize(ours, 100, 40)
    shown = subprocess.run(["stty", "size"], stdin=theirs, capture_output=True, check=True).stdout
    assert shown == b"40 100\n"
    os.write(theirs, b"text\n")
    os.close(theirs)
    screen = Descriptor(ours)
    assert await screen.read() == b"text\r\n"
    assert await screen.read() == b""
    screen.close()
