"""Networks for `bench.proxy`: a cluster's, with a client's pod and a backend's, linked as pods are.

Each peer of the kernel mode has one of its own, so that what the kernel remembers of one doesn't
burden another, and ports aren't taken.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bench.proxypeers import Peer, role
from bench.proxyroles import NODES, RANGES, VIRTUAL, Address
from netemu.fabric import cluster, link
from netemu.fabric.namespaces import Namespace, handle, setns, unshare
from netemu.fabric.rtnetlink import Netlink

CLIENT, BACKEND = "10.244.0.2", "10.244.1.2"
BY_HAND = """
table ip by-hand {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    ip daddr {address} tcp dport {port} dnat to {host}:{target};
  }}
}}
"""


def own_network() -> int:
    """Move into a new network, set up as a cluster's; a descriptor of it."""
    unshare(Namespace.NET)
    links = Netlink()
    cluster.set_up(links, RANGES)
    links.close()
    return handle("net")


def pod(links: Netlink, address: str, node: str, device: str = "") -> int:
    """Move into the network of a new pod on a node; a descriptor of it."""
    unshare(Namespace.NET)
    there = handle("net")
    inner = Netlink()
    ends = [link.Ends(address, NODES[node].address)]
    link.connect(links, inner, there, device=device or node, ends=ends)
    inner.close()
    return there


@contextmanager
def pods(name: str, means: Callable[[ExitStack, Address], Address]) -> Iterator[Peer]:
    """A client's pod and a backend's in a cluster of their own; `means` prepares the cluster's
    network and says what the client is to ask.
    """
    home = handle("net")
    there = own_network()
    links = Netlink()
    client, behind = pod(links, CLIENT, "node-1"), pod(links, BACKEND, "node-2")
    with ExitStack() as stack:
        try:
            backend = stack.enter_context(role("backend", (BACKEND, 0)))
            setns(there, Namespace.NET)
            asked = means(stack, backend.address)
        finally:
            setns(home, Namespace.NET)
        yield Peer(name, asked, None, client)
    links.close()
    for each in (home, there, client, behind):
        os.close(each)


def _kernel(stack: ExitStack, backend: Address) -> Address:
    return stack.enter_context(role("kernel", backend)).address


def _beside(stack: ExitStack, backend: Address) -> Address:
    _kernel(stack, backend)
    return backend


def _by_hand(_: ExitStack, backend: Address) -> Address:
    host, target = backend
    rules = BY_HAND.format(address=VIRTUAL.address, port=VIRTUAL.port, host=host, target=target)
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    return VIRTUAL.address, VIRTUAL.port


def kernel_peers(stack: ExitStack) -> list[Peer]:
    """Pods that reach another: directly without any rules, directly beside the kernel mode, by the
    kernel mode, and by the one rule that does no more than translate one address.
    """
    ways: dict[str, Callable[[ExitStack, Address], Address]] = {
        "pod to pod": lambda _, backend: backend,
        "beside it": _beside,
        "kernel": _kernel,
    }
    if shutil.which("nft"):
        ways["by hand"] = _by_hand
    return [stack.enter_context(pods(name, means)) for name, means in ways.items()]
