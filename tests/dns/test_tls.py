"""Other servers asked over TLS, with an authority of the test's own."""

import ssl
from pathlib import Path

import pytest

from netemu.dns.forwarding import Tls
from netemu.dns.records import Rcode
from netemu.dns.tls import context_of
from tests.dns.authority import Authority
from tests.dns.cluster import shown
from tests.dns.upstream import Upstream, answered, asking, upstream, well


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def code(server: Upstream, tls: Tls) -> Rcode:
    async with asking(server, secured=((server.address, tls),)) as others:
        return (await others.answer("www.example.org")).rcode


@pytest.mark.parametrize("san", ["127.0.0.1", "dns.example.org"])
async def test_a_server_with_the_right_name_is_believed(authority: Authority, san: str) -> None:
    tls = Tls(name=san, authorities=authority.pem)
    async with upstream(well, tls=authority.server(san)) as server:
        async with asking(server, secured=((server.address, tls),)) as others:
            answer = await others.answer("www.example.org")
        assert [shown(record) for record in answer.records] == ["A 192.0.2.1"]
        assert (len(server.asked), len(server.asked_by_tcp)) == (0, 1)


async def test_another_name_is_not_believed(authority: Authority) -> None:
    async with upstream(well, tls=authority.server("dns.example.org")) as server:
        tls = Tls(name="dns.example.com", authorities=authority.pem)
        assert await code(server, tls) is Rcode.SERVFAIL
        assert server.asked_by_tcp == []


async def test_another_authority_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    async with upstream(well, tls=other.server("dns.example.org")) as server:
        for authorities in (authority.pem, ""):
            tls = Tls(name="dns.example.org", authorities=authorities)
            assert await code(server, tls) is Rcode.SERVFAIL


async def test_a_server_that_speaks_no_tls_fails(authority: Authority) -> None:
    async with upstream(well) as server:
        tls = Tls(name="127.0.0.1", authorities=authority.pem)
        assert await code(server, tls) is Rcode.SERVFAIL
        assert server.asked == []


async def test_a_server_may_ask_who_we_are(authority: Authority) -> None:
    async with upstream(well, tls=authority.server("127.0.0.1", clients=True)) as server:
        tls = Tls(name="127.0.0.1", authorities=authority.pem)
        assert await code(server, tls) is Rcode.SERVFAIL
        certificate, key = authority.issued("client")
        ours = Tls(name="127.0.0.1", authorities=authority.pem, certificate=certificate, key=key)
        assert await code(server, ours) is Rcode.NOERROR


async def test_a_large_answer_arrives_whole(authority: Authority) -> None:
    def much(query: bytes) -> list[bytes]:
        addresses = (f"www.example.org. 60 IN A 192.0.2.{number}" for number in range(250))
        return [answered(query, *addresses)]

    tls = Tls(name="127.0.0.1", authorities=authority.pem)
    async with (
        upstream(much, tls=authority.server("127.0.0.1")) as server,
        asking(server, secured=((server.address, tls),)) as others,
    ):
        assert len((await others.answer("www.example.org")).records) == 250


def test_certificates_are_always_verified(authority: Authority) -> None:
    for tls in (Tls(name="x"), Tls(name="x", authorities=authority.pem)):
        context = context_of(tls)
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(OSError, match="certificate"):
        context_of(Tls(name="x", authorities="nonsense"))
