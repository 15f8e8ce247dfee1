"""Rules of NetworkPolicies."""

from typing import Any, NamedTuple

import pytest

from netemu.api.validation.ips import BAD_RANGE
from netemu.model.names import label_value
from tests.support.objects import created, named, refusals

KEY = "networkpolicies.networking.k8s.io"
PORT = "spec.egress[0].ports[0]"
PEER = "spec.ingress[0].from[0]"


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


def port(**said: Any) -> dict[str, Any]:
    return {"egress": [{"ports": [said]}]}


def peer(**said: Any) -> dict[str, Any]:
    return {"ingress": [{"from": [said]}]}


def block(cidr: str, *but: str) -> dict[str, Any]:
    return peer(ipBlock={"cidr": cidr, "except": list(but)})


CASES = [
    Case("usual", {"podSelector": {}, "policyTypes": ["Ingress"]}, []),
    Case(
        "an unknown direction",
        {"policyTypes": ["Up"]},
        ['spec.policyTypes[0]: Unsupported value: "Up": supported values: "Ingress", "Egress"'],
    ),
    Case(
        "three directions",
        {"policyTypes": ["Ingress", "Egress", "Up"]},
        [
            (
                'spec.policyTypes: Invalid value: []string{"Ingress", "Egress", "Up"}: may not '
                "specify more than two policyTypes"
            )
        ],
    ),
    Case(
        "pods by a label that can't be",
        {"podSelector": {"matchLabels": {"a": "b c"}}},
        [f'spec.podSelector.matchLabels: Invalid value: "b c": {label_value("b c")[0]}'],
    ),
    Case("a range of ports", port(port=80, endPort=90), []),
    Case(
        "a range that ends before it begins",
        port(port=80, endPort=70),
        [f"{PORT}.endPort: Invalid value: 70: must be greater than or equal to `port`"],
    ),
    Case(
        "a range from a name",
        port(port="http", endPort=90),
        [f"{PORT}.endPort: Invalid value: 90: may not be specified when `port` is non-numeric"],
    ),
    Case(
        "a range from nowhere",
        port(endPort=2),
        [f"{PORT}.endPort: Invalid value: 2: may not be specified when `port` is not specified"],
    ),
    Case(
        "an unknown protocol",
        port(protocol="ICMP"),
        [f'{PORT}.protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"'],
    ),
    Case("nobody", peer(), [f"{PEER}: Required value: must specify a peer"]),
    Case(
        "pods at addresses",
        peer(ipBlock={"cidr": "10.0.0.0/8"}, podSelector={}),
        [f"{PEER}: Forbidden: may not specify both ipBlock and another peer"],
    ),
    Case("a part of the world", block("10.0.0.0/8", "10.1.0.0/16"), []),
    Case("no range", peer(ipBlock={}), [f"{PEER}.ipBlock.cidr: Required value"]),
    Case(
        "an address",
        block("10.0.0.1"),
        [f'{PEER}.ipBlock.cidr: Invalid value: "10.0.0.1": {BAD_RANGE}'],
    ),
    *(
        Case(
            f"but {but}",
            block("10.0.0.0/8", but),
            [
                (
                    f'{PEER}.ipBlock.except[0]: Invalid value: "{but}": must be a strict subset of '
                    "`cidr`"
                )
            ],
        )
        for but in ("11.0.0.0/16", "10.0.0.0/8", "fd00::/64")
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_policies(case: Case) -> None:
    assert refusals(KEY, created(KEY, named(spec=case.spec))) == case.refusals
