"""The spawner's loop: takes requests, starts processes, reaps them and says how they ended.

One thread, nothing that waits: a child that hasn't reached its exec is watched like everything
else. When the daemon's end of the channel closes, whatever was started here ends, and so does the
spawner.
"""

import errno
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network

from netemu.fabric.reached import Reached
from netemu.node.runtime import StartError
from netemu.node.spawner import protocol
from netemu.node.spawner.process import OTHER, Program, parse_report
from netemu.node.spawner.sandboxes import Sandbox, Sandboxes

REPORT_LIMIT = 64 * 1024
"""Bytes of a child's report on why it couldn't start: what a pipe holds."""

KILL_AGAIN_MILLISECONDS = 10
"""How soon to look again for processes of a sandbox that is being removed."""


@dataclass(slots=True)
class Child:
    """A process that was forked and not yet reaped."""

    pid: int
    number: int
    sandbox: Sandbox
    pidfd: int
    errors: int
    """Our end of the pipe that closes when it executes its program; -1 once it has."""


class Spawner:
    """The state of the spawner."""

    def __init__(
        self, channel: socket.socket, sandboxes: Sandboxes, reached: Reached | None = None
    ) -> None:
        """`reached` is None where the cluster has no network of its own."""
        self._channel = channel
        self._kinds = sandboxes
        self._reached = reached
        self._sandboxes: dict[str, Sandbox] = {}
        self._removals: dict[str, list[int]] = {}
        """Sandboxes that are being removed, and the requests to answer then."""
        self._children: dict[int, Child] = {}
        self._poll = select.poll()
        self._on_ready: dict[int, Callable[[], None]] = {}
        self._stopped = False

    def serve(self) -> None:
        """Work until told to stop or the daemon is gone; then nothing that was started is left."""
        signals = _wake_for_children()
        self._watch(signals.fileno(), lambda: self._reap(signals))
        self._watch(self._channel.fileno(), self._take_request)
        try:
            while not self._stopped:
                timeout = KILL_AGAIN_MILLISECONDS if self._removals else None
                for fd, _ in self._poll.poll(timeout):
                    # A descriptor that was served may have gone, and its number with it.
                    self._on_ready.get(fd, _nothing)()
                self._continue_removals()
        finally:
            self._kinds.close()

    def _watch(self, fd: int, call: Callable[[], None]) -> None:
        self._on_ready[fd] = call
        self._poll.register(fd, select.POLLIN)

    def _unwatch(self, fd: int) -> None:
        del self._on_ready[fd]
        self._poll.unregister(fd)

    def _take_request(self) -> None:
        received = protocol.receive(self._channel)
        if received is None:
            self._stopped = True
            return
        payload, fds = received
        try:
            self._handle(protocol.decode_request(payload), fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _handle(self, request: protocol.Request, fds: list[int]) -> None:
        match request:
            case protocol.CreateSandbox():
                self._create(request)
            case protocol.RemoveSandbox():
                self._removals.setdefault(request.id, []).append(request.request)
            case protocol.Start():
                self._start(request, fds)
            case protocol.Describe():
                self._describe(request)
            case protocol.Cut():
                self._cut(request)
            case protocol.Reach():
                self._reach(request)
            case protocol.Stop():
                self._stopped = True
            case protocol.SetUp():
                raise AssertionError("set up twice")

    def _create(self, request: protocol.CreateSandbox) -> None:
        if request.id in self._sandboxes:
            self._fail(request.request, FileExistsError(17, f"sandbox {request.id} exists"))
            return
        try:
            self._sandboxes[request.id] = self._kinds.create(request)
        except OSError as error:
            self._fail(request.request, error)
        else:
            self._send(protocol.Done(request.request))

    def _cut(self, request: protocol.Cut) -> None:
        try:
            self._kinds.cut(ip_network(request.pods), request.node, off=request.off)
        except OSError as error:
            self._fail(request.request, error)
        else:
            self._send(protocol.Done(request.request))

    def _reach(self, request: protocol.Reach) -> None:
        network = ip_network(request.network)
        try:
            if self._reached is None:
                raise OSError(errno.EOPNOTSUPP, "the cluster has no network of its own")
            note = ""
            if request.wanted:
                note = self._reached.add(network)
            else:
                self._reached.drop(network)
        except OSError as error:
            self._fail(request.request, error)
        else:
            self._send(protocol.Reached(request.request, note))

    def _describe(self, request: protocol.Describe) -> None:
        sandbox = self._sandboxes.get(request.id)
        if sandbox is None:
            self._fail(request.request, FileNotFoundError(2, f"no sandbox {request.id}"))
        else:
            self._send(protocol.Description(request.request, sandbox.handles))

    def _start(self, request: protocol.Start, fds: list[int]) -> None:
        try:
            sandbox, beside = self._place(request)
            child = self._fork(request, fds, sandbox, beside)
        except StartError as error:
            self._refuse(request.request, error)
        except OSError as error:
            text = f"unable to start container process: {error.strerror}"
            self._refuse(request.request, StartError(text, OTHER))
        else:
            self._children[child.pid] = child
            self._watch(child.errors, lambda: self._finish_start(child))

    def _fork(
        self, request: protocol.Start, fds: list[int], sandbox: Sandbox, beside: int | None
    ) -> Child:
        """Fork the child that becomes the program. Raises OSError."""
        if len(fds) < sum(request.stdio):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))  # they were lost on the way
        given = iter(fds)
        one, two, three = (next(given) if is_given else None for is_given in request.stdio)
        stdio = (one, two, three)
        program = Program(
            request.argv, request.env, request.cwd, stdio, request.mounts, request.security
        )
        reader, writer = os.pipe()
        pid = 0
        try:
            pid = self._kinds.fork(sandbox, program, writer, beside)
            return Child(pid, request.request, sandbox, os.pidfd_open(pid), reader)
        except OSError:
            os.close(reader)
            if pid:
                os.kill(pid, signal.SIGKILL)
            raise
        finally:
            os.close(writer)

    def _place(self, request: protocol.Start) -> tuple[Sandbox, int | None]:
        """The sandbox and the pidfd to start a process in and beside. Raises StartError."""
        sandbox = self._sandboxes.get(request.sandbox)
        if sandbox is None or request.sandbox in self._removals:
            raise StartError(f'sandbox "{request.sandbox}" not found', OTHER)
        if request.join is None:
            return sandbox, None
        for child in self._children.values():
            if child.number == request.join:
                return sandbox, child.pidfd
        raise StartError("cannot exec in a stopped container", OTHER)

    def _finish_start(self, child: Child) -> None:
        """The child has executed its program, or said why it couldn't."""
        report = os.read(child.errors, REPORT_LIMIT)
        self._unwatch(child.errors)
        os.close(child.errors)
        child.errors = -1
        if report:
            del self._children[child.pid]
            os.close(child.pidfd)
            self._refuse(child.number, parse_report(report))
        else:
            self._send(protocol.Started(child.number), [child.pidfd])

    def _reap(self, signals: socket.socket) -> None:
        try:
            while signals.recv(4096):
                pass
        except BlockingIOError:
            pass
        while (ended := _next_ended()) is not None:
            child = self._children.get(ended[0])
            if child is None:
                continue  # an orphan, or one that never started
            if child.errors >= 0:
                self._finish_start(child)
            if self._children.pop(ended[0], None) is not None:
                os.close(child.pidfd)
                self._send(_ending(child.number, ended[1]))

    def _continue_removals(self) -> None:
        for id, requests in tuple(self._removals.items()):
            sandbox = self._sandboxes.get(id)
            if sandbox is None or self._kill(sandbox):
                del self._removals[id]
                answer = self._remove(sandbox)
                for request in requests:
                    self._send(answer(request))

    def _kill(self, sandbox: Sandbox) -> bool:
        pids = [pid for pid, child in self._children.items() if child.sandbox is sandbox]
        return self._kinds.kill(sandbox, pids)

    def _remove(self, sandbox: Sandbox | None) -> Callable[[int], protocol.Answer]:
        if sandbox is not None:
            del self._sandboxes[sandbox.id]
            try:
                self._kinds.remove(sandbox)
            except OSError as error:
                return partial(_failed, error)
        return protocol.Done

    def _refuse(self, request: int, error: StartError) -> None:
        self._send(protocol.NotStarted(request, error.code, str(error)))

    def _fail(self, request: int, error: OSError) -> None:
        self._send(_failed(error, request))

    def _send(self, event: protocol.Event, fds: list[int] | None = None) -> None:
        try:
            protocol.send(self._channel, event, fds or [])
        except (BrokenPipeError, ConnectionResetError):
            self._stopped = True


def _failed(error: OSError, request: int) -> protocol.Failed:
    return protocol.Failed(request, error.errno or 0, error.strerror or str(error))


def _nothing() -> None:
    """What a descriptor that is gone has to say."""


def _wake_for_children() -> socket.socket:
    """A socket that becomes readable whenever a child has ended."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return ours


def _next_ended() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def _ending(number: int, status: int) -> protocol.Ended:
    if os.WIFSIGNALED(status):
        by = os.WTERMSIG(status)
        return protocol.Ended(number, 128 + by, by)
    return protocol.Ended(number, os.WEXITSTATUS(status), 0)
