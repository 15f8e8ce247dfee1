import msgspec

from netemu.api import representation
from netemu.api.negotiation import Form, Include, Shape
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from netemu.store.base import Record

CONFIG_MAP = BY_KEY["configmaps"]
OBJ: Object = {"metadata": {"name": "x", "resourceVersion": "5"}, "data": {"a": "b"}}
RAW = b'{"as":"stored"}'
RECORD = Record("configmaps", ("a", "x"), 5, OBJ, RAW)


def test_a_stored_object_is_sent_as_it_is_stored() -> None:
    assert representation.one(CONFIG_MAP, RECORD, Shape(), 0.0) is RAW
    assert representation.many(CONFIG_MAP, [RECORD, RECORD], Shape(), {}, 0.0) == (
        b'{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":['
        b'{"as":"stored"},{"as":"stored"}]}'
    )


def test_an_empty_list_has_no_items() -> None:
    found = representation.many(CONFIG_MAP, [], Shape(), {"resourceVersion": "1"}, 0.0)
    assert msgspec.json.decode(found)["items"] == []


def test_metadata_alone() -> None:
    found = msgspec.json.decode(representation.one(CONFIG_MAP, RECORD, Shape(Form.PARTIAL), 0.0))
    assert found == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": OBJ["metadata"],
    }
    shape = Shape(Form.PARTIAL_LIST, "v1beta1")
    listed = msgspec.json.decode(representation.many(CONFIG_MAP, [RECORD], shape, {}, 0.0))
    assert listed["kind"] == "PartialObjectMetadataList"
    assert listed["apiVersion"] == "meta.k8s.io/v1beta1"
    assert listed["items"][0]["metadata"] == OBJ["metadata"]


def test_a_tables_rows_carry_what_was_asked_for() -> None:
    rows = {
        include: msgspec.json.decode(
            representation.one(CONFIG_MAP, RECORD, Shape(Form.TABLE, include=include), 0.0)
        )["rows"][0]
        for include in Include
    }
    assert rows[Include.METADATA]["object"]["kind"] == "PartialObjectMetadata"
    assert rows[Include.OBJECT]["object"] == {"as": "stored"}
    assert rows[Include.NONE]["object"] is None
    assert all(row["cells"] == ["x", 1, "<unknown>"] for row in rows.values())


def test_a_table_of_one_has_its_version() -> None:
    found = representation.one(CONFIG_MAP, RECORD, Shape(Form.TABLE), 0.0)
    assert msgspec.json.decode(found)["metadata"] == {"resourceVersion": "5"}
