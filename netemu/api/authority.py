"""The instance's own certificate authority: making it, and what it signs.

Made once and kept: the CA outlives the certificates it signs, so a kubeconfig that was handed out
stays good when the server's names change. `cryptography` is loaded only when something must be
made; everything is readable by its owner alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from netemu.api.credentials import token_key, write_private

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALWAYS: Final = (
    "localhost",
    "127.0.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
"""Names the server has wherever it runs."""
ADMIN: Final = "kubernetes-admin"
ADMIN_GROUPS: Final = ("system:masters", "kubeadm:cluster-admins")

_DAY: Final = 86400
CA_DAYS: Final = 3650
LEAF_DAYS: Final = 365
"""How long certificates hold (kubeadm's defaults)."""
RENEW_DAYS: Final = 30
"""Certificates with less left than this are made anew."""
_SKEW: Final = 300
"""Seconds that certificates are valid before they are made, for clocks that differ."""


class _Made(msgspec.Struct):
    """What was made, written after all of it: half a set is no set."""

    hosts: list[str]
    leaves_end: float
    ca_ends: float


def ensure_credentials(
    folder: Path, *, hosts: Sequence[str], now: Callable[[], float] = time.time
) -> None:
    """Make what is missing or no longer good in `folder`; quick when there is nothing to make.

    `hosts` are names and addresses of the server besides `ALWAYS`. Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not token_key(folder).exists():
        write_private(folder / "sa.key", _pem(_new_key()))
    wanted = sorted({*ALWAYS, *hosts})
    made, moment = _read_made(folder), now()
    if made is not None and made.ca_ends < moment + (LEAF_DAYS + RENEW_DAYS) * _DAY:
        made = None
    if (
        made is not None
        and set(wanted) <= set(made.hosts)
        and made.leaves_end > moment + RENEW_DAYS * _DAY
    ):
        return
    if made is None:
        _make_ca(folder, moment)
        ca_ends = moment + CA_DAYS * _DAY
    else:
        ca_ends = made.ca_ends
        wanted = sorted({*wanted, *made.hosts})
    _make_leaves(folder, wanted, moment)
    leaves_end = moment + LEAF_DAYS * _DAY
    write_private(folder / "made.json", msgspec.json.encode(_Made(wanted, leaves_end, ca_ends)))


def _read_made(folder: Path) -> _Made | None:
    try:
        return msgspec.json.decode((folder / "made.json").read_bytes(), type=_Made)
    except (OSError, msgspec.DecodeError):
        return None


def _make_ca(folder: Path, now: float) -> None:
    from cryptography import x509

    key = _new_key()
    builder = _certificate(_name("netemu-ca"), key, now, CA_DAYS)
    builder = builder.issuer_name(_name("netemu-ca"))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    _save(folder, "ca", key, builder, key)


def _make_leaves(folder: Path, hosts: Sequence[str], now: float) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID

    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    ca_key = load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    leaves = (
        ("server", _name("kube-apiserver"), ExtendedKeyUsageOID.SERVER_AUTH, names),
        ("admin", _name(ADMIN, *ADMIN_GROUPS), ExtendedKeyUsageOID.CLIENT_AUTH, None),
    )
    for file, subject, usage, alternatives in leaves:
        key = _new_key()
        builder = _certificate(subject, key, now, LEAF_DAYS).issuer_name(ca.subject)
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        _save(folder, file, key, builder, ca_key)  # type: ignore[arg-type] # it is an EC key


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str, *organizations: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _certificate(
    subject: x509.Name, key: EllipticCurvePrivateKey, now: float, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(now - _SKEW, UTC))
        .not_valid_after(datetime.fromtimestamp(now + days * _DAY, UTC))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _save(
    folder: Path,
    name: str,
    key: EllipticCurvePrivateKey,
    builder: x509.CertificateBuilder,
    signer: EllipticCurvePrivateKey,
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    # Python 3.13 takes no certificate without these two (RFC 5280 §4.2.1.1, §4.2.1.2).
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(own, critical=False).add_extension(issuer, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    pem = serialization.Encoding.PEM
    write_private(folder / f"{name}.key", _pem(key))
    write_private(folder / f"{name}.crt", certificate.public_bytes(pem))


def _pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
