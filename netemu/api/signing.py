"""Signing what was approved, with the cluster's own certificate authority.

Source: upstream's PermissiveSigningPolicy (pkg/controller/certificates/authority).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netemu.model.signingrequest import parse

if TYPE_CHECKING:
    from cryptography import x509

BACKDATE: Final = 300
"""Seconds that a certificate is valid before it is signed, for clocks that differ."""
SHORT: Final = 8 * 3600
"""Seconds from which the backdating counts as part of the time a certificate holds."""

_KEY_USAGES: Final = {
    "digital signature": "digital_signature",
    "signing": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "data encipherment": "data_encipherment",
    "key agreement": "key_agreement",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
}
_EXTENDED: Final = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}


Extension = tuple["x509.ExtensionType", bool]
"""And whether who doesn't know it must refuse the certificate."""


def sign(folder: Path, pem: bytes, usages: Sequence[str], seconds: int, now: float) -> bytes:
    """A certificate, PEM, for a request; it holds for so many seconds, but no longer than the CA.

    `folder` has the CA's certificate and key. Raises OSError, model.signingrequest.Unreadable.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    request = parse(pem)
    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    end = now + seconds - (0 if seconds < SHORT else BACKDATE)
    end = min(end, ca.not_valid_after_utc.timestamp())
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ca.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(now - BACKDATE, UTC))
        .not_valid_after(datetime.fromtimestamp(end, UTC))
    )
    for extension, critical in _extensions(request, ca, usages):
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type] # it is an EC key
    return certificate.public_bytes(serialization.Encoding.PEM)


def _extensions(
    request: "x509.CertificateSigningRequest", ca: "x509.Certificate", usages: Sequence[str]
) -> Iterator[Extension]:
    from cryptography import x509

    uses = dict.fromkeys(_KEY_USAGES.values(), False)
    uses |= {_KEY_USAGES[usage]: True for usage in usages if usage in _KEY_USAGES}
    if any(uses.values()):  # one that allows nothing is no valid extension
        yield x509.KeyUsage(**uses, encipher_only=False, decipher_only=False), True
    purposes = [_EXTENDED[usage] for usage in dict.fromkeys(usages) if usage in _EXTENDED]
    if purposes:
        yield x509.ExtendedKeyUsage(map(x509.ObjectIdentifier, dict.fromkeys(purposes))), False
    yield x509.BasicConstraints(ca=False, path_length=None), True
    # Python 3.13 takes no certificate without the next two (RFC 5280 §4.2.1.1, §4.2.1.2).
    yield x509.SubjectKeyIdentifier.from_public_key(request.public_key()), False
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    yield x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), False
    for extension in request.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            yield extension.value, extension.critical
