"""Hints by which every zone gets a share of a Service's endpoints (KEP-2433). Pure.

A Service that asks for it by annotation has each endpoint hinted for one zone, its own if possible,
such that zones have endpoints in proportion to their nodes. Upstream weighs zones by their nodes'
CPUs; netemu's nodes are all alike.
Source: k8s.io/endpointslice/topologycache, of which the words are, too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Final, NamedTuple

from netemu.model.meta import Object, annotations_of

ANNOTATIONS: Final = (
    "service.kubernetes.io/topology-mode",
    "service.kubernetes.io/topology-aware-hints",
)
"""Of these the first that is there counts; the second is an older name."""
OVERLOAD: Final = 0.2
"""How much more than its share an endpoint may have to carry at most."""
_DISABLED: Final = "Topology Aware Hints has been disabled"


def is_asked_for(service: Object) -> bool:
    """Whether a Service wants such hints."""
    annotations = annotations_of(service)
    value = next((annotations[name] for name in ANNOTATIONS if name in annotations), "")
    return value in ("Auto", "auto")


def allot(endpoints: Sequence[str], nodes: Iterable[str]) -> list[str]:
    """The zone to hint for each endpoint, given their zones and those of all nodes; none of them
    where some have no zone, where there is but one, or where there are too few endpoints.
    """
    weights = Counter(nodes)
    return [] if _refusal(endpoints, weights) else _dealt(endpoints, _shares(endpoints, weights))


def _shares(endpoints: Sequence[str], weights: Mapping[str, int]) -> dict[str, float]:
    total, count = sum(weights.values()), len(endpoints)
    return {zone: count * weight / total for zone, weight in weights.items()}


def _refusal(endpoints: Sequence[str], weights: Mapping[str, int]) -> str:
    """Why there are no hints; "" if there are some."""
    if not weights or "" in weights:
        return (
            "Insufficient Node information: allocatable CPU or zone not specified "
            "on one or more nodes"
        )
    if len(weights) < 2:
        return "Nodes only ready in one zone"
    counts = f"({len(endpoints)} endpoints, {len(weights)} zones)"
    if len(weights) > len(endpoints):
        return f"Insufficient number of endpoints {counts}"
    shares = _shares(endpoints, weights)
    if sum(ceil(share / (1 + OVERLOAD)) for share in shares.values()) > len(endpoints):
        return (
            "Unable to allocate minimum required endpoints to each zone without exceeding "
            f"overload threshold {counts}"
        )
    if not set(endpoints) <= set(weights):
        return "One or more endpoints do not have a zone specified"
    return ""


class Event(NamedTuple):
    """What there is to tell about hints."""

    type: str
    reason: str
    message: str


def event(
    family: str, endpoints: Sequence[str], nodes: Iterable[str], *, asked: bool, hinted: bool
) -> Event | None:
    """What to tell of the endpoints of an address family, given their zones and those of all
    nodes: whether they are `asked` to be hinted, and were `hinted` before. None: nothing is new.
    """
    if not asked and not hinted:
        return None
    refusal = _refusal(endpoints, Counter(nodes)) if asked else _DISABLED
    if refusal:
        return Event("Warning", "TopologyAwareHintsDisabled", f"{refusal}, addressType: {family}")
    if hinted:
        return None
    words = f"Topology Aware Hints has been enabled, addressType: {family}"
    return Event("Normal", "TopologyAwareHintsEnabled", words)


def _dealt(endpoints: Sequence[str], shares: Mapping[str, float]) -> list[str]:
    """Each endpoint to its own zone, and those that one has too many of to who lacks most."""
    room = {zone: ceil(share) for zone, share in shares.items()}
    have: Counter[str] = Counter()
    hints: list[str] = []
    for zone in endpoints:
        keeps = have[zone] < room[zone]
        hints.append(zone if keeps else "")
        have[zone] += keeps
    for index, hint in enumerate(hints):
        if not hint:
            hints[index] = min(sorted(shares), key=lambda zone: have[zone] - shares[zone])
            have[hints[index]] += 1
    return _none_without(hints, endpoints, shares)


def _none_without(
    hints: list[str], endpoints: Sequence[str], shares: Mapping[str, float]
) -> list[str]:
    """A zone that has nothing gets one of the zone that has most."""
    have = Counter(hints)
    for zone in sorted(shares):
        if not have[zone]:
            richest = max(sorted(have), key=lambda each: have[each] - shares[each])
            index = max(i for i, hint in enumerate(hints) if hint == richest)
            hints[index] = zone
            have[richest] -= 1
            have[zone] += 1
    assert len(hints) == len(endpoints)
    return hints
