import pytest

from netemu.model.signingrequest import (
    API_CLIENT,
    KUBELET_CLIENT,
    KUBELET_SERVING,
    SIGNERS,
    Asked,
    Unreadable,
    asked,
    parse,
)
from tests.support.certificates import a_request

NODE = Asked(name="system:node:n1", organizations=("system:nodes",))
CLIENT_USES = ("digital signature", "client auth")
SERVER_USES = ("digital signature", "key encipherment", "server auth")
AUTH = "client auth"

CASES = [
    (API_CLIENT, Asked(name="anne"), (AUTH,), ""),
    (API_CLIENT, Asked(name="anne"), (AUTH, "key encipherment", "digital signature"), ""),
    (API_CLIENT, Asked(), ("digital signature",),
     "missing required usage for client certificate: client auth"),
    (API_CLIENT, Asked(), (AUTH, "server auth"),
     "invalid usage for client certificate: server auth"),
    (KUBELET_CLIENT, NODE, CLIENT_USES, ""),
    (KUBELET_CLIENT, Asked(name="system:node:n1"), CLIENT_USES,
     "subject organization is not system:nodes"),
    (KUBELET_CLIENT, Asked(name="n1", organizations=("system:nodes",)), CLIENT_USES,
     "subject common name does not begin with system:node:"),
    (KUBELET_CLIENT, Asked(organizations=("system:nodes",), dns=("a",)), CLIENT_USES,
     "DNS subjectAltNames are not allowed"),
    (KUBELET_CLIENT, Asked(organizations=("system:nodes",), ips=("::1",)), CLIENT_USES,
     "IP subjectAltNames are not allowed"),
    (KUBELET_CLIENT, NODE, (AUTH,),
     "usages did not match [client auth digital signature key encipherment]"),
    (KUBELET_SERVING, NODE, SERVER_USES, "DNS or IP subjectAltName is required"),
    (KUBELET_SERVING, Asked(name="system:node:n1", organizations=("system:nodes",), dns=("n1",)),
     SERVER_USES, ""),
    (KUBELET_SERVING, Asked(organizations=("system:nodes",), dns=("n1",), emails=("a@b",)),
     SERVER_USES, "Email subjectAltNames are not allowed"),
    (KUBELET_SERVING, Asked(name="n1", organizations=("system:nodes",), dns=("n1",)), SERVER_USES,
     "subject common name does not begin with system:node:"),
]  # fmt: skip


@pytest.mark.parametrize(("signer", "wish", "usages", "objection"), CASES)
def test_each_signer_says_why_it_does_not_sign(
    signer: str, wish: Asked, usages: tuple[str, ...], objection: str
) -> None:
    assert SIGNERS[signer](wish, usages) == objection


def test_a_request_says_who_wants_to_be_what() -> None:
    pem = a_request("anne", "a", "b", dns=("web", "web.default"), ips=("10.0.0.1", "::1"))
    assert asked(parse(pem)) == Asked(
        name="anne", organizations=("a", "b"), dns=("web", "web.default"), ips=("10.0.0.1", "::1")
    )
    assert asked(parse(a_request("anne"))) == Asked(name="anne")


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (b"", "PEM block type must be CERTIFICATE REQUEST"),
        (b"-----BEGIN CERTIFICATE-----", "PEM block type must be CERTIFICATE REQUEST"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
         "asn1: structure error: malformed certificate request"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_told(pem: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=f"^{why}$"):
        parse(pem)


def test_a_forged_request_is_told() -> None:
    lines = a_request("anne").splitlines()
    lines[-2] = b"AAAA" + lines[-2][4:]
    with pytest.raises(Unreadable):
        parse(b"\n".join(lines) + b"\n")
