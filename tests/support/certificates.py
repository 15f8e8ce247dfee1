"""Requests for certificates, as openssl would make them."""

import base64
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from netemu.model.meta import Object

CLIENT = "kubernetes.io/kube-apiserver-client"


def a_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def a_request(
    name: str,
    *organizations: str,
    key: ec.EllipticCurvePrivateKey | None = None,
    dns: tuple[str, ...] = (),
    ips: tuple[str, ...] = (),
) -> bytes:
    """PEM."""
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    subject = x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    others = [*map(x509.DNSName, dns), *(x509.IPAddress(ip_address(ip)) for ip in ips)]
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    return builder.sign(key or a_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def asking(
    name: str, request: bytes, signer: str = CLIENT, *usages: str, seconds: int | None = None
) -> Object:
    """A CertificateSigningRequest."""
    spec: Object = {
        "request": base64.b64encode(request).decode(),
        "signerName": signer,
        "usages": list(usages or ("client auth",)),
    }
    if seconds is not None:
        spec["expirationSeconds"] = seconds
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": spec,
    }
