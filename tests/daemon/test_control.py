import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from netemu.daemon.asking import Refused, ask
from netemu.daemon.control import serve_control


async def double(question: dict[str, Any]) -> int:
    return int(question["number"]) * 2


async def refuse(question: dict[str, Any]) -> None:
    raise Refused("not today")


HANDLERS = {"double": double, "refuse": refuse}


async def test_a_question_gets_its_answer(tmp_path: Path) -> None:
    async with serve_control(tmp_path / "s", lambda: HANDLERS):
        assert await asyncio.to_thread(ask, tmp_path / "s", "double", number=21) == 42


async def test_a_refusal_reaches_the_caller(tmp_path: Path) -> None:
    async with serve_control(tmp_path / "s", lambda: HANDLERS):
        with pytest.raises(Refused, match="not today"):
            await asyncio.to_thread(ask, tmp_path / "s", "refuse")
        with pytest.raises(Refused, match="no such question"):
            await asyncio.to_thread(ask, tmp_path / "s", "other")


async def test_a_long_path_is_no_problem(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    async with serve_control(folder / "s", lambda: HANDLERS):
        assert await asyncio.to_thread(ask, folder / "s", "double", number=1) == 2


async def test_garbage_and_silence_harm_nobody(tmp_path: Path) -> None:
    async with serve_control(tmp_path / "s", lambda: HANDLERS):
        for junk in (b"\xff\x00\n", b"[]\n", b"{}\n", b""):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(tmp_path / "s"))
                sock.sendall(junk)
        assert await asyncio.to_thread(ask, tmp_path / "s", "double", number=3) == 6


async def test_the_socket_is_gone_afterwards(tmp_path: Path) -> None:
    async with serve_control(tmp_path / "s", lambda: HANDLERS):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        ask(tmp_path / "s", "double", number=1)
