"""Kinds and their types, as read from the shipped file."""

import pytest

from netemu.api import schema
from netemu.api.schema import (
    ANYTHING,
    Array,
    Bytes,
    Integer,
    IntOrString,
    Map,
    Quantity,
    Struct,
    Text,
    Time,
    Type,
)
from netemu.model.resources import RESOURCES, Resource


def at(api_version: str, kind: str, *path: str) -> Type:
    """The type of a field; lists and maps are stepped through."""
    found: Type | None = schema.kind_of(api_version, kind)
    for name in path:
        while isinstance(found, Array | Map):
            found = found.items if isinstance(found, Array) else found.values
        assert isinstance(found, Struct)
        found = found.fields[name]
    assert found is not None
    return found


POD = ("v1", "Pod", "spec")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((*POD, "nodeName"), Text),
        ((*POD, "containers", "ports", "containerPort"), Integer),
        ((*POD, "containers", "readinessProbe", "httpGet", "port"), IntOrString),
        (("v1", "Pod", "metadata", "creationTimestamp"), Time),
        (("coordination.k8s.io/v1", "Lease", "spec", "renewTime"), Time),
        (("v1", "Secret", "data"), Map),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_fields_have_the_types_that_the_api_documents(
    path: tuple[str, ...], expected: type
) -> None:
    assert isinstance(at(*path), expected)


def test_every_served_kind_and_its_list_are_known() -> None:
    for resource in RESOURCES:
        assert schema.of(resource).fields.keys() >= {"apiVersion", "kind", "metadata"}
        assert schema.kind_of(resource.api_version, f"{resource.kind}List") is not None


def test_a_kind_nobody_knows_has_no_type() -> None:
    assert schema.kind_of("v1", "Widget") is None
    with pytest.raises(LookupError, match=r"no schema for Widget in example.com/v1"):
        schema.of(Resource("example.com", "v1", "Widget", "widgets"))


def test_lists_know_how_they_merge() -> None:
    ports = at("v1", "Service", "spec", "ports")
    assert isinstance(ports, Array)
    assert (ports.list_type, ports.keys) == ("map", ("port", "protocol"))
    assert (ports.merges, ports.merge_key) == (True, "port")
    assert isinstance(ports.items, Struct)
    assert ports.items.defaults == {"protocol": "TCP"}

    finalizers = at("v1", "Pod", "metadata", "finalizers")
    assert isinstance(finalizers, Array)
    assert (finalizers.list_type, finalizers.merges, finalizers.merge_key) == ("set", True, "")

    args = at(*POD, "containers", "args")
    assert isinstance(args, Array)
    assert (args.list_type, args.merges) == ("atomic", False)


def test_volumes_merge_though_their_strategy_has_two_parts() -> None:
    volumes = at(*POD, "volumes")
    assert isinstance(volumes, Array)
    assert (volumes.merges, volumes.merge_key) == (True, "name")


def test_selectors_are_owned_whole() -> None:
    selector = at("apps/v1", "Deployment", "spec", "selector")
    template = at("apps/v1", "Deployment", "spec", "template")
    assert isinstance(selector, Struct)
    assert isinstance(template, Struct)
    assert selector.atomic
    assert not template.atomic


def test_what_a_cluster_always_writes_is_marked() -> None:
    spec = at("apps/v1", "Deployment", "spec")
    assert isinstance(spec, Struct)
    assert spec.always == {"selector", "strategy", "template"}


def test_a_type_may_refer_to_itself() -> None:
    version = at("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec", "versions")
    assert isinstance(version, Array)
    root = at("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec", "versions", "schema")
    assert isinstance(root, Struct)
    props = root.fields["openAPIV3Schema"]
    assert isinstance(props, Struct)
    assert props.fields["not"] is props


def test_values_of_maps_have_types_too() -> None:
    data, limits = at("v1", "Secret", "data"), at(*POD, "containers", "resources", "limits")
    assert isinstance(data, Map)
    assert isinstance(data.values, Bytes)
    assert isinstance(limits, Map)
    assert isinstance(limits.values, Quantity)


def test_free_json_is_anything() -> None:
    assert at("apps/v1", "ControllerRevision", "data") is ANYTHING


def test_go_names_types_by_their_package() -> None:
    spec, meta = at("apps/v1", "Deployment", "spec"), at("v1", "Pod", "metadata")
    assert isinstance(spec, Struct)
    assert isinstance(meta, Struct)
    assert (spec.name, meta.name) == ("v1.DeploymentSpec", "v1.ObjectMeta")
