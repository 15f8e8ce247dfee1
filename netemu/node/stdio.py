"""A container's standard streams: pipes to its log, and what an attached client types."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from netemu.node.descriptors import Descriptor, pipe, resize
from netemu.node.logs import LifeLog
from netemu.node.runtime import Runtime


@dataclass(slots=True)
class Keyboard:
    """Our side of what a container reads, if it reads at all."""

    tty: bool = False
    once: bool = False
    """The first client that ends its input ends the container's (stdinOnce)."""
    number: int = -1
    """The terminal, -1 if there is none."""
    descriptor: Descriptor | None = None

    async def write(self, data: bytes) -> None:
        """Give the container more to read. Raises BrokenPipeError when it no longer does."""
        if self.descriptor is not None:
            await self.descriptor.write(data)

    def left(self) -> None:
        """A client that typed has gone, or has nothing more to say."""
        if self.once and not self.tty:
            self.close()

    def resize(self, width: int, height: int) -> None:
        """The client's window has another size."""
        if self.number >= 0 and self.descriptor is not None:
            resize(self.number, width, height)

    def close(self) -> None:
        """The container reads nothing more, or has ended."""
        if self.descriptor is not None:
            self.descriptor.close()
            self.descriptor = None


@dataclass(slots=True)
class Given:
    """A process' own ends of its streams; None: /dev/null."""

    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None

    def close(self) -> None:
        """Close our copies; a process that was started has its own."""
        given = {self.stdin, self.stdout, self.stderr}  # one terminal may be all three
        self.stdin = self.stdout = self.stderr = None
        for descriptor in given:
            if descriptor is not None:
                os.close(descriptor)


def open_stdio(
    runtime: Runtime, container: Mapping[str, object], log: LifeLog
) -> tuple[Given, Keyboard]:
    """Open what a container is to have. Raises OSError."""
    once = bool(container.get("stdinOnce"))
    if container.get("tty"):
        ours, theirs = runtime.terminal()
        log.read_from(os.dup(ours), "stdout")
        return Given(theirs, theirs, theirs), Keyboard(True, once, ours, Descriptor(ours))
    given, keyboard = Given(), Keyboard()
    if container.get("stdin"):
        given.stdin, ours = pipe()
        keyboard = Keyboard(False, once, -1, Descriptor(ours))
    given.stdout, given.stderr = log.pipe("stdout"), log.pipe("stderr")
    return given, keyboard
