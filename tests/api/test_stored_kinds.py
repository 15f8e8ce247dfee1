"""Kinds that are stored and shown: what the real kubectl makes of them."""

import json

from tests.support.certificates import a_request, asking
from tests.support.kubectl import Kubectl

MANIFEST = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
    - host: web.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: few}
spec: {hard: {pods: "4"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: small}
spec: {limits: [{type: Container, max: {cpu: "1"}}]}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: fast}
handler: fast
"""


async def test_they_are_stored_shown_and_described(kubectl: Kubectl) -> None:
    said = await kubectl("apply", "-f", "-", stdin=MANIFEST)
    assert "Warning: netemu stores ingresses and shows them, but nothing acts on them" in said.err
    assert (await kubectl("get", "ing", "--no-headers")).out.split()[1:4] == [
        "<none>",
        "web.example.com",
        "80",
    ]
    assert (await kubectl("get", "netpol", "--no-headers")).out.split()[:2] == ["deny", "<none>"]
    for what, words in (
        ("ingress/web", "web.example.com"),
        ("netpol/deny", "Policy Types: Ingress"),
        ("quota/few", "Resource"),
        ("limits/small", "Container"),
        ("runtimeclass/fast", "fast"),
    ):
        assert words in (await kubectl("describe", what)).out
    events = await kubectl("get", "events.events.k8s.io")
    assert events.err == "No resources found in default namespace.\n"
    assert "Deprecated" not in (await kubectl("explain", "ingress.spec.rules")).out


async def test_a_certificate_is_approved_by_whom_it_may_concern(kubectl: Kubectl) -> None:
    wish = json.dumps(asking("c", a_request("c"), "example.com/signer"))
    await kubectl("apply", "-f", "-", stdin=wish)
    shown = "--field-selector=spec.signerName=example.com/signer"
    before = (await kubectl("get", "csr", shown, "--no-headers")).out.split()
    assert before[3:] == ["kubernetes-admin", "<none>", "Pending"]
    assert "approved" in (await kubectl("certificate", "approve", "c")).out
    after = (await kubectl("get", "csr", shown, "--no-headers")).out.split()
    assert after[5] == "Approved"
