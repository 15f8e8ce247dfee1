import ssl
from pathlib import Path

import pytest
from cryptography import x509

from netemu.api.credentials import Credentials
from netemu.api.signing import BACKDATE, sign
from netemu.model.signingrequest import Unreadable
from tests.support.certificates import a_key, a_request, key_pem

NOW = 1_800_000_000.0
DAY = 86400


def signed(credentials: Credentials, pem: bytes, *usages: str, seconds: int = DAY) -> bytes:
    return sign(credentials.folder, pem, usages, seconds, NOW)


def test_a_certificate_says_what_was_asked_for(credentials: Credentials) -> None:
    pem = a_request("anne", "devs", dns=("web",))
    made = x509.load_pem_x509_certificate(signed(credentials, pem, "client auth", "signing"))
    assert made.subject == x509.load_pem_x509_csr(pem).subject
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [each.dotted_string for each in purposes] == ["1.3.6.1.5.5.7.3.2"]
    assert made.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["web"]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(("seconds", "holds"), [(600, 600), (DAY, DAY - BACKDATE)])
def test_a_certificate_holds_as_long_as_asked(
    credentials: Credentials, seconds: int, holds: int
) -> None:
    made = x509.load_pem_x509_certificate(
        signed(credentials, a_request("anne"), "client auth", seconds=seconds)
    )
    assert made.not_valid_before_utc.timestamp() == NOW - BACKDATE
    assert made.not_valid_after_utc.timestamp() == NOW + holds


def test_no_certificate_outlives_the_authority(credentials: Credentials) -> None:
    made = x509.load_pem_x509_certificate(
        signed(credentials, a_request("anne"), "client auth", seconds=100 * 365 * DAY)
    )
    ca = x509.load_pem_x509_certificate(credentials.ca)
    assert made.not_valid_after_utc == ca.not_valid_after_utc


def test_python_takes_the_certificate(credentials: Credentials, tmp_path: Path) -> None:
    key = a_key()
    pem = signed(credentials, a_request("anne", key=key), "client auth")
    both = tmp_path / "anne.pem"
    both.write_bytes(key_pem(key) + pem)
    ssl.create_default_context(cafile=str(credentials.ca_file)).load_cert_chain(both)


def test_what_is_no_request_is_not_signed(credentials: Credentials) -> None:
    with pytest.raises(Unreadable):
        signed(credentials, b"nonsense")
