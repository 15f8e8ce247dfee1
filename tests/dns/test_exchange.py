import random

import pytest

from netemu.dns import exchange, wire
from netemu.dns.exchange import ask, query_for
from netemu.dns.outcome import Wish
from netemu.dns.records import Question, Type, name_from
from tests.dns.upstream import Outside, answered, upstream, well

QUESTION = Question(name_from("Www.example.org"), Type.A)


def test_our_queries_are_ones_that_we_read() -> None:
    for wish in (Wish(), Wish(dnssec_ok=True, unchecked=True)):
        query = wire.parse(query_for(QUESTION, wish, 7))
        assert query.question == QUESTION
        assert query.edns is not None
        assert query.edns.dnssec_ok == wish.dnssec_ok
        assert query.flags == wire.RD | (wire.CD if wish.unchecked else 0)
    assert wire.parse(query_for(QUESTION, Wish(), 7, edns=False)).edns is None


async def test_a_server_that_only_guesses_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_FORGERIES", 3)

    def guess(query: bytes) -> list[bytes]:
        return [bytes([query[0] ^ n]) + answered(query)[1:] for n in range(1, 5)]

    async with upstream(guess) as server:
        with pytest.raises(ConnectionError, match="too many"):
            await ask(
                Outside().connector,
                server.address,
                QUESTION,
                Wish(),
                random.Random(1),
                by_stream=False,
            )


BAD_STREAMS = {
    "another question": lambda query: [answered(query).replace(b"\3org", b"\3com")],
    "a scrap": lambda query: [b"x"],
    "nothing": lambda query: [],
}


@pytest.mark.parametrize("behaviour", BAD_STREAMS.values(), ids=BAD_STREAMS.keys())
async def test_a_bad_reply_over_tcp_is_a_failure(behaviour: object) -> None:
    async with upstream(well, behaviour) as server:  # type: ignore[arg-type]  # one of the table
        with pytest.raises(ConnectionError):
            await ask(
                Outside().connector,
                server.address,
                QUESTION,
                Wish(),
                random.Random(1),
                by_stream=True,
            )
