import pytest

from netemu.api import tables
from netemu.model.resources import (
    CLUSTER_ROLES,
    CUSTOM_RESOURCE_DEFINITIONS,
    RESOURCES,
    ROLES,
    Resource,
)

EMPTY = {"metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"}}


UPSTREAMS_DEFAULT = (CLUSTER_ROLES, ROLES, CUSTOM_RESOURCE_DEFINITIONS, "limitranges")
"""Kinds for which upstream, too, shows nothing but the name and when they were made."""


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.key)
def test_every_kind_has_a_row_as_wide_as_its_columns(resource: Resource) -> None:
    obj = {**EMPTY, "kind": resource.kind}
    assert len(tables.cells(resource, obj, 0.0)) == len(tables.columns(resource))


@pytest.mark.parametrize(
    "resource",
    [resource for resource in RESOURCES if resource.key not in UPSTREAMS_DEFAULT],
    ids=lambda resource: resource.key,
)
def test_every_kind_has_columns_of_its_own(resource: Resource) -> None:
    assert "Created At" not in [column["name"] for column in tables.columns(resource)]


def test_a_kind_that_nobody_described_shows_its_name_and_when_it_was_made() -> None:
    unknown = Resource("example.org", "v1", "Thing", "things")
    assert [column["name"] for column in tables.columns(unknown)] == ["Name", "Created At"]
    assert tables.cells(unknown, EMPTY, 0.0) == ["x", "2026-01-01T00:00:00Z"]


def test_columns_say_what_kubectl_needs() -> None:
    name, *_, count = tables.columns(Resource("", "v1", "ConfigMap", "configmaps"))[:2]
    assert name["format"] == "name"
    assert count["type"] == "integer"
    pods = {c["name"]: c for c in tables.columns(Resource("", "v1", "Pod", "pods"))}
    assert pods["IP"]["priority"] == 1
    assert pods["Ready"]["priority"] == 0
