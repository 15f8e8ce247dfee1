"""A hundred thousand connections through one Service in kernel mode, without descriptors of ours.

Clients in four pods and backends in a fifth, in processes that each stay within their own limit of
descriptors; every connection is asked once when all are open. Run as root:
``python -m bench.connections [NUMBER]``.
"""

import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from bench.proxynet import BACKEND, own_network, pod
from bench.proxyroles import RANGES, VIRTUAL, way_to
from netemu.fabric.cluster import set_sysctl
from netemu.fabric.interception import LocalInterception
from netemu.fabric.namespaces import Namespace, setns
from netemu.fabric.rtnetlink import Netlink
from netemu.proxy.kernel import Kernel
from netemu.proxy.policy import Reach

CONNECTIONS = 100_000
PODS = tuple(f"10.244.0.{number}" for number in range(2, 6))
"""Of clients: the kernel soon searches long for a port if one address has many connections."""
EACH = 12_500
"""Connections of one process of clients; backends get about as many."""
PORT = 8080


def hold(port: str) -> None:
    """A backend: accept whoever comes, and echo."""
    door = socket.create_server((BACKEND, int(port)), backlog=4096)
    door.setblocking(False)
    print("ready", flush=True)
    poller = select.epoll()
    poller.register(door.fileno(), select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    while True:
        for number, _ in poller.poll():
            if number == door.fileno():
                client, _ = door.accept()
                clients[client.fileno()] = client
                poller.register(client.fileno(), select.EPOLLIN)
            elif data := clients[number].recv(16):
                clients[number].send(data)
            else:
                clients.pop(number).close()


def connect(number: str) -> None:
    """Clients: open so many, and when told to, ask on each of them."""
    address = (VIRTUAL.address, VIRTUAL.port)
    clients = [socket.create_connection(address, 10) for _ in range(int(number))]
    print("open", flush=True)
    sys.stdin.readline()
    for client in clients:
        client.send(b"?")
    print(sum(client.recv(1) == b"?" for client in clients), flush=True)
    sys.stdin.readline()


def _run(stack: ExitStack, *words: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "bench.connections", *words]
    process = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
    stack.callback(process.kill)
    return process


def _heard(processes: Sequence["subprocess.Popen[str]"]) -> list[str]:
    return [each.stdout.readline().strip() for each in processes if each.stdout]


def _tell(processes: Sequence["subprocess.Popen[str]"]) -> None:
    for each in processes:
        if each.stdin:
            each.stdin.write("\n")
            each.stdin.flush()


def main(words: Sequence[str] = ()) -> None:
    """Open them, and see whether each is answered."""
    wanted = int(words[0]) if words else CONNECTIONS
    if os.geteuid():
        print("needs root")
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    there = own_network()
    links = Netlink()
    places = [pod(links, address, "node-1", f"pod-{address}") for address in PODS]
    behind = pod(links, BACKEND, "node-2")
    parts = [min(EACH, wanted - done) for done in range(0, wanted, EACH)]
    with ExitStack() as stack:
        ports = range(PORT, PORT + len(parts) + 1)  # chance doesn't share evenly: one more
        backends = [_run(stack, "hold", str(port)) for port in ports]
        _heard(backends)
        setns(there, Namespace.NET)
        kernel, way = Kernel(LocalInterception(), RANGES), way_to((BACKEND, PORT))
        way.route.update(Reach(tuple((BACKEND, port) for port in ports)), None)
        kernel.want(VIRTUAL, way)
        kernel.sync()
        clients, began = [], time.perf_counter()
        for turn, part in enumerate(parts):
            setns(places[turn % len(places)], Namespace.NET)
            set_sysctl("net/ipv4/ip_local_port_range", "1024 65535")
            clients.append(_run(stack, "connect", str(part)))
        opened = _heard(clients).count("open")
        seconds = time.perf_counter() - began
        setns(there, Namespace.NET)
        seen = sum(1 for _ in kernel.connections(time.time()))
        _tell(clients)
        answered = sum(map(int, _heard(clients)))
        descriptors = len(os.listdir("/proc/self/fd"))
    print(f"{opened} of {len(parts)} processes opened {wanted} connections in {seconds:.1f} s")
    print(f"{seen} are listed, {answered} answered; {descriptors} descriptors here")
    for each in (there, *places, behind):
        os.close(each)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["hold", port]:
            hold(port)
        case ["connect", number]:
            connect(number)
        case words:
            main(words)
