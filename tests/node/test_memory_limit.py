"""Memory limits, on processes of the test's own."""

import asyncio
import os
import subprocess
import sys

import pytest

from netemu.clock import SystemClock
from netemu.node.memory_limit import family, limit_of, memory_of, watch

MEGABYTE = 2**20
GREEDY = "x = bytearray(64 * 2**20); x[::4096] = b'1' * len(x[::4096]); import time; time.sleep(60)"


@pytest.mark.parametrize(
    ("resources", "limit"),
    [
        (None, None),
        ({"requests": {"memory": "1Gi"}}, None),
        ({"limits": {"cpu": "1"}}, None),
        ({"limits": {"memory": "64Mi"}}, 64 * MEGABYTE),
    ],
)
def test_the_limit(resources: object, limit: int | None) -> None:
    assert limit_of({"name": "c", "resources": resources}) == limit


async def test_whoever_has_too_much_is_told_of_with_all_below_it() -> None:
    script = f'{sys.executable} -c "{GREEDY}" & exec cat'
    told = asyncio.Event()
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE) as process:
        try:
            async with asyncio.timeout(20):
                await watch(process.pid, 32 * MEGABYTE, told.set, SystemClock())
            assert told.is_set()
            assert len(list(family(process.pid))) == 2
            assert memory_of(process.pid) > 32 * MEGABYTE
        finally:
            for pid in list(family(process.pid)):
                os.kill(pid, 9)
    assert memory_of(process.pid) == 0
