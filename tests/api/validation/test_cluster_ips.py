from typing import Any, NamedTuple

import pytest

from netemu.api.validation.cluster_ips import cluster_ips, cluster_ips_update
from tests.support.objects import told

BAD_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
A, B, SIX = "10.96.0.5", "10.96.0.6", "fd00::5"


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


CASES = [
    Case("none yet", {}, []),
    Case("one", {"clusterIP": A, "clusterIPs": [A], "ipFamilies": ["IPv4"]}, []),
    Case("of both families", {"clusterIP": A, "clusterIPs": [A, SIX]}, []),
    Case("not judged here", {"type": "ExternalName", "clusterIPs": ["x"]}, []),
    Case("half said", {"clusterIP": A}, ["spec.clusterIPs: Required value"]),
    Case(
        "out of step",
        {"clusterIP": A, "clusterIPs": [B]},
        [f'spec.clusterIPs: Invalid value: []string{{"{B}"}}: first value must match `clusterIP`'],
    ),
    Case(
        "the plural alone",
        {"clusterIPs": [A]},
        [
            (
                f'spec.clusterIPs: Invalid value: []string{{"{A}"}}: must be empty when '
                "`clusterIP` is "
                "not specified"
            )
        ],
    ),
    Case(
        "no addresses",
        {"clusterIP": "x", "clusterIPs": ["x", "None"]},
        [
            f'spec.clusterIPs[0]: Invalid value: "x": {BAD_IP}',
            f'spec.clusterIPs[1]: Invalid value: "None": {BAD_IP}',
        ],
    ),
    Case(
        "headless and not",
        {"clusterIP": "None", "clusterIPs": ["None", A]},
        [
            (
                f'spec.clusterIPs: Invalid value: []string{{"None", "{A}"}}: \'None\' must be the '
                "first and only value"
            )
        ],
    ),
    Case(
        "two of one family",
        {"clusterIP": A, "clusterIPs": [A, B]},
        [
            (
                f'spec.clusterIPs: Invalid value: []string{{"{A}", "{B}"}}: may specify no '
                "more than "
                "one IP for each IP family"
            )
        ],
    ),
    Case(
        "of another family than said",
        {"clusterIP": A, "clusterIPs": [A], "ipFamilies": ["IPv6"]},
        [
            (
                f'spec.clusterIPs[0]: Invalid value: "{A}": expected an IPv6 value as indicated by '
                "`ipFamilies[0]`"
            )
        ],
    ),
    Case(
        "strange families",
        {"ipFamilies": ["IPv4", "IPv4", "IPX"], "ipFamilyPolicy": "Any"},
        [
            'spec.ipFamilies[1]: Duplicate value: "IPv4"',
            'spec.ipFamilies[2]: Unsupported value: "IPX": supported values: "IPv4", "IPv6"',
            (
                'spec.ipFamilyPolicy: Unsupported value: "Any": supported values: '
                '"PreferDualStack", '
                '"RequireDualStack", "SingleStack"'
            ),
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_addresses(case: Case) -> None:
    assert told(cluster_ips(case.spec)) == case.refusals


def spec(*ips: str, families: tuple[str, ...] = (), policy: str = "SingleStack") -> dict[str, Any]:
    first = {"clusterIP": ips[0]} if ips else {}
    named = {"clusterIPs": list(ips), "ipFamilies": list(families)}
    return {**first, **named, "ipFamilyPolicy": policy}


ONE, TWO = (
    spec(A, families=("IPv4",)),
    spec(A, SIX, families=("IPv4", "IPv6"), policy="PreferDualStack"),
)


class Change(NamedTuple):
    name: str
    old: dict[str, Any]
    new: dict[str, Any]
    refusals: list[str]


CHANGES = [
    Change("stays", ONE, ONE, []),
    Change("gets a second one", ONE, TWO, []),
    Change("gives up the second one", TWO, ONE, []),
    Change("becomes an alias", ONE, {"type": "ExternalName"}, []),
    Change("was an alias", {"type": "ExternalName"}, ONE, []),
    Change("stays headless", spec("None"), spec("None", families=("IPv6",)), []),
    Change(
        "moves",
        ONE,
        spec(B, families=("IPv4",)),
        [f'spec.clusterIPs[0]: Invalid value: []string{{"{B}"}}: may not change once set'],
    ),
    Change(
        "becomes headless",
        ONE,
        spec("None", families=("IPv4",)),
        ['spec.clusterIPs[0]: Invalid value: []string{"None"}: may not change once set'],
    ),
    Change(
        "is taken away",
        ONE,
        {"ipFamilies": ["IPv4"]},
        ["spec.clusterIPs[0]: Invalid value: []string(nil): primary clusterIP can not be unset"],
    ),
    Change(
        "gives up the second one without saying so",
        TWO,
        spec(A, families=("IPv4",), policy="PreferDualStack"),
        [
            (
                'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to '
                "'SingleStack' "
                "when releasing the secondary clusterIP"
            ),
            (
                'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to '
                "'SingleStack' "
                "when releasing the secondary ipFamily"
            ),
        ],
    ),
    Change(
        "changes its family",
        ONE,
        spec(A, families=("IPv6",)),
        ['spec.ipFamilies[0]: Invalid value: []core.IPFamily{"IPv6"}: may not change once set'],
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_an_address_stays(change: Change) -> None:
    assert told(cluster_ips_update(change.new, change.old)) == change.refusals
