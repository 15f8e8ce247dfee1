"""What becomes of the announcing process is told, and never fails who asks for it."""

import asyncio
import sys
from pathlib import Path

import pytest

from netemu.fabric import speaker
from netemu.fabric.announcer import Announced
from netemu.fabric.speaker import UNAVAILABLE, Speaker
from tests.support.forked import in_bare_network, needs_root

NOW = Announced({"node-1": "172.30.0.11"}, {"172.30.0.240": "node-1"})


def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """Have another program started for it."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


async def test_each_change_is_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, tmp_path, f"cat > {tmp_path}/told")
    told = Speaker()
    await told.tell(NOW)
    await told.tell(Announced())
    await told.close()
    lines = (tmp_path / "told").read_text().splitlines()
    assert lines == [
        '{"nodes":{"node-1":"172.30.0.11"},"addresses":{"172.30.0.240":"node-1"}}',
        '{"nodes":{},"addresses":{}}',
    ]
    assert told.problem == ""


@pytest.mark.parametrize(("code", "problem"), [(3, UNAVAILABLE), (1, "their announcer ended")])
async def test_its_end_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, problem: str
) -> None:
    stand_in(monkeypatch, tmp_path, f"exit {code}")
    told = Speaker()
    await told.tell(NOW)
    await told.watch()
    assert problem in told.problem
    await told.tell(NOW)
    await told.close()


async def test_one_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, tmp_path, "exec sleep 60 <&-")
    monkeypatch.setattr(speaker, "END_SECONDS", 0.05)
    told = Speaker()
    await told.tell(NOW)
    async with asyncio.timeout(10):
        await told.close()


async def test_who_never_told_anything_started_nothing() -> None:
    told = Speaker()
    await told.close()
    assert told.problem == ""


@needs_root
def test_without_an_uplink_it_says_so() -> None:
    def inside() -> str:
        async def body() -> str:
            told = Speaker()
            await told.tell(NOW)
            await told.watch()
            return told.problem

        return asyncio.run(body())

    assert "ended with 1" in in_bare_network(inside)
