"""Sessions with processes: a command run beside a container, and a container's own process."""

import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from netemu.model.streams import ExecOptions, NotStarted, Output
from netemu.node.descriptors import Descriptor, pipe, resize
from netemu.node.handlers import Target
from netemu.node.run import Run
from netemu.node.runtime import Process, ProcessSpec, Runtime, StartError
from netemu.node.stdio import Given
from netemu.node.taps import Tap

_NAMES = {Output.STDOUT: "stdout", Output.STDERR: "stderr"}


@dataclass(slots=True)
class Ends:
    """Our ends of a command's streams."""

    stdin: Descriptor | None = None
    outputs: dict[Output, Descriptor] = field(default_factory=dict)
    terminal: int = -1


@dataclass(slots=True)
class Command:
    """A command run beside a container."""

    process: Process
    ends: Ends

    async def read(self, output: Output) -> bytes:
        """What it has written since, b"" at the end."""
        descriptor = self.ends.outputs.get(output)
        return b"" if descriptor is None else await descriptor.read()

    async def write(self, data: bytes) -> None:
        """Give it more to read. Raises BrokenPipeError when it no longer does."""
        if self.ends.stdin is not None:
            await self.ends.stdin.write(data)

    def close_stdin(self) -> None:
        """There is nothing more to read; a terminal stays open for what is written to it."""
        if self.ends.stdin is not None and self.ends.terminal < 0:
            self.ends.stdin.close()

    def resize(self, width: int, height: int) -> None:
        """The window has another size."""
        if self.ends.terminal >= 0:
            resize(self.ends.terminal, width, height)

    async def wait(self) -> int:
        """Wait for its end and for what it has written; its exit code."""
        return (await self.process.wait()).code


@dataclass(slots=True)
class Attached:
    """A container's own process."""

    run: Run
    taps: dict[Output, Tap]
    typing: bool

    async def read(self, output: Output) -> bytes:
        """What it has written since, b"" at the end."""
        tap = self.taps.get(output)
        return b"" if tap is None else await tap.read()

    async def write(self, data: bytes) -> None:
        """Give it more to read. Raises BrokenPipeError when it no longer does."""
        await self.run.keyboard.write(data)

    def close_stdin(self) -> None:
        """This client has nothing more to say."""
        if self.typing:
            self.run.keyboard.left()

    def resize(self, width: int, height: int) -> None:
        """The window has another size."""
        self.run.keyboard.resize(width, height)

    async def wait(self) -> int:
        """Wait for its end; its exit code."""
        return (await self.run.process.wait()).code


@asynccontextmanager
async def attached(run: Run, options: ExecOptions) -> AsyncIterator[Attached]:
    """Share the streams of a container's process for the block."""
    taps = {output: run.log.tap(_NAMES[output]) for output in sorted(options.outputs)}
    session = Attached(run, taps, options.stdin)
    try:
        yield session
    finally:
        session.close_stdin()
        for tap in taps.values():
            tap.close()


@asynccontextmanager
async def command(runtime: Runtime, target: Target, options: ExecOptions) -> AsyncIterator[Command]:
    """Run a command beside a container; leaving the block ends it. Raises NotStarted."""
    with ExitStack() as ours:
        ends, given = Ends(), Given()
        try:
            _open(runtime, options, ends, given, ours)
            process = await runtime.start(_spec(target, options, given))
        except StartError as error:
            raise NotStarted(_refusal(str(error))) from None
        finally:
            given.close()
        try:
            yield Command(process, ends)
        finally:
            process.signal(signal.SIGKILL)


def _open(
    runtime: Runtime, options: ExecOptions, ends: Ends, given: Given, ours: ExitStack
) -> None:
    """Open what a command is to have; our ends are closed with `ours`."""
    if options.tty:
        ends.terminal, given.stdin = runtime.terminal()
        given.stdout = given.stderr = given.stdin
        ends.stdin = ends.outputs[Output.STDOUT] = _owned(ends.terminal, ours)
        return
    if options.stdin:
        given.stdin, writing = pipe()
        ends.stdin = _owned(writing, ours)
    if Output.STDOUT in options.outputs:
        reading, given.stdout = pipe()
        ends.outputs[Output.STDOUT] = _owned(reading, ours)
    if Output.STDERR in options.outputs:
        reading, given.stderr = pipe()
        ends.outputs[Output.STDERR] = _owned(reading, ours)


def _spec(target: Target, options: ExecOptions, given: Given) -> ProcessSpec:
    return ProcessSpec(
        sandbox=target.sandbox,
        argv=options.command,
        env={"TERM": "xterm", **target.env} if options.tty else target.env,
        cwd=target.cwd,
        stdin=given.stdin,
        stdout=given.stdout,
        stderr=given.stderr,
        join=target.pid,
        security=target.security,
    )


def _owned(number: int, ours: ExitStack) -> Descriptor:
    descriptor = Descriptor(number)
    ours.callback(descriptor.close)
    return descriptor


def _refusal(why: str) -> str:
    """What containerd and runc say of a command that can't be started."""
    if not why.startswith("OCI runtime"):
        why = f"OCI runtime exec failed: exec failed: unable to start container process: {why}"
    session = secrets.token_hex(32)
    return f'failed to exec in container: failed to start exec "{session}": {why}: unknown'
