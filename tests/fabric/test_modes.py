import errno
from collections.abc import Callable

import pytest

from netemu.config.settings import IpFamily, NetMode
from netemu.fabric import modes
from netemu.fabric.modes import Choice, Failure, ModeRefused
from tests.support import forked
from tests.support.forked import needs_root

ROOT, ROOTLESS, LOOPBACK, AUTO = (
    NetMode.ROOT,
    NetMode.ROOTLESS,
    NetMode.LOOPBACK,
    NetMode.AUTO,
)


def allowing(*possible: NetMode) -> Callable[[NetMode], str | None]:
    """A machine on which only these modes work."""
    return lambda mode: None if mode in possible else f"no {mode}"


CHOICES = [
    ("all of it", (ROOT, ROOTLESS, LOOPBACK), Choice(ROOT, {})),
    ("no root", (ROOTLESS, LOOPBACK), Choice(ROOTLESS, {ROOT: "no root"})),
    (
        "nothing",
        (LOOPBACK,),
        Choice(LOOPBACK, {ROOT: "no root", ROOTLESS: "no rootless"}),
    ),
]


@pytest.mark.parametrize(
    ("possible", "choice"), [case[1:] for case in CHOICES], ids=[case[0] for case in CHOICES]
)
def test_auto_takes_the_first_that_works(possible: tuple[NetMode, ...], choice: Choice) -> None:
    assert modes.choose(AUTO, allowing(*possible)) == choice


def test_a_mode_that_is_asked_for_is_taken_or_refused() -> None:
    assert modes.choose(ROOTLESS, allowing(ROOT, ROOTLESS)) == Choice(ROOTLESS, {})
    with pytest.raises(ModeRefused, match="--net root isn't possible here: no root"):
        modes.choose(ROOT, allowing(ROOTLESS))


ADVICE = [
    (
        ROOTLESS,
        Failure("becoming root in a user namespace", errno.EPERM),
        {"kernel/apparmor_restrict_unprivileged_userns": "1"},
        (
            "becoming root in a user namespace: Operation not permitted (forbidden by sysctl "
            "kernel.apparmor_restrict_unprivileged_userns; 0 would allow it)"
        ),
    ),
    (
        ROOTLESS,
        Failure("making a user namespace", errno.ENOSPC),
        {"user/max_user_namespaces": "0"},
        (
            "making a user namespace: No space left on device (forbidden by sysctl "
            "user.max_user_namespaces; 10000 would allow it)"
        ),
    ),
    (
        ROOTLESS,
        Failure("making a user namespace", errno.EPERM),
        {},
        (
            "making a user namespace: Operation not permitted (forbidden by a security module or "
            "the container runtime; "
            "as root, or with --security-opt seccomp=unconfined, it may work)"
        ),
    ),
    (
        ROOT,
        Failure("making a mount namespace", errno.EPERM),
        {"kernel/unprivileged_userns_clone": "0"},
        (
            "making a mount namespace: Operation not permitted (root without its full rights; a "
            "container needs --cap-add SYS_ADMIN,NET_ADMIN --security-opt apparmor=unconfined)"
        ),
    ),
    (
        ROOT,
        Failure("making a veth pair", errno.EOPNOTSUPP),
        {},
        "making a veth pair: Operation not supported",
    ),
]


@pytest.mark.parametrize(("mode", "failure", "sysctls", "text"), ADVICE)
def test_a_failure_is_explained(
    mode: NetMode, failure: Failure, sysctls: dict[str, str], text: str
) -> None:
    assert modes.explain(mode, failure, sysctls.get) == text


def test_loopback_is_always_possible() -> None:
    assert modes.attempt(LOOPBACK) is None


@needs_root
def test_only_root_can_have_root_mode() -> None:
    def as_nobody() -> str | None:
        forked.become_nobody()
        return modes.attempt(ROOT)

    assert forked.run(as_nobody) == "it needs root"


@needs_root
def test_the_step_that_failed_is_told() -> None:
    def inside() -> Failure | None:
        forked.become_nobody()  # and yet try what root does
        return modes._in_child(ROOT)

    assert forked.run(inside) == Failure("making a mount namespace", errno.EPERM)


@pytest.mark.parametrize("families", [(IpFamily.IPV6,), (IpFamily.IPV4, IpFamily.IPV6)])
def test_without_namespaces_ipv6_is_refused_with_the_reason(families: tuple[IpFamily, ...]) -> None:
    choice = Choice(NetMode.LOOPBACK, {NetMode.ROOTLESS: "no user namespaces"})
    with pytest.raises(ModeRefused) as refusal:
        modes.require(choice, families)
    assert str(refusal.value) == (
        "network.ipFamilies: IPv6 isn't possible here: it needs namespaces, as the loopback "
        "interface has a single address of it; --net rootless isn't possible: no user namespaces"
    )


def test_a_kernel_without_ipv6_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(family: int, *_: object) -> None:
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr("socket.socket", no_socket)
    modes.require(Choice(NetMode.ROOT, {}), (IpFamily.IPV4,))
    with pytest.raises(ModeRefused, match=r"the kernel has none \(Address family not supported"):
        modes.require(Choice(NetMode.ROOT, {}), (IpFamily.IPV6,))
