"""exec and attach: a process' streams and a client's, pumped into each other.

Clients speak one of two dialects (`remotewebsocket`, `remotespdy`). Both end with a Status that
tells the exit code.
"""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final, Protocol

from netemu.api.duplex import Backlog
from netemu.api.spdy import SpdyError
from netemu.model.errors import InternalError
from netemu.model.meta import Object
from netemu.model.streams import ExecOptions, NotRunning, NotStarted, Output, Session
from netemu.tasks import task_group

STDIN_LIMIT: Final = 256 * 1024
"""Bytes of input kept for a process that doesn't read; beyond, the client has to wait."""
RESIZES_LIMIT: Final = 64
"""Sizes kept for a process that hasn't started yet."""
DRAIN_SECONDS: Final = 2.0
"""How long a command's output is read on after its end: what it left behind may hold it open."""

SUCCESS: Final[Object] = {"metadata": {}, "status": "Success"}

Size = tuple[int, int]


def ended(command: Sequence[str], code: int) -> Object:
    """The Status of a command that has ended."""
    if not code:
        return SUCCESS
    words = f"error executing command [{' '.join(command)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {words}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failed(why: str) -> Object:
    """The Status of a command that could not be run."""
    status = InternalError(f"error executing command in container: {why}").status()
    return {key: value for key, value in status.items() if key not in ("kind", "apiVersion")}


class Client(Protocol):
    """The client's side."""

    stdin: Backlog[bytes]
    sizes: Backlog[Size]

    async def run(self) -> None:
        """Fill `stdin` and `sizes` until the client goes. Raises ConnectionError, SpdyError."""

    async def ready(self) -> bool:
        """Wait until the client can be written to; False if that doesn't happen."""

    async def write(self, output: Output, data: bytes) -> None:
        """Send what the process wrote. Raises ConnectionError."""

    async def finish(self, status: Object) -> None:
        """Send the Status, the last there is. Raises ConnectionError."""


async def serve(
    client: Client, opened: AbstractAsyncContextManager[Session], options: ExecOptions
) -> None:
    """Run or attach to a process for a client, until it ends or the client goes."""
    async with task_group() as tasks:
        reading = tasks.start(_quietly(client.run()), name="client")
        working = tasks.start(_quietly(_work(client, opened, options)), name="session")
        await asyncio.wait({reading, working}, return_when=asyncio.FIRST_COMPLETED)


async def _work(
    client: Client, opened: AbstractAsyncContextManager[Session], options: ExecOptions
) -> None:
    if not await client.ready():
        return
    try:
        async with opened as session:
            code = await _pump(client, session, options)
    except (NotRunning, NotStarted) as error:
        await client.finish(failed(str(error)))
    else:
        # The end of a container's own process is told by the pod's status, not here.
        await client.finish(ended(options.command, code) if options.command else SUCCESS)


async def _pump(client: Client, session: Session, options: ExecOptions) -> int:
    """Carry streams to and fro until the process ends; its exit code."""
    async with task_group() as tasks:
        if options.tty:  # first: what is typed may ask for the window's size
            tasks.start(_resize(client, session), name="resize")
        if options.stdin:
            tasks.start(_type(client, session), name="stdin")
        outputs = {
            tasks.start(_quietly(_show(client, session, output)), name=output.name)
            # Errors first: what failed is told before the output that is cut short by it.
            for output in sorted(options.outputs, reverse=True)
        }
        code = await session.wait()
        if outputs:
            await asyncio.wait(outputs, timeout=DRAIN_SECONDS)
    return code


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """A client that goes, or talks nonsense, ends its own session."""
    with suppress(ConnectionError, SpdyError):
        await work


async def _type(client: Client, session: Session) -> None:
    with suppress(OSError):  # a process that no longer reads isn't the client's affair
        while (data := await client.stdin.take()) is not None:
            await session.write(data)
    session.close_stdin()
    while await client.stdin.take() is not None:
        pass  # read on, so that the client isn't held up


async def _resize(client: Client, session: Session) -> None:
    while (size := await client.sizes.take()) is not None:
        session.resize(*size)


async def _show(client: Client, session: Session, output: Output) -> None:
    while data := await session.read(output):
        await client.write(output, data)


def size_from(text: bytes) -> Size | None:
    """A window's size, as clients send it; None for what is none."""
    try:
        value = json.loads(text)
        width, height = int(value["Width"]), int(value["Height"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (width, height) if 0 <= width < 2**16 and 0 <= height < 2**16 else None
