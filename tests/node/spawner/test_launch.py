"""The whole of it, in every mode: what an instance gives, and that nothing of it is left."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from netemu.config.settings import NetMode
from netemu.fabric import modes
from netemu.fabric.block import claim
from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.namespaces import adopt_orphans
from netemu.fabric.rtnetlink import Netlink
from netemu.node.spawner.launch import Launched, launch
from tests.support import forked, instance
from tests.support.forked import needs_root

ROOT = NetMode.ROOT


async def greeted(instance: Launched, address: str) -> bytes:
    """What the host reads from a server at an address of the cluster."""
    server = instance.cluster.listen(address, 8080)
    client = instance.host.connector(socket.SOCK_STREAM)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (address, 8080))
    accepted, _ = await loop.sock_accept(server)
    await loop.sock_sendall(accepted, b"hello")
    text = await loop.sock_recv(client, 100)
    for each in (server, client, accepted):
        each.close()
    return text


@needs_root
def test_by_the_uplink_the_host_reaches_every_virtual_address() -> None:
    async def body(instance: Launched) -> tuple[bool, bool, list[bytes]]:
        addressing = instance.addressing
        addresses = (addressing.api, addressing.node(1), str(addressing.load_balancers[0]))
        greetings = [await greeted(instance, address) for address in addresses]
        return instance.uplink, addressing.mirrored, greetings

    assert instance.in_instance(ROOT, body) == (True, False, [b"hello"] * 3)


@needs_root
def test_by_the_uplink_the_host_reaches_pods() -> None:
    async def body(launched: Launched) -> int:
        address = await instance.add_pod(launched, "web")
        client = launched.host.connector(socket.SOCK_STREAM)
        with pytest.raises(ConnectionRefusedError):  # by the pod, which has no server
            await asyncio.get_running_loop().sock_connect(client, (address, 80))
        client.close()
        return 1

    assert instance.in_instance(ROOT, body) == 1


@needs_root
def test_a_route_of_the_host_is_not_overruled() -> None:
    def on_host() -> tuple[bool, bool, tuple[str, ...], list[str]]:
        links = Netlink()
        links.add_local_route(IPv4Network("10.97.0.0/24"), LOOPBACK)

        async def body(launched: Launched) -> tuple[bool, bool, tuple[str, ...], list[str]]:
            devices = await asyncio.to_thread(lambda: [name for _, name in socket.if_nameindex()])
            return launched.uplink, launched.addressing.mirrored, launched.notes, devices

        return instance.launched(instance.settings(ROOT), body)

    uplink, mirrored, notes, devices = instance.on_host(ROOT, on_host)
    assert (uplink, mirrored) == (False, True)
    assert notes == ("no uplink: 10.96.0.0/12 overlaps the host's route to 10.97.0.0/24 (lo)",)
    assert devices == ["lo"]


@needs_root
def test_of_two_instances_with_the_same_ranges_the_first_has_the_uplink() -> None:
    def on_host() -> tuple[bool, bool, bool]:
        async def tell(launched: Launched) -> list[object]:
            return [launched.uplink, launched.addressing.block]

        daemons = [
            instance.start_daemon(instance.settings(ROOT, name), tell) for name in ("one", "two")
        ]
        for daemon in daemons:
            daemon.stop()
        (first, one), (second, other) = (daemon.told for daemon in daemons)
        return first, second, one != other

    assert instance.on_host(ROOT, on_host) == (True, False, True)


def test_without_root_services_are_mirrored() -> None:
    if not instance.possible(NetMode.ROOTLESS):
        pytest.skip("rootless isn't possible here")

    async def body(launched: Launched) -> tuple[bool, str]:
        return launched.uplink, launched.addressing.host_view(launched.addressing.api)

    uplink, api = instance.in_instance(NetMode.ROOTLESS, body)
    assert not uplink
    assert api.startswith("127.")
    assert api.endswith(".0.1")


def test_in_loopback_mode_everything_is_in_the_block_of_the_instance() -> None:
    async def body(launched: Launched) -> tuple[int, list[str], bool]:
        addressing = launched.addressing
        server = launched.cluster.listen(addressing.api, 0)
        server.close()
        samples = [addressing.api, addressing.node(2), str(addressing.pod_range(2)[2])]
        return addressing.block, samples, addressing.mirrored

    block, samples, mirrored = instance.in_instance(NetMode.LOOPBACK, body)
    assert samples == [f"127.{block}.0.1", f"127.{block}.64.12", f"127.{block}.129.2"]
    assert not mirrored


def test_host_sockets_stay_on_the_host(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[bool, bool]:
        here = os.readlink("/proc/thread-self/ns/net")
        server = launched.host.listen("127.0.0.1", 0)
        port = server.getsockname()[1]
        near, far = (
            sockets.connector(socket.SOCK_STREAM) for sockets in (launched.cluster, launched.host)
        )
        for client in (near, far):
            client.setblocking(True)
        results = near.connect_ex(("127.0.0.1", port)), far.connect_ex(("127.0.0.1", port))
        for each in (server, near, far):
            each.close()
        moved = here != os.readlink(f"/proc/{os.getppid()}/ns/net") if os.geteuid() else True
        return results == (111, 0), moved

    assert instance.in_instance(isolated, body) == (True, True)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_nothing_is_left(mode: NetMode, end: str) -> None:
    """However the daemon ends: no process, interface, route or mount, and the block is free."""

    def on_host() -> tuple[bool, bool, bool, bool]:
        adopt_orphans(True)  # whatever survives its parents is ours
        before = traces()
        daemon = instance.start_daemon(instance.settings(mode), busy)
        pids = daemon.told["pids"]
        ran = all(Path(f"/proc/{pid}").exists() for pid in pids)
        daemon.kill() if end == "kill" else daemon.stop()
        childless = eventually(no_children)
        clean = eventually(lambda: traces() == before)
        block = claim("test")
        return ran, childless, clean, block.number == daemon.told["block"]

    assert instance.on_host(mode, on_host) == (True, True, True, True)


def test_the_kernel_ends_what_the_spawner_no_longer_can(isolated: NetMode) -> None:
    """A spawner that hangs doesn't keep pods alive when the daemon has gone."""

    def on_host() -> bool:
        adopt_orphans(True)
        daemon = instance.start_daemon(instance.settings(isolated), busy)
        os.kill(daemon.told["pids"][0], signal.SIGSTOP)
        daemon.kill()
        return eventually(no_children)

    assert instance.on_host(isolated, on_host)


