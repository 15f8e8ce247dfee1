"""UDP is relayed flow by flow; real sockets on loopback, the clock is ours."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from netemu.proxy.choose import Address
from netemu.proxy.datagrams import IDLE_SECONDS, SWEEP_SECONDS, Datagrams
from netemu.proxy.flows import Front
from tests.proxy.harness import SOCKETS, Offer, eventually
from tests.support.clock import FakeClock


class Pod:
    """A UDP server that the test plays itself."""

    def __init__(self, stack: ExitStack, address: Address = ("127.0.0.1", 0)) -> None:
        self.sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.sock.bind(address)
        self.sock.setblocking(False)
        self.address: Address = self.sock.getsockname()

    async def heard(self) -> tuple[bytes, Address]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            return await loop.sock_recvfrom(self.sock, 65535)

    def heard_nothing(self) -> bool:
        try:
            self.sock.recvfrom(65535)
        except BlockingIOError:
            return True
        return False


class Client(Pod):
    """A client; connected, so that it hears only who it talks to, and of refusals."""

    def __init__(self, stack: ExitStack, front: Address) -> None:
        super().__init__(stack)
        self.sock.connect(front)

    def say(self, word: bytes) -> None:
        self.sock.send(word)

    async def answer(self) -> bytes:
        return (await self.heard())[0]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def relay(clock: FakeClock) -> AsyncIterator[Datagrams]:
    loop = asyncio.get_running_loop()
    relay = Datagrams(loop, partial(SOCKETS.connector, socket.SOCK_DGRAM), clock, limit=3)
    yield relay
    relay.close()


def front_of(relay: Datagrams, *pods: Address) -> tuple[Front, Address]:
    sock = SOCKETS.bind_udp("127.0.0.1", 0)
    return relay.listen(sock, Offer(*pods)), sock.getsockname()


async def exchange(client: Client, pod: Pod, word: bytes, answer: bytes) -> Address:
    """The client asks, the pod answers; who the pod thinks it talks to."""
    client.say(word)
    heard, peer = await pod.heard()
    assert heard == word
    pod.sock.sendto(answer, peer)
    assert await client.answer() == answer
    return peer


async def test_an_answer_comes_from_where_the_client_sent_to(
    relay: Datagrams, stack: ExitStack
) -> None:
    pod = Pod(stack)
    _, address = front_of(relay, pod.address)
    client = Client(stack, address)  # connected: the kernel drops what comes from elsewhere
    await exchange(client, pod, b"hello", b"world")


@pytest.mark.parametrize("size", [0, 1, 2000, 9000, 65_507])
async def test_payloads_of_any_size_pass_whole(
    relay: Datagrams, stack: ExitStack, size: int
) -> None:
    pod = Pod(stack)
    _, address = front_of(relay, pod.address)
    await exchange(Client(stack, address), pod, b"x" * size, b"y" * size)


async def test_one_client_is_one_flow_and_two_are_two(relay: Datagrams, stack: ExitStack) -> None:
    pod = Pod(stack)
    _, address = front_of(relay, pod.address)
    one, other = Client(stack, address), Client(stack, address)
    first = await exchange(one, pod, b"1", b"one")
    assert await exchange(one, pod, b"2", b"again") == first
    assert await exchange(other, pod, b"3", b"other") != first
    assert len(relay) == 2


async def test_a_flow_stays_with_its_endpoint_though_others_come(
    relay: Datagrams, stack: ExitStack
) -> None:
    old, new = Pod(stack), Pod(stack)
    front, address = front_of(relay, old.address)
    client = Client(stack, address)
    peer = await exchange(client, old, b"1", b"one")
    front.way = Offer(new.address, old.address)
    relay.review(front)
    assert await exchange(client, old, b"2", b"two") == peer


async def test_a_flow_moves_when_its_endpoint_goes(relay: Datagrams, stack: ExitStack) -> None:
    old, new = Pod(stack), Pod(stack)
    front, address = front_of(relay, old.address)
    client = Client(stack, address)
    await exchange(client, old, b"1", b"one")
    front.way = Offer(new.address)
    relay.review(front)
    await exchange(client, new, b"2", b"two")
    assert old.heard_nothing()


async def test_a_flow_goes_on_to_the_next_when_its_endpoint_refuses(
    relay: Datagrams, stack: ExitStack
) -> None:
    gone, pod = Pod(stack), Pod(stack)
    _, address = front_of(relay, gone.address, pod.address)
    gone.sock.close()
    client = Client(stack, address)
    client.say(b"lost")
    await eventually(lambda: [flow.endpoint for flow in relay.flows] == [pod.address])
    await exchange(client, pod, b"1", b"one")


async def test_a_flow_ends_when_nobody_is_left_to_go_to(relay: Datagrams, stack: ExitStack) -> None:
    gone = Pod(stack)
    _, address = front_of(relay, gone.address)
    gone.sock.close()
    client = Client(stack, address)
    client.say(b"lost")
    await eventually(lambda: relay.flows == ())
    assert client.heard_nothing()


async def test_a_client_is_refused_where_no_front_is(relay: Datagrams, stack: ExitStack) -> None:
    pod = Pod(stack)
    front, address = front_of(relay, pod.address)
    client = Client(stack, address)
    await exchange(client, pod, b"1", b"one")
    relay.unlisten(front)
    assert len(relay) == 0
    client.say(b"2")
    with pytest.raises(ConnectionRefusedError):
        await client.answer()


async def test_an_idle_flow_ends_and_a_busy_one_stays(
    relay: Datagrams, stack: ExitStack, clock: FakeClock
) -> None:
    pod = Pod(stack)
    _, address = front_of(relay, pod.address)
    idle, busy = Client(stack, address), Client(stack, address)
    await exchange(idle, pod, b"1", b"one")
    await exchange(busy, pod, b"1", b"one")
    await clock.advance(IDLE_SECONDS - 1)
    await exchange(busy, pod, b"2", b"two")
    await clock.advance(2 * SWEEP_SECONDS)
    assert [flow.client for flow in relay.flows] == [busy.address]
    await exchange(idle, pod, b"3", b"three")


async def test_past_the_limit_the_flow_that_was_idle_longest_goes(
    relay: Datagrams, stack: ExitStack
) -> None:
    pod = Pod(stack)
    _, address = front_of(relay, pod.address)
    clients = [Client(stack, address) for _ in range(4)]
    for client in clients[:3]:
        await exchange(client, pod, b"1", b"one")
    await exchange(clients[0], pod, b"2", b"two")
    await exchange(clients[3], pod, b"1", b"one")
    left = {flow.client for flow in relay.flows}
    assert left == {clients[each].address for each in (0, 2, 3)}
    assert relay.evicted == 1


async def test_what_nobody_may_have_is_dropped_without_a_word(
    relay: Datagrams, stack: ExitStack
) -> None:
    _, address = front_of(relay)
    client = Client(stack, address)
    client.say(b"1")
    for _ in range(20):
        await asyncio.sleep(0)
    assert client.heard_nothing()
    assert len(relay) == 0


async def test_flows_count_their_bytes(relay: Datagrams, stack: ExitStack) -> None:
    pod = Pod(stack)
    _, address = front_of(relay, pod.address)
    await exchange(Client(stack, address), pod, b"1234", b"123")
    [flow] = relay.flows
    assert (flow.received, flow.sent) == (4, 3)


@contextmanager
def too_many_descriptors(relay: Datagrams) -> Iterator[None]:
    def refuse() -> socket.socket:
        raise OSError(errno.EMFILE, "too many open files")

    kept, relay._connector = relay._connector, refuse
    yield
    relay._connector = kept


async def test_without_descriptors_datagrams_are_dropped_and_later_ones_pass(
    relay: Datagrams, stack: ExitStack
) -> None:
    pod = Pod(stack)
    _, address = front_of(relay, pod.address)
    client = Client(stack, address)
    with too_many_descriptors(relay):
        client.say(b"lost")
        for _ in range(20):
            await asyncio.sleep(0)
    await exchange(client, pod, b"1", b"one")
