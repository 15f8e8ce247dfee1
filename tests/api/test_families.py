from typing import Any, NamedTuple

import pytest

from netemu.api.families import with_families
from netemu.model.meta import copied
from tests.support.objects import told

FOUR, BOTH = ("IPv4",), ("IPv4", "IPv6")
A, SIX = "10.96.0.5", "fd00::5"
SELECTED = {"selector": {"app": "web"}}
HEADLESS = {"clusterIP": "None", "clusterIPs": ["None"]}
SINGLE, PREFER, REQUIRE = (
    {"ipFamilyPolicy": policy} for policy in ("SingleStack", "PreferDualStack", "RequireDualStack")
)


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    before: dict[str, Any] | None
    configured: tuple[str, ...]
    policy: str | None
    families: list[str] | None


CASES = [
    Case("a new one has one family", SELECTED, None, FOUR, "SingleStack", ["IPv4"]),
    Case("also where there are two", SELECTED, None, BOTH, "SingleStack", ["IPv4"]),
    Case("an alias has none", {"type": "ExternalName"}, None, FOUR, None, None),
    Case(
        "headless without selector takes any", HEADLESS, None, FOUR, "RequireDualStack",
        ["IPv4", "IPv6"],
    ),
    Case(
        "headless with selector is like others", {**HEADLESS, **SELECTED}, None, FOUR,
        "SingleStack", ["IPv4"],
    ),
    Case("both if they are there", PREFER, None, BOTH, "PreferDualStack", ["IPv4", "IPv6"]),
    Case("both if they were there", PREFER, None, FOUR, "PreferDualStack", ["IPv4"]),
    Case(
        "not upgraded by itself", {**PREFER, "ipFamilies": ["IPv4"], "clusterIPs": [A]},
        {**PREFER, "ipFamilies": ["IPv4"], "clusterIPs": [A]}, BOTH, "PreferDualStack", ["IPv4"],
    ),
    Case("as before", SELECTED, PREFER, BOTH, "PreferDualStack", ["IPv4", "IPv6"]),
    Case(
        "by its address", {"clusterIP": SIX, "clusterIPs": [SIX]}, None, BOTH, "SingleStack",
        ["IPv6"],
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_families(case: Case) -> None:
    spec = copied(case.spec)
    assert with_families(spec, case.before, case.configured) == []
    assert spec.get("ipFamilyPolicy") == case.policy
    assert spec.get("ipFamilies") == case.families


def test_one_stack_again_gives_up_the_second_address() -> None:
    two = {"clusterIPs": [A, SIX], "clusterIP": A, "ipFamilies": ["IPv4", "IPv6"]}
    spec = {**copied(two), **SINGLE}
    assert with_families(spec, {**two, **PREFER}, BOTH) == []
    assert (spec["clusterIPs"], spec["ipFamilies"]) == ([A], ["IPv4"])


@pytest.mark.parametrize(
    ("spec", "before", "refusals"),
    [
        (
            REQUIRE,
            None,
            [
                (
                    'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not '
                    "configured for dual-stack services"
                )
            ],
        ),
        (
            {"ipFamilies": ["IPv6"]},
            None,
            ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
        ),
        (
            {"clusterIP": SIX, "clusterIPs": [SIX]},
            None,
            [
                (
                    f'spec.clusterIPs[0]: Invalid value: []string{{"{SIX}"}}: IPv6 is not '
                    "configured "
                    "on this cluster"
                )
            ],
        ),
        (
            {**SINGLE, "ipFamilies": ["IPv4", "IPv6"]},
            None,
            [
                (
                    'spec.ipFamilyPolicy: Invalid value: "SingleStack": must be '
                    "'RequireDualStack' "
                    "or 'PreferDualStack' when multiple IP families are specified"
                )
            ],
        ),
        (
            {**REQUIRE, "clusterIP": A, "clusterIPs": [A]},
            {**REQUIRE, "clusterIP": A, "clusterIPs": [A, SIX]},
            [
                (
                    'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be '
                    "'SingleStack' "
                    "to release the secondary cluster IP"
                )
            ],
        ),
    ],
)
def test_what_cannot_be_had(
    spec: dict[str, Any], before: dict[str, Any] | None, refusals: list[str]
) -> None:
    assert told(with_families(copied(spec), before, FOUR)) == refusals