@needs_root
def test_after_a_clean_stop_the_uplink_has_gone_already() -> None:
    def on_host() -> tuple[list[str], list[str]]:
        daemon = instance.start_daemon(instance.settings(ROOT), busy)
        during, _, _ = traces()
        daemon.stop()
        after, _, _ = traces()
        return during, after

    during, after = instance.on_host(ROOT, on_host)
    assert (len(during), len(after)) == (2, 1)


async def busy(launched: Launched) -> dict[str, object]:
    """Pods with processes, among them one that slipped away from its parents."""
    pids = [launched.spawner]
    for number, name in enumerate(("a", "b")):
        await instance.add_pod(
            launched, name, node=number + 1, files={"/etc/hosts": "127.0.0.1 me\n"}
        )
        script = "(setsid sleep 300 &) ; exec sleep 300"
        process = await instance.start(launched, name, "/bin/sh", "-c", script)
        pids.append(process.pid)
    return {"pids": pids, "block": launched.addressing.block}


def traces() -> tuple[list[str], list[str], str]:
    """What an instance could leave on this host."""
    links = Netlink()
    routes = sorted(f"{route.destination} {route.device}" for route in links.routes())
    links.close()
    devices = [name for _, name in socket.if_nameindex()]
    return devices, routes, Path("/proc/self/mountinfo").read_text()


def no_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it becomes true: the kernel takes its time to clean up."""
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@needs_root
def test_a_mode_that_is_impossible_is_refused_with_the_reason() -> None:
    def as_nobody() -> str:
        forked.become_nobody()
        try:
            launch(instance.settings(ROOT))
        except modes.ModeRefused as refusal:
            return str(refusal)
        return ""

    assert forked.run(as_nobody) == "--net root isn't possible here: it needs root"


def test_an_abandoned_launch_leaves_nothing(mode: NetMode) -> None:
    def on_host() -> tuple[bool, int]:
        launching = launch(instance.settings(mode))
        launching.abandon()
        return no_children(), claim("test").number - launching.addressing.block

    assert instance.on_host(mode, on_host) == (True, 0)
