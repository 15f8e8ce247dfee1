"""The control socket: one JSON line asks, one JSON line answers.

Only the instance's owner can reach it (its folder is 0700), so it needs no credentials; what it
offers is what the command line needs and Kubernetes' API has no place for.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

from netemu.daemon.asking import ANSWER_SECONDS, LINE_LIMIT, Refused

Handler: TypeAlias = Callable[[dict[str, Any]], Awaitable[Any]]
Handlers: TypeAlias = Callable[[], Mapping[str, Handler]]


@asynccontextmanager
async def serve_control(path: Path, handlers: Handlers) -> AsyncIterator[None]:
    """Answer on `path` until left; a handler's `Refused` reaches the caller.

    `handlers` is asked for the handlers with each question.
    """

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await _answer(await reader.readline(), handlers)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # the caller went away, or never asked
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        server = await asyncio.start_unix_server(
            converse, f"/proc/self/fd/{folder}/{path.name}", limit=LINE_LIMIT
        )
        async with server:
            yield
    finally:
        path.unlink(missing_ok=True)
        os.close(folder)


async def _answer(line: bytes, handlers: Handlers) -> dict[str, Any]:
    try:
        question = json.loads(line)
        handler = handlers()[question["ask"]]
    except (ValueError, KeyError, TypeError):
        return {"error": "no such question"}
    try:
        return {"answer": await handler(question)}
    except Refused as refused:
        return {"error": str(refused)}
