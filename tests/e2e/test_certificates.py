"""From a request to a client that is somebody: what ``kubectl certificate approve`` leads to."""

import base64
import json
import ssl
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from netemu.testing import Instance, instance
from tests.support.certificates import a_key, a_request, asking, key_pem

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("signing") as made:
        yield made


def test_who_is_approved_becomes_somebody(cluster: Instance, tmp_path: Path) -> None:
    key = a_key()
    wish = asking("anne", a_request("anne", "devs", key=key), seconds=3600)
    cluster.kubectl("apply", "-f", "-", input=json.dumps(wish))
    assert "Pending" in cluster.kubectl("get", "csr", "anne")
    cluster.kubectl("certificate", "approve", "anne")

    def certificate() -> str:
        return cluster.kubectl("get", "csr", "anne", "-o", "jsonpath={.status.certificate}")

    cluster.wait_for(certificate, what="a certificate")
    assert "Approved,Issued" in cluster.kubectl("get", "csr", "anne")
    (tmp_path / "anne.key").write_bytes(key_pem(key))
    (tmp_path / "anne.crt").write_bytes(base64.b64decode(certificate()))
    files = [f"--client-{part}={tmp_path / 'anne'}.{end}"
             for part, end in (("certificate", "crt"), ("key", "key"))]  # fmt: skip
    cluster.kubectl("config", "set-credentials", "anne", "--embed-certs", *files)

    def as_anne(*words: str) -> str:
        return cluster.run("kubectl", "--user=anne", *words, check=False).stdout

    said = as_anne("auth", "whoami")
    assert "devs" in said
    whole = ssl.PEM_cert_to_DER_cert((tmp_path / "anne.crt").read_text())
    assert f"X509SHA256={sha256(whole).hexdigest()}" in said
    assert as_anne("auth", "can-i", "list", "pods") == "no\n"
    cluster.kubectl("create", "rolebinding", "devs", "--clusterrole=view", "--group=devs")
    assert as_anne("auth", "can-i", "list", "pods") == "yes\n"
    assert as_anne("auth", "can-i", "list", "secrets") == "no\n"


def test_who_is_denied_gets_nothing(cluster: Instance) -> None:
    cluster.kubectl("apply", "-f", "-", input=json.dumps(asking("bob", a_request("bob"))))
    cluster.kubectl("certificate", "deny", "bob")
    assert "Denied" in cluster.kubectl("get", "csr", "bob")


def test_what_no_signer_takes_fails(cluster: Instance) -> None:
    wish = asking("carl", a_request("carl"), "kubernetes.io/kubelet-serving", "client auth")
    cluster.kubectl("apply", "-f", "-", input=json.dumps(wish))
    cluster.kubectl("certificate", "approve", "carl")
    cluster.wait_for(
        lambda: (
            "SignerValidationFailure"
            in cluster.kubectl("get", "csr", "carl", "-o", "jsonpath={.status.conditions}")
        ),
        what="the failure",
    )
