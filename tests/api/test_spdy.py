import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import spdy
from netemu.api.spdy import (
    GoneAway,
    Opened,
    Pinged,
    Received,
    Receiver,
    Reset,
    Sender,
    SpdyError,
    WasReset,
)


def test_the_dictionary_is_the_drafts() -> None:
    assert len(spdy.DICTIONARY) == 1423
    assert zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2


def conversation() -> tuple[bytes, list[spdy.Event]]:
    sender = Sender()
    headers = {"streamtype": "error", "port": "80"}
    ping = spdy.ping(1)
    frames = [
        (sender.opened(1, headers), Opened(1, headers, finished=False)),
        (sender.opened(3, {"streamtype": "data"}, finished=True), None),
        (sender.accepted(2), None),
        (spdy.data(1, b"abc"), Received(1, b"abc", finished=False)),
        (spdy.data(1, b"", finished=True), Received(1, b"", finished=True)),
        (ping, Pinged(ping)),
        (spdy.reset(3, Reset.CANCEL), WasReset(3)),
        (spdy.going_away(3), GoneAway()),
    ]
    events = [event for _, event in frames if event is not None]
    events.insert(1, Opened(3, {"streamtype": "data"}, finished=True))
    return b"".join(frame for frame, _ in frames), events


@given(st.lists(st.integers(1, 60), max_size=20))
def test_what_is_sent_is_received_however_it_is_cut(cuts: list[int]) -> None:
    data, events = conversation()
    receiver = Receiver()
    found: list[spdy.Event] = []
    for size in cuts:
        found += receiver.feed(data[:size])
        data = data[size:]
    found += receiver.feed(data)
    assert found == events


def test_frames_that_nobody_needs_are_passed_over() -> None:
    window = b"\x80\x03\x00\x09\x00\x00\x00\x08" + struct.pack(">II", 1, 5)
    assert list(Receiver().feed(window + spdy.data(1, b"x"))) == [Received(1, b"x", finished=False)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x80\x02\x00\x01\x00\x00\x00\x00", "version 2 is not supported"),
        (b"\x80\x03\x00\x03\x00\x00\x00\x01x", "frame of type 3"),
        (b"\x80\x03\x00\x01\x00\x00\x00\x10" + b"x" * 16, "frame of type 1"),
        (b"\x00\x00\x00\x01\x00\xff\xff\xff", "frame of 16777215 bytes is too large"),
        (b"GET / HTTP/1.1\r\n\r\n", "too large"),
    ],
)
def test_what_is_no_spdy_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(SpdyError, match=said):
        list(Receiver().feed(data))


def test_headers_have_a_bound() -> None:
    big = Sender().opened(1, {"x": "y" * spdy.HEADERS_LIMIT})
    with pytest.raises(SpdyError, match="headers are too large"):
        list(Receiver().feed(big))


@given(st.binary(max_size=300))
def test_any_bytes_are_events_or_refused(data: bytes) -> None:
    for prefix in (b"", b"\x80\x03\x00\x01\x00\x00\x00" + bytes([len(data) % 256])):
        with contextlib.suppress(SpdyError):
            list(Receiver().feed(prefix + data))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=8))
def test_headers_come_back(headers: dict[str, str]) -> None:
    [event] = Receiver().feed(Sender().opened(1, headers))
    assert event == Opened(1, headers, finished=False)
