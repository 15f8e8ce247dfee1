"""Carrying out a handler, of a probe or of a lifecycle hook, against a running container."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence

from msgspec import Struct

from netemu.clock import Clock
from netemu.node.deadline import deadline
from netemu.node.dialing import dial
from netemu.node.grpc_probe import grpc_check
from netemu.node.http_probe import (
    TIMED_OUT,
    authority,
    dial_error,
    http_get,
    url_of,
)
from netemu.node.probe import (
    Exec,
    Grpc,
    Handler,
    HttpGet,
    Outcome,
    Result,
    Sleep,
    TcpSocket,
    port_number,
)
from netemu.node.runtime import ProcessSpec, Runtime, Security, StartError

OUTPUT_LIMIT = 10 * 1024
"""Bytes of a command's output that are kept (the kubelet's bound)."""


class Target(Struct, frozen=True, kw_only=True):
    """The running container."""

    sandbox: str
    address: str
    pid: int
    env: Mapping[str, str]
    cwd: str
    security: Security = Security()
    ports: Sequence[Mapping[str, object]]


async def carry_out(
    handler: Handler, target: Target, runtime: Runtime, clock: Clock, seconds: float
) -> Outcome:
    """Do what the handler says, in at most `seconds`."""
    try:
        match handler:
            case HttpGet():
                return await _http(handler, target, clock, seconds)
            case TcpSocket():
                return await _tcp(handler, target, clock, seconds)
            case Grpc():
                return await _grpc(handler, target, clock, seconds)
            case Exec():
                return await _exec(handler, target, runtime, clock, seconds)
            case Sleep():
                await clock.sleep(min(handler.seconds, seconds))
                return Outcome(Result.SUCCESS)
    except (ValueError, OSError, StartError) as error:
        return Outcome(Result.ERROR, str(error))


async def _http(get: HttpGet, target: Target, clock: Clock, seconds: float) -> Outcome:
    host, port = get.host or target.address, port_number(get.port, target.ports)
    try:
        async with deadline(clock, seconds):
            return await http_get(get, host, port)
    except TimeoutError:
        return Outcome(Result.FAILURE, f'Get "{url_of(get, host, port)}": {TIMED_OUT}')


async def _tcp(to: TcpSocket, target: Target, clock: Clock, seconds: float) -> Outcome:
    host, port = to.host or target.address, port_number(to.port, target.ports)
    try:
        async with deadline(clock, seconds):
            _, writer = await dial(host, port)
    except TimeoutError:
        return Outcome(Result.FAILURE, f"dial tcp {authority(host, port)}: i/o timeout")
    except OSError as error:
        refused = isinstance(error, ConnectionRefusedError)
        return Outcome(Result.FAILURE, dial_error(host, port, error), refused)
    writer.close()
    return Outcome(Result.SUCCESS)


async def _grpc(call: Grpc, target: Target, clock: Clock, seconds: float) -> Outcome:
    try:
        async with deadline(clock, seconds):
            return await grpc_check(call, target.address, call.port)
    except TimeoutError:
        words = f"timeout: health rpc did not complete within {seconds:g}s"
        return Outcome(Result.FAILURE, words)


async def _exec(
    command: Exec, target: Target, runtime: Runtime, clock: Clock, seconds: float
) -> Outcome:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    spec = ProcessSpec(
        sandbox=target.sandbox,
        argv=command.command,
        env=target.env,
        cwd=target.cwd,
        stdout=writing,
        stderr=writing,
        join=target.pid,
        security=target.security,
    )
    output = _Output(reading)
    try:
        process = await runtime.start(spec)
    except BaseException:  # cancellation, too
        output.close()
        raise
    finally:
        os.close(writing)
    try:
        async with deadline(clock, seconds):
            exited = await process.wait()
    except TimeoutError:
        words = " ".join(command.command)
        message = f'command timed out: "{words}" timed out after {seconds:g}s'
        return Outcome(Result.FAILURE, message)
    finally:
        process.signal(signal.SIGKILL)
        text = output.close()
    return Outcome(Result.FAILURE if exited.code else Result.SUCCESS, text)


class _Output:
    """Collects the beginning of what a command writes and lets the rest pass."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._data = b""
        self._open = True
        os.set_blocking(descriptor, False)
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> bool:
        try:
            data = os.read(self._descriptor, OUTPUT_LIMIT)
        except BlockingIOError:
            return False
        self._data = (self._data + data)[:OUTPUT_LIMIT]
        if not data:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        return bool(data)

    def close(self) -> str:
        """What was written until now."""
        if self._open:
            self._open = False
            while len(self._data) < OUTPUT_LIMIT and self._read():
                pass
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
        return self._data.decode(errors="replace")
