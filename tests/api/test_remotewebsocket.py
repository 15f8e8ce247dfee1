import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api.remotecommand import SUCCESS, ended, failed
from netemu.api.remotewebsocket import DIALECTS, WebSocketClient, packed, translated, unpacked
from netemu.model.streams import Output
from tests.support.duplex import MemoryDuplex


async def heard(protocol: str, *messages: bytes) -> tuple[list[bytes], list[tuple[int, int]]]:
    """What a client's messages come to: its input and its sizes."""
    duplex = MemoryDuplex()
    client = WebSocketClient(duplex, DIALECTS[protocol])
    duplex.say(*messages, None)
    await client.run()
    typed, sizes = [], []
    while (data := await client.stdin.take()) is not None:
        typed.append(data)
    while (size := await client.sizes.take()) is not None:
        sizes.append(size)
    return typed, sizes


async def test_input_and_sizes() -> None:
    messages = [b"\x00one", b"\x04" + b'{"Width":80,"Height":24}', b"\x00two", b"\x00", b""]
    assert await heard("v4.channel.k8s.io", *messages) == ([b"one", b"two"], [(80, 24)])


async def test_version_5_ends_input_by_itself() -> None:
    typed, _ = await heard("v5.channel.k8s.io", b"\x00one", b"\xff\x00", b"\x00lost")
    assert typed == [b"one"]
    typed, _ = await heard("v4.channel.k8s.io", b"\x00one", b"\xff\x00", b"\x00two")
    assert typed == [b"one", b"two"]


async def test_base64_is_text() -> None:
    duplex = MemoryDuplex()
    client = WebSocketClient(duplex, DIALECTS["v4.base64.channel.k8s.io"])
    await client.write(Output.STDOUT, b"abc")
    assert (await duplex.heard(), duplex.texts) == (b"1YWJj", [True])
    typed, _ = await heard("base64.channel.k8s.io", b"0YWJj", b"0!", b"0a")
    assert typed == [b"abc"]


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"Width":-1,"Height":2}', b"[" * 5000])
async def test_sizes_that_make_no_sense_are_passed_over(text: bytes) -> None:
    assert await heard("v4.channel.k8s.io", b"\x04" + text) == ([], [])


async def test_the_end_is_a_status_since_version_4() -> None:
    for protocol in ("v5.channel.k8s.io", "v4.channel.k8s.io"):
        duplex = MemoryDuplex()
        await WebSocketClient(duplex, DIALECTS[protocol]).finish(SUCCESS)
        message = await duplex.heard()
        assert (message[0], json.loads(message[1:])) == (3, SUCCESS)


async def test_version_5_says_what_the_kubelet_said_in_the_api_servers_words() -> None:
    code = ended(["false"], 3)
    assert translated(code)["message"] == (
        "command terminated with non-zero exit code: command terminated with exit code 3"
    )
    assert translated(code)["details"] == code["details"]
    assert translated(failed("why"))["message"] == (
        "Internal error occurred: Internal error occurred: error executing command in container: "
        "why"
    )
    duplex = MemoryDuplex()
    await WebSocketClient(duplex, DIALECTS["v5.channel.k8s.io"]).finish(failed("why"))
    message = await duplex.heard()
    assert json.loads(message[1:]) == translated(failed("why"))


async def test_before_it_is_what_went_wrong() -> None:
    duplex = MemoryDuplex()
    client = WebSocketClient(duplex, DIALECTS[""])
    await client.finish(SUCCESS)
    assert duplex.sent.empty()
    await client.finish(failed("why"))
    assert await duplex.heard() == (
        b"\x03Internal error occurred: error executing command in container: why"
    )


@given(st.integers(0, 9), st.binary(max_size=50), st.sampled_from(sorted(DIALECTS)))
def test_messages_come_back(channel: int, data: bytes, protocol: str) -> None:
    dialect = DIALECTS[protocol]
    assert unpacked(packed(channel, data, dialect), dialect) == (channel, data)
