"""How zones share a Service's endpoints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.controllers.topologyhints import allot, event, is_asked_for

ALLOTTED = [
    pytest.param(["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c"], id="one each"),
    pytest.param(["a"] * 4, ["a", "b"], ["a", "a", "b", "b"], id="all are in one zone"),
    pytest.param(["a", "a", "b", "b"], ["a", "b"], ["a", "a", "b", "b"], id="evenly spread"),
    pytest.param(["a", "b"], ["a", "b", "c"], [], id="fewer than zones"),
    pytest.param(["a", "a"], ["a", "a"], [], id="one zone"),
    pytest.param(["a", "b", ""], ["a", "b"], [], id="an endpoint without a zone"),
    pytest.param(["a", "b"], ["a", "b", ""], [], id="a node without a zone"),
    pytest.param(["a", "b"], ["a", "a", "a", "b"], [], id="too few for such a difference"),
    pytest.param(
        ["a", "a", "b", "b"], ["a", "a", "a", "b"], ["a", "a", "b", "a"], id="by their nodes"
    ),
    pytest.param([], ["a", "b"], [], id="no endpoint"),
]


@pytest.mark.parametrize(("endpoints", "nodes", "expected"), ALLOTTED)
def test_allotted(endpoints: list[str], nodes: list[str], expected: list[str]) -> None:
    assert allot(endpoints, nodes) == expected


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), min_size=3))
def test_every_zone_with_nodes_has_an_endpoint_or_there_are_no_hints(
    endpoints: list[str], nodes: list[str]
) -> None:
    hints = allot(endpoints, nodes)
    assert hints == [] or (len(hints) == len(endpoints) and set(hints) == set(nodes))


@pytest.mark.parametrize(
    ("annotations", "asked"),
    [
        ({"service.kubernetes.io/topology-mode": "Auto"}, True),
        ({"service.kubernetes.io/topology-aware-hints": "auto"}, True),
        ({"service.kubernetes.io/topology-mode": "Disabled"}, False),
        ({}, False),
    ],
)
def test_a_service_asks_by_annotation(annotations: dict[str, str], asked: bool) -> None:
    assert is_asked_for({"metadata": {"annotations": annotations}}) is asked


ENABLED = "Topology Aware Hints has been enabled"
DISABLED = "Topology Aware Hints has been disabled"
TOLD = [
    (["a", "b"], ["a", "b"], True, False, ENABLED),
    (["a", "b"], ["a", "b"], True, True, ""),
    (["a", "b"], ["a", "b"], False, True, DISABLED),
    (["a", "b"], ["a", "b"], False, False, ""),
    (["a"], ["a", "b"], True, True, "Insufficient number of endpoints (1 endpoints, 2 zones)"),
    (["a"], ["a"], True, False, "Nodes only ready in one zone"),
    (
        ["a"],
        ["a", ""],
        True,
        False,
        (
            "Insufficient Node information: allocatable CPU or zone not specified "
            "on one or more nodes"
        ),
    ),
    (["a", ""], ["a", "b"], True, False, "One or more endpoints do not have a zone specified"),
    (
        ["a", "b"],
        ["a", "a", "a", "b"],
        True,
        False,
        (
            "Unable to allocate minimum required endpoints to each zone without exceeding "
            "overload threshold (2 endpoints, 2 zones)"
        ),
    ),
]


@pytest.mark.parametrize(("endpoints", "nodes", "asked", "hinted", "words"), TOLD)
def test_what_is_told_of_them(
    endpoints: list[str], nodes: list[str], asked: bool, hinted: bool, words: str
) -> None:
    told = event("IPv4", endpoints, nodes, asked=asked, hinted=hinted)
    if told is None:
        assert words == ""
    else:
        state = "Enabled" if words == ENABLED else "Disabled"
        kind = "Normal" if words == ENABLED else "Warning"
        assert told == (kind, f"TopologyAwareHints{state}", f"{words}, addressType: IPv4")
