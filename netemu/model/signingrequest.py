"""What a PKCS#10 request asks for, and whether a signer of Kubernetes takes it; pure.

`cryptography` is loaded with the first request. Source: pkg/apis/certificates/helpers.go and
pkg/controller/certificates/signer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography import x509

API_CLIENT: Final = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT: Final = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING: Final = "kubernetes.io/kubelet-serving"
LEGACY: Final = "kubernetes.io/legacy-unknown"

_BLOCK: Final = b"-----BEGIN CERTIFICATE REQUEST-----"
_NODES: Final = ("system:nodes",)


class Unreadable(Exception):
    """No request; the message is upstream's."""


class Asked(Struct, frozen=True, kw_only=True):
    """The subject of a request, and its other names."""

    name: str = ""
    organizations: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()


def parse(pem: bytes) -> "x509.CertificateSigningRequest":
    """The request, its signature checked. Raises Unreadable."""
    from cryptography import x509

    if _BLOCK not in pem:
        raise Unreadable("PEM block type must be CERTIFICATE REQUEST")
    try:
        request = x509.load_pem_x509_csr(pem)
        valid = request.is_signature_valid
    except Exception as error:  # the library has no one class for what can't be read
        raise Unreadable("asn1: structure error: malformed certificate request") from error
    if not valid:
        raise Unreadable("x509: the signature of the certificate request is not valid")
    return request


def asked(request: "x509.CertificateSigningRequest") -> Asked:
    """What a request asks for."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def of_subject(oid: x509.ObjectIdentifier) -> tuple[str, ...]:
        return tuple(str(item.value) for item in request.subject.get_attributes_for_oid(oid))

    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    return Asked(
        name="".join(of_subject(NameOID.COMMON_NAME)[:1]),
        organizations=of_subject(NameOID.ORGANIZATION_NAME),
        dns=tuple(names.get_values_for_type(x509.DNSName)),
        ips=tuple(map(str, names.get_values_for_type(x509.IPAddress))),
        emails=tuple(names.get_values_for_type(x509.RFC822Name)),
        uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
    )


Objection = Callable[[Asked, Sequence[str]], str]


def _for_api_client(asked: Asked, usages: Sequence[str]) -> str:
    for usage in usages:
        if usage not in ("client auth", "digital signature", "key encipherment"):
            return f"invalid usage for client certificate: {usage}"
    if "client auth" not in usages:
        return "missing required usage for client certificate: client auth"
    return ""


def _for_kubelet_client(asked: Asked, usages: Sequence[str]) -> str:
    if asked.organizations != _NODES:
        return "subject organization is not system:nodes"
    for kind, given in (
        ("DNS", asked.dns), ("Email", asked.emails), ("IP", asked.ips), ("URI", asked.uris),
    ):  # fmt: skip
        if given:
            return f"{kind} subjectAltNames are not allowed"
    if not asked.name.startswith("system:node:"):
        return "subject common name does not begin with system:node:"
    return _usages(usages, "client auth")


def _for_kubelet_serving(asked: Asked, usages: Sequence[str]) -> str:
    if asked.organizations != _NODES:
        return "subject organization is not system:nodes"
    if not asked.dns and not asked.ips:
        return "DNS or IP subjectAltName is required"
    for kind, given in (("Email", asked.emails), ("URI", asked.uris)):
        if given:
            return f"{kind} subjectAltNames are not allowed"
    if problem := _usages(usages, "server auth"):
        return problem
    if not asked.name.startswith("system:node:"):
        return "subject common name does not begin with system:node:"
    return ""


def _usages(usages: Sequence[str], purpose: str) -> str:
    needed = {"digital signature", purpose}
    if set(usages) in (needed, needed | {"key encipherment"}):
        return ""
    shown = " ".join(sorted({*needed, "key encipherment"}))
    return f"usages did not match [{shown}]"


SIGNERS: Final[Mapping[str, Objection]] = {
    API_CLIENT: _for_api_client,
    KUBELET_CLIENT: _for_kubelet_client,
    KUBELET_SERVING: _for_kubelet_serving,
}
"""By the signer's name: why it won't sign, "" if it will."""
