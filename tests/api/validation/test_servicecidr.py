"""Rules of ServiceCIDRs."""

import pytest

from netemu.api.validation import validate
from netemu.model.resources import BY_KEY, SERVICE_CIDRS
from tests.support.objects import in_cluster, told

RESOURCE = BY_KEY[SERVICE_CIDRS]
FAMILIES = (
    "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
)
BAD = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        (["10.0.0.0/24"], []),
        (["fd00::/112"], []),
        (["fd00::/112", "10.0.0.0/24"], []),
        ([], ["spec.cidrs: Required value: at least one CIDR required"]),
        (["10.0.0.0"], [f'spec.cidrs[0]: Invalid value: "10.0.0.0": {BAD}']),
        (["10.0.0.0/33"], [f'spec.cidrs[0]: Invalid value: "10.0.0.0/33": {BAD}']),
    ],
)
def test_ranges(ranges: list[str], words: list[str]) -> None:
    assert told(validate(RESOURCE, in_cluster(spec={"cidrs": ranges}), None)) == words


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        (["10.0.0.0/24", "10.0.1.0/24"], FAMILIES),
        (["10.0.0.0/24", "x"], FAMILIES),
        (["10.0.0.0/24", "10.0.1.0/24", "fd00::/112"], "may only hold up to 2 values"),
    ],
)
def test_one_range_of_each_family(ranges: list[str], words: str) -> None:
    [found] = told(validate(RESOURCE, in_cluster(spec={"cidrs": ranges}), None))
    assert found.startswith("spec.cidrs: Invalid value: ")
    assert found.endswith(words)


def test_ranges_stay() -> None:
    old = {"metadata": {"name": "x", "resourceVersion": "1"}, "spec": {"cidrs": ["10.0.0.0/24"]}}
    new = {**old, "spec": {"cidrs": ["10.0.1.0/24"]}}
    [found] = told(validate(RESOURCE, new, old))
    assert found.startswith("spec.cidrs: Invalid value: ")
    assert found.endswith("field is immutable")
