"""Pods as their processes see them, where namespaces keep them apart."""

import asyncio
import errno
import os
import signal
import socket
from pathlib import Path

import pytest

from netemu.config.settings import NetMode
from netemu.fabric.link import GATEWAY
from netemu.node.runtime import Exited, StartError
from netemu.node.spawner.launch import Launched
from tests.support import instance

PING = """
import socket, sys
for target in sys.argv[1:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    s.settimeout(2)
    s.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 1]), (target, 0))
    print(s.recvfrom(100)[1][0])
"""

PYTHON = "/usr/bin/python3"
needs_python = pytest.mark.skipif(not os.path.exists(PYTHON), reason="needs the system's Python")


@needs_python
def test_pods_reach_each_other_nodes_and_virtual_addresses(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[str, list[str]]:
        addressing = launched.addressing
        await instance.add_pod(launched, "one", node=1)
        other = await instance.add_pod(launched, "two", node=2)
        targets = [other, addressing.node(1), addressing.node(2), addressing.api]
        text, _ = await instance.output(launched, "one", PYTHON, "-c", PING, *targets)
        return text, targets

    text, targets = instance.in_instance(isolated, body)
    assert text.split() == targets


def test_the_node_reaches_pods_from_its_own_address(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[str, str]:
        address = await instance.add_pod(launched, "web", node=2)
        client = launched.cluster.connector(socket.SOCK_DGRAM)
        client.connect((address, 9))
        source = client.getsockname()[0]
        client.close()
        return source, launched.addressing.node(2)

    source, node = instance.in_instance(isolated, body)
    assert source == node


def test_a_pod_has_its_own_network_name_and_files(isolated: NetMode) -> None:
    script = "hostname; cat /etc/resolv.conf; grep -c : /proc/net/dev; cat /proc/net/route | wc -l"

    async def body(launched: Launched) -> str:
        await instance.add_pod(
            launched, "web-0", files={"/etc/resolv.conf": "nameserver 10.96.0.10\n"}
        )
        return await instance.shell(launched, "web-0", script)

    lines = instance.in_instance(isolated, body).splitlines()
    assert lines == ["web-0", "nameserver 10.96.0.10", "2", "3"]  # lo, eth0; two routes, a heading


def test_a_file_at_the_root_is_there_in_containers_and_beside_them(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[str, str]:
        await instance.add_pod(launched, "web", files={"/netemu-test/config": "mine\n"})
        first = await instance.start(launched, "web", "sleep", "300")
        script = "cat /netemu-test/config /proc/1/comm"
        alone = await instance.shell(launched, "web", script)
        return alone, await instance.shell(launched, "web", script, join=first.pid)

    assert instance.in_instance(isolated, body) == ("mine\nsh\n", "mine\nsleep\n")
    assert not os.path.exists("/netemu-test")


def test_a_host_network_pod_is_in_the_cluster_namespace_by_its_own_name(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[str, str]:
        await instance.add_pod(launched, "agent", host_network=True)
        await instance.add_pod(launched, "web")
        script = "readlink /proc/self/ns/net; hostname"
        expected = f"{os.readlink('/proc/thread-self/ns/net')}\nagent\n"
        return await instance.shell(launched, "agent", script), expected

    seen, expected = instance.in_instance(isolated, body)
    assert seen == expected


def test_a_container_is_alone_in_its_pid_namespace(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[str, str]:
        await instance.add_pod(launched, "web")
        await instance.start(launched, "web", "sleep", "300")
        other = await instance.shell(launched, "web", "echo $$; ls -d /proc/[0-9]* | wc -l")
        return other, ""

    numbers = instance.in_instance(isolated, body)[0].split()
    assert numbers[0] == "1"
    assert int(numbers[1]) <= 3  # the shell, and perhaps the two commands of its pipe


def test_the_pid_is_the_one_the_host_sees(isolated: NetMode) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        process = await instance.start(launched, "web", "sleep", "300")
        return Path(f"/proc/{process.pid}/cmdline").read_text()

    assert instance.in_instance(isolated, body) == "sleep\x00300\x00"


def test_a_process_can_join_a_container(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[str, Exited]:
        await instance.add_pod(launched, "web", files={"/etc/hosts": "own\n"})
        first = await instance.start(launched, "web", "sleep", "300")
        argv = ("/bin/sh", "-c", "hostname; cat /etc/hosts /proc/1/cmdline; exit 7")
        return await instance.output(launched, "web", *argv, join=first.pid)

    text, exited = instance.in_instance(isolated, body)
    assert text == "web\nown\nsleep\x00300\x00"
    assert exited == Exited(7)


def test_what_joined_ends_with_the_container(isolated: NetMode) -> None:
    async def body(launched: Launched) -> Exited:
        await instance.add_pod(launched, "web")
        first = await instance.start(launched, "web", "sleep", "300")
        beside = await instance.start(launched, "web", "sleep", "300", join=first.pid)
        first.signal(signal.SIGKILL)
        async with asyncio.timeout(5):
            return await beside.wait()

    assert instance.in_instance(isolated, body) == Exited(137, signal.SIGKILL)


def test_a_container_that_has_ended_cannot_be_joined(mode: NetMode) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        first = await instance.start(launched, "web", "true")
        await first.wait()
        with pytest.raises(StartError) as refusal:
            await instance.start(launched, "web", "true", join=first.pid)
        return str(refusal.value)

    assert instance.in_instance(mode, body) == "cannot exec in a stopped container"


def test_removing_a_pod_ends_its_processes(mode: NetMode) -> None:
    async def body(launched: Launched) -> tuple[Exited, bool]:
        await instance.add_pod(launched, "web")
        script = "trap '' TERM; (setsid sleep 300 &) ; sleep 300"
        process = await instance.start(launched, "web", "/bin/sh", "-c", script)
        await launched.runtime.remove_sandbox("web")
        async with asyncio.timeout(5):
            exited = await process.wait()
        await launched.runtime.remove_sandbox("web")  # nothing happens
        return exited, Path(f"/proc/{process.pid}").exists()

    assert instance.in_instance(mode, body) == (Exited(137, signal.SIGKILL), False)


@needs_python
def test_an_address_can_be_used_again_at_once(isolated: NetMode) -> None:
    async def body(launched: Launched) -> list[bool]:
        await instance.add_pod(launched, "peer")
        answered = []
        for _ in range(5):
            address = await instance.add_pod(launched, "web")
            text, _ = await instance.output(launched, "peer", PYTHON, "-c", PING, address)
            answered.append(text.strip() == address)
            await launched.runtime.remove_sandbox("web")
        return answered

    assert instance.in_instance(isolated, body) == [True] * 5


def test_two_pods_cannot_have_one_address(isolated: NetMode) -> None:
    async def body(launched: Launched) -> tuple[int, str]:
        address = await instance.add_pod(launched, "ab")
        with pytest.raises(OSError, match="another pod has the address") as refusal:
            await instance.add_pod(launched, "ba")  # as many letters, so the same address
        seen = await instance.shell(launched, "ab", "cat /proc/net/dev | wc -l")
        return refusal.value.errno or 0, f"{address} {seen}"

    number, seen = instance.in_instance(isolated, body)
    assert number == errno.EADDRINUSE
    assert seen.split()[1] == "4"


def test_pods_do_not_know_each_others_devices(isolated: NetMode) -> None:
    """Routed, not bridged: all a pod sees is its gateway."""

    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "one")
        await instance.add_pod(launched, "two")
        return await instance.shell(launched, "one", "cat /proc/net/arp")

    lines = instance.in_instance(isolated, body).splitlines()[1:]
    assert [line.split()[0] for line in lines] == [GATEWAY]
