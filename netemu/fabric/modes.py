"""Finds out how much of the machine netemu may use, by trying.

What a kernel, a container runtime or a security module allows can't be read off anywhere, so each
mode is tried out in a forked child, which takes its namespaces with it when it ends.
"""

import errno
import os
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from msgspec import Struct

from netemu.config.settings import IpFamily, NetMode
from netemu.fabric.namespaces import Mount, Namespace, map_root, mount, private_mounts, unshare
from netemu.fabric.rtnetlink import Netlink, VethEnd

ANSWER_LIMIT = 4096
"""Bytes a trial may say about what failed."""


class ModeRefused(Exception):
    """The mode that was asked for isn't possible here; the text says why and what would help."""


class Choice(Struct, frozen=True):
    """What netemu may use, and why not more."""

    mode: NetMode
    refused: Mapping[NetMode, str]
    """For each better mode that was tried, why it isn't possible."""


class Failure(Struct, frozen=True):
    """The step of a trial that failed."""

    step: str
    number: int


def choose(asked: NetMode, attempt: Callable[[NetMode], str | None]) -> Choice:
    """Take the mode asked for, or for `auto` the first that works. Raises ModeRefused."""
    if asked is not NetMode.AUTO:
        reason = attempt(asked)
        if reason:
            raise ModeRefused(f"--net {asked} isn't possible here: {reason}")
        return Choice(asked, {})
    refused: dict[NetMode, str] = {}
    for mode in (NetMode.ROOT, NetMode.ROOTLESS):
        reason = attempt(mode)
        if reason is None:
            return Choice(mode, refused)
        refused[mode] = reason
    return Choice(NetMode.LOOPBACK, refused)


def require(choice: Choice, families: Collection[IpFamily]) -> None:
    """Make sure that the address families asked for can be had. Raises ModeRefused."""
    if IpFamily.IPV6 not in families:
        return
    if choice.mode is NetMode.LOOPBACK:
        why = "".join(
            f"; --net {mode} isn't possible: {why}" for mode, why in choice.refused.items()
        )
        text = "it needs namespaces, as the loopback interface has a single address of it"
        raise ModeRefused(f"network.ipFamilies: IPv6 isn't possible here: {text}{why}")
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError as error:
        text = f"the kernel has none ({error.strerror})"
        raise ModeRefused(f"network.ipFamilies: IPv6 isn't possible here: {text}") from error


def attempt(mode: NetMode) -> str | None:
    """Why a mode isn't possible here; None when it is."""
    if mode is NetMode.LOOPBACK:
        return None
    if mode is NetMode.ROOT and os.geteuid() != 0:
        return "it needs root"
    failure = _in_child(mode)
    return None if failure is None else explain(mode, failure, _sysctl)


def explain(mode: NetMode, failure: Failure, sysctl: Callable[[str], str | None]) -> str:
    """Say what failed and what would help."""
    text = f"{failure.step}: {os.strerror(failure.number)}"
    advice = _advice(mode, failure, sysctl)
    return f"{text} ({advice})" if advice else text


SWITCHES = (
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user/max_user_namespaces", "0", "10000"),
    ("user/max_net_namespaces", "0", "10000"),
)
"""Kernel parameters that forbid namespaces: name, the value that does, one that wouldn't."""


def _advice(mode: NetMode, failure: Failure, sysctl: Callable[[str], str | None]) -> str:
    for name, forbidding, allowing in SWITCHES:
        if sysctl(name) == forbidding and (mode is NetMode.ROOTLESS or name.startswith("user/")):
            return f"forbidden by sysctl {name.replace('/', '.')}; {allowing} would allow it"
    if failure.number not in (errno.EPERM, errno.EACCES):
        return ""
    if mode is NetMode.ROOT:
        return (
            "root without its full rights; a container needs --cap-add SYS_ADMIN,NET_ADMIN "
            "--security-opt apparmor=unconfined"
        )
    return (
        "forbidden by a security module or the container runtime; "
        "as root, or with --security-opt seccomp=unconfined, it may work"
    )


def _sysctl(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None


def _in_child(mode: NetMode) -> Failure | None:
    """Go through all the steps in a forked child."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _report(mode, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read(ANSWER_LIMIT).decode()
    _, status = os.waitpid(pid, 0)
    if not text:
        return None if status == 0 else Failure("trying it out", errno.ECHILD)
    step, _, number = text.rpartition("\n")
    return Failure(step, int(number))


def _report(mode: NetMode, writer: int) -> None:
    for step, action in _steps(mode):
        try:
            action()
        except OSError as error:
            os.write(writer, f"{step}\n{error.errno}".encode())
            os._exit(1)
        except BaseException:
            os._exit(2)  # a fork must never return into its parent's code
    os._exit(0)


def _steps(mode: NetMode) -> list[tuple[str, Callable[[], None]]]:
    uid, gid = os.geteuid(), os.getegid()
    user: list[tuple[str, Callable[[], None]]] = [
        ("making a user namespace", lambda: unshare(Namespace.USER)),
        ("becoming root in a user namespace", lambda: map_root(uid, gid)),
    ]
    return (user if mode is NetMode.ROOTLESS else []) + [
        ("making a mount namespace", private_mounts),
        ("making a network namespace", lambda: unshare(Namespace.NET)),
        ("making UTS and IPC namespaces", lambda: unshare(Namespace.UTS | Namespace.IPC)),
        ("making a veth pair", _veth),
        ("making a PID namespace", lambda: unshare(Namespace.PID)),
        ("mounting proc in a PID namespace", _proc),
    ]


def _veth() -> None:
    links = Netlink()
    links.add_veth(VethEnd(name="one"), VethEnd(name="other"))
    links.close()


def _proc() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(_mount_proc())
    _, status = os.waitpid(pid, 0)
    number = os.waitstatus_to_exitcode(status)
    if number:
        raise OSError(number, "")


def _mount_proc() -> int:
    try:
        mount("proc", "/proc", "proc", Mount.NOSUID | Mount.NODEV | Mount.NOEXEC)
    except OSError as error:
        return error.errno or errno.EIO
    return 0
