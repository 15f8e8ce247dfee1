"""The real kubectl, as tests run it against a server of theirs."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import ApiServer

SECONDS = 20
"""How long a command may take."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed."""

    code: int
    out: str
    err: str


Kubectl = Callable[..., Coroutine[Any, Any, Said]]


@pytest.fixture
async def kubectl(api_server: ApiServer, tmp_path: Path) -> Kubectl:
    """Run kubectl with a home of its own; `stdin` is what it reads with ``-f -``."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": str(api_server.kubeconfig),
    }

    async def run(*args: str, stdin: str = "", fails: bool = False) -> Said:
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        try:
            async with asyncio.timeout(SECONDS):
                out, err = await process.communicate(stdin.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        said = Said(process.returncode, out.decode(), err.decode())
        assert (said.code != 0) is fails, said
        return said

    return run
