"""Other servers asked over TLS, with an authority of the test's own."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from netemu.dns.chain import Tls
from netemu.dns.records import Rcode
from netemu.dns.tls import context_of
from tests.dns.cluster import shown
from tests.dns.upstream import Upstream, answered, asking, upstream, well

PEM = serialization.Encoding.PEM


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.pem = self._signed(self.name, self.key.public_key(), ca=True)

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool, san: str = "x"
    ) -> str:
        now = datetime.now(UTC)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        certificate = (
            x509.CertificateBuilder(self.name, name, key, x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([general(san)]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
                critical=False,
            )
        )
        if ca:
            certificate = certificate.add_extension(identifier, critical=False)
        return certificate.sign(self.key, hashes.SHA256()).public_bytes(PEM).decode()

    def issued(self, san: str) -> tuple[str, str]:
        """Files with a certificate for a name or address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        files = self.folder / f"{san}.crt", self.folder / f"{san}.key"
        files[0].write_text(self._signed(name, key.public_key(), ca=False, san=san))
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        files[1].write_bytes(key.private_bytes(PEM, *private))
        return str(files[0]), str(files[1])

    def server(self, san: str, *, clients: bool = False) -> ssl.SSLContext:
        """What a server with such a certificate listens with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issued(san))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.pem)
        return context


def general(san: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(san))
    except ValueError:
        return x509.DNSName(san)


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
