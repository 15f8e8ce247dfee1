"""Sets of fields of typed objects."""

import pytest

from netemu.api import schema
from netemu.api.fieldset import FieldSet
from netemu.api.typedfields import ABSENT, fields_of, paths, stripped, with_parents, without
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

DEPLOYMENT = schema.of(BY_KEY["deployments.apps"])
CONFIG_MAP = schema.of(BY_KEY["configmaps"])
SERVICE = schema.of(BY_KEY["services"])

PORTS: Object = {
    "spec": {
        "ports": [{"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP"}],
        "selector": {"app": "web"},
    }
}
HTTP = 'k:{"port":80,"protocol":"TCP"}'
DNS = 'k:{"port":53,"protocol":"UDP"}'


def test_fields_are_leaves_items_and_what_is_empty() -> None:
    assert fields_of(CONFIG_MAP, {"data": {"a": "1"}, "metadata": {"labels": {}}}) == {
        "f:data": {"f:a": {}},
        "f:metadata": {"f:labels": {}},
    }


def test_items_of_lists_with_keys_are_fields_themselves() -> None:
    assert fields_of(SERVICE, PORTS) == {
        "f:spec": {
            "f:ports": {
                HTTP: {".": {}, "f:name": {}, "f:port": {}},
                DNS: {".": {}, "f:port": {}, "f:protocol": {}},
            },
            "f:selector": {},
        }
    }


def test_removing_items_leaves_the_others() -> None:
    left = without(SERVICE, PORTS, {"f:spec": {"f:ports": {HTTP: {".": {}, "f:name": {}}}}})
    assert left["spec"]["ports"] == [{"port": 53, "protocol": "UDP"}]


def test_what_loses_all_its_parts_goes() -> None:
    left = without(SERVICE, PORTS, {"f:spec": {"f:ports": {HTTP: {}, DNS: {}}}})
    assert left == {"spec": {"selector": {"app": "web"}}}
    assert without(CONFIG_MAP, {"data": {"a": ""}}, {"f:data": {"f:a": {}}}) is ABSENT


def test_removing_a_part_of_an_item_leaves_the_item() -> None:
    left = without(SERVICE, PORTS, {"f:spec": {"f:ports": {HTTP: {"f:name": {}}}}})
    assert left["spec"]["ports"][0] == {"port": 80}


def test_parents_are_the_fields_of_structs_but_no_keys_and_items() -> None:
    one: FieldSet = {"f:spec": {"f:ports": {HTTP: {"f:name": {}}}}}
    assert with_parents(SERVICE, one) == {
        "f:spec": {".": {}, "f:ports": {".": {}, HTTP: {"f:name": {}}}}
    }


def test_stripping_takes_all_below() -> None:
    fields: FieldSet = {"f:spec": {"f:a": {"f:b": {}}, "f:c": {}}, "f:status": {"f:d": {}}}
    assert stripped(fields, {"f:status": {}, "f:spec": {"f:a": {}}}) == {"f:spec": {"f:c": {}}}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"f:spec": {"f:replicas": {}}}, [".spec.replicas"]),
        (
            {"f:c": {'k:{"name":"x","port":1}': {".": {}, "f:image": {}}}},
            ['.c[name="x",port=1]', '.c[name="x",port=1].image'],
        ),
        ({"f:finalizers": {'v:"a/b"': {}}}, ['.finalizers[="a/b"]']),
        ({"f:list": {"i:0": {}}}, [".list[0]"]),
    ],
    ids=["field", "item and field", "value", "index"],
)
def test_paths_read_as_in_messages(fields: FieldSet, shown: list[str]) -> None:
    assert list(paths(fields)) == shown
