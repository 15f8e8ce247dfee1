"""Rules of ServiceCIDRs and IPAddresses."""

from typing import Any

import pytest

from netemu.api.validation import servicecidr, validate
from netemu.model.meta import Object
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


NAME = "metadata.name"
PARENT = {"resource": "services", "namespace": "default", "name": "web"}


def an_address(name: str = "10.0.0.1", parent: Any = PARENT) -> Object:
    return {"metadata": {"name": name}, "spec": {} if parent is None else {"parentRef": parent}}


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (an_address(), []),
        (an_address("fd00::1"), []),
        (an_address("web"), [(NAME, 'Invalid value: "web": ParseAddr("web"): unable to parse IP')]),
        (an_address("FD00::1"),
         [(NAME, 'Invalid value: "FD00::1": must be a canonical format IP address')]),
        (an_address(parent=None), [("spec.parentRef", "Required value")]),
        (an_address(parent={"namespace": "a"}),
         [(f"spec.parentRef.{key}", "Required value") for key in ("resource", "name")]),
    ],
)  # fmt: skip
def test_an_address_is_named_by_itself_and_has_a_parent(
    obj: Object, said: list[tuple[str, str]]
) -> None:
    assert [(cause.field, cause.message) for cause in servicecidr.ip_address(obj)] == said


def test_an_address_keeps_its_parent() -> None:
    other = an_address(parent={**PARENT, "name": "other"})
    (cause,) = servicecidr.ip_address_update(other, an_address())
    assert cause.field == "spec.parentRef"
    assert cause.message.endswith("field is immutable")
