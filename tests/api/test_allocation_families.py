"""What Services are given of two address families (rules 18 and 19 of the Service semantics), and
of further ranges.
"""

from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

import pytest

from netemu.model.addressing import Addressing, family_of
from netemu.model.errors import InternalError, Invalid
from tests.api.allocating import (
    ADDRESSING,
    TINY,
    addresses,
    create,
    refusal,
    sent,
    update,
)
from tests.support.families import BOTH, IPV4, IPV6, IPV6_FIRST

PREFER, REQUIRE = {"ipFamilyPolicy": "PreferDualStack"}, {"ipFamilyPolicy": "RequireDualStack"}
SINGLE = {"ipFamilyPolicy": "SingleStack"}


class Got(NamedTuple):
    """What a Service has: its policy, and the families of its addresses in their order."""

    policy: str
    families: list[str]


def got(service: Any) -> Got:
    spec = service["spec"]
    assert spec["clusterIP"] == spec["clusterIPs"][0]
    families = [family_of(ip) for ip in spec["clusterIPs"]]
    assert families == spec["ipFamilies"]
    return Got(spec["ipFamilyPolicy"], families)


FOUR, SIX = ["IPv4"], ["IPv6"]
GRANTED: list[tuple[str, Addressing, dict[str, Any], Got]] = [
    ("the primary range by default", BOTH, {}, Got("SingleStack", FOUR)),
    ("whichever that is", IPV6_FIRST, {}, Got("SingleStack", SIX)),
    ("IPv6 alone, where there is no other", IPV6, {}, Got("SingleStack", SIX)),
    ("IPv4 as asked", IPV6_FIRST, {"ipFamilies": FOUR}, Got("SingleStack", FOUR)),
    ("IPv6 as asked", BOTH, {"ipFamilies": SIX}, Got("SingleStack", SIX)),
    ("both", BOTH, REQUIRE, Got("RequireDualStack", FOUR + SIX)),
    ("both, the primary first", IPV6_FIRST, REQUIRE, Got("RequireDualStack", SIX + FOUR)),
    (
        "both in the order asked", BOTH, {**REQUIRE, "ipFamilies": SIX + FOUR},
        Got("RequireDualStack", SIX + FOUR),
    ),
    (
        "both, from one family", BOTH, {**PREFER, "ipFamilies": SIX},
        Got("PreferDualStack", SIX + FOUR),
    ),
    ("both if there are", BOTH, PREFER, Got("PreferDualStack", FOUR + SIX)),
    ("what there is", IPV6, PREFER, Got("PreferDualStack", SIX)),
    ("by the address asked", BOTH, {"clusterIP": "fd00:10:96::77"}, Got("SingleStack", SIX)),
    (
        "both by one address", BOTH, {**REQUIRE, "clusterIP": "fd00:10:96::77"},
        Got("RequireDualStack", SIX + FOUR),
    ),
    (
        "both addresses as asked", BOTH, {**REQUIRE, "clusterIPs": ["10.96.0.7", "fd00:10:96::7"]},
        Got("RequireDualStack", FOUR + SIX),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("_", "cluster", "spec", "expected"), GRANTED, ids=[g[0] for g in GRANTED])
def test_a_service_of_two_families_gets(
    _: str, cluster: Addressing, spec: dict[str, Any], expected: Got
) -> None:
    assert got(create(addresses(addressing=cluster), **spec)) == expected


ON_ONE = "this cluster is not configured for dual-stack services"
REFUSED: list[tuple[str, Addressing, dict[str, Any], str]] = [
    (
        "both where there is one",
        IPV6,
        REQUIRE,
        f'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": {ON_ONE}',
    ),
    (
        "a family there isn't",
        IPV6,
        {"ipFamilies": FOUR},
        'spec.ipFamilies[0]: Invalid value: "IPv4": not configured on this cluster',
    ),
    (
        "an address of a family there isn't",
        IPV4,
        {"clusterIP": "fd00::5"},
        (
            'spec.clusterIPs[0]: Invalid value: []string{"fd00::5"}: IPv6 is not configured on '
            "this cluster"
        ),
    ),
    (
        "an address elsewhere",
        BOTH,
        {"clusterIP": "fd00:10:97::5"},
        (
            'spec.clusterIPs: Invalid value: []string{"fd00:10:97::5"}: failed to allocate IP '
            "fd00:10:97::5: the provided IP (fd00:10:97::5) is not in the valid range. "
            "The range of valid IPs is fd00:10:96::/112"
        ),
    ),
    (
        "one stack with two families",
        BOTH,
        {**SINGLE, "ipFamilies": FOUR + SIX},
        (
            "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or "
            "'PreferDualStack' when multiple IP families are specified"
        ),
    ),
]


@pytest.mark.parametrize(("_", "cluster", "spec", "words"), REFUSED, ids=[r[0] for r in REFUSED])
def test_a_service_of_two_families_is_refused(
    _: str, cluster: Addressing, spec: dict[str, Any], words: str
) -> None:
    assert refusal(addresses(addressing=cluster), **spec) == words


def test_one_stack_with_two_addresses_is_refused_for_either() -> None:
    two = ["10.96.0.7", "fd00:10:96::7"]
    with pytest.raises(Invalid) as caught:
        addresses(addressing=BOTH).allocate(sent(**SINGLE, clusterIPs=two), None)
    assert [cause.message.rpartition(": ")[2] for cause in caught.value.causes] == [
        "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"
    ]


@pytest.mark.parametrize("policy", [PREFER, REQUIRE], ids=["prefer", "require"])
def test_a_live_service_is_upgraded_and_keeps_its_address(policy: dict[str, Any]) -> None:
    pool = addresses(addressing=BOTH)
    old = create(pool)
    both = update(pool, old, **policy)
    assert both["spec"]["clusterIP"] == old["spec"]["clusterIP"]
    assert got(both) == Got(policy["ipFamilyPolicy"], FOUR + SIX)


def test_a_live_service_is_downgraded_and_its_second_address_is_free_at_once() -> None:
    pool = addresses(addressing=BOTH)
    both = create(pool, **REQUIRE, clusterIPs=["10.96.0.7", "fd00:10:96::7"])
    assert "already allocated" in refusal(pool, clusterIP="fd00:10:96::7")
    assert got(update(pool, both, **SINGLE)) == Got("SingleStack", FOUR)
    assert got(create(pool, clusterIP="fd00:10:96::7")) == Got("SingleStack", SIX)


def test_an_omitted_policy_is_inherited() -> None:
    pool = addresses(addressing=BOTH)
    both = create(pool, **REQUIRE)
    assert got(update(pool, both)) == got(both)


def test_what_preferred_both_and_has_one_is_not_upgraded_by_itself() -> None:
    alone = create(addresses(addressing=IPV4), **PREFER)
    later = addresses(alone, addressing=BOTH)
    assert got(update(later, alone, **PREFER, ipFamilies=FOUR)) == Got("PreferDualStack", FOUR)
    assert got(update(later, alone, **REQUIRE)) == Got("RequireDualStack", FOUR + SIX)


def test_an_alias_gives_both_addresses_back() -> None:
    pool = addresses(addressing=BOTH)
    both = create(pool, **REQUIRE, clusterIPs=["10.96.0.7", "fd00:10:96::7"])
    alias = update(pool, both, type="ExternalName", externalName="x.org")
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & alias["spec"].keys()
    create(pool, **REQUIRE, clusterIPs=["10.96.0.7", "fd00:10:96::7"])


def test_headless_without_selector_takes_both_on_any_cluster() -> None:
    for cluster in (IPV4, IPV6, BOTH):
        spec = create(addresses(addressing=cluster), clusterIP="None", selector={})["spec"]
        assert spec["ipFamilyPolicy"] == "RequireDualStack"
        assert sorted(spec["ipFamilies"]) == FOUR + SIX


def test_the_last_address_of_a_range_of_ipv6_is_like_any_other() -> None:
    pool = addresses(addressing=IPV6)
    assert got(create(pool, clusterIP="fd00:10:96::ffff")).families == SIX
    assert "not in the valid range" in refusal(pool, clusterIP="fd00:10:96::")


def test_the_addresses_of_the_api_and_of_dns_are_kept_in_each_family() -> None:
    pool = addresses(addressing=BOTH)
    kept = {"fd00:10:96::1", "fd00:10:96::a", "10.96.0.1", "10.96.0.10"}
    for _ in range(300):
        assert not kept & {*create(pool, **REQUIRE)["spec"]["clusterIPs"]}


FURTHER = IPv4Network("10.196.196.0/29")


def test_addresses_of_further_ranges_may_be_asked_for() -> None:
    pool = addresses()
    assert "not in the valid range" in refusal(pool, clusterIP="10.196.196.2")
    pool.offer([FURTHER, ADDRESSING.services])
    kept = create(pool, clusterIP="10.196.196.2")
    assert kept["spec"]["clusterIPs"] == ["10.196.196.2"]
    assert "provided IP is already allocated" in refusal(pool, clusterIP="10.196.196.2")
    for outside in ("10.196.196.0", "10.196.196.7", "192.0.2.1"):
        words = "the provided network does not match the current range"
        assert words in refusal(pool, clusterIP=outside)
    pool.offer([])
    assert "not in the valid range" in refusal(pool, clusterIP="10.196.196.3")
    assert update(pool, kept, clusterIP="10.196.196.2")["spec"]["clusterIP"] == "10.196.196.2"
    pool.release(kept)
    pool.offer([FURTHER])
    create(pool, clusterIP="10.196.196.2")


def test_a_further_range_is_drawn_from_when_the_clusters_own_is_full() -> None:
    pool = addresses(addressing=TINY)
    pool.offer([FURTHER])
    own = {create(pool)["spec"]["clusterIP"] for _ in range(12)}
    assert all(IPv4Address(ip) in TINY.services for ip in own)
    more = {create(pool)["spec"]["clusterIP"] for _ in range(6)}
    assert more == {f"10.196.196.{number}" for number in range(1, 7)}
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        create(pool)


def test_overlapping_ranges_hand_out_an_address_once() -> None:
    pool = addresses(addressing=TINY)
    pool.offer([IPv4Network("127.77.0.0/27"), FURTHER])
    ips = [create(pool)["spec"]["clusterIP"] for _ in range(28)]
    assert len(set(ips)) == 28
    assert not {TINY.api, TINY.dns} & set(ips)
