"""Who owns which field after which writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import managedfields
from netemu.api.managedfields import ANCIENT, MAX_UPDATERS
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY

DEPLOYMENTS = BY_KEY["deployments.apps"]
CONFIG_MAPS = BY_KEY["configmaps"]
START = 1_700_000_000.0
AT = {0: "2023-11-14T22:13:20Z", 1: "2023-11-14T22:13:21Z", 2: "2023-11-14T22:13:22Z"}


def write(
    old: Object | None, new: Object, manager: str = "me", second: float = 0, subresource: str = ""
) -> Object:
    """Track one write of a ConfigMap, and check that it left its inputs alone."""
    before = copied([old, new])
    result = managedfields.track(
        CONFIG_MAPS, old, new, manager=manager, subresource=subresource, now=START + second
    )
    assert [old, new] == before
    return result


def config_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


def changed(obj: Object, **data: str | None) -> Object:
    """A copy with other data; None removes."""
    new = copied(obj)
    new["data"] = {
        key: value for key, value in {**new["data"], **data}.items() if value is not None
    }
    return dict(new)


def entries(obj: Object) -> list[Any]:
    found: list[Any] = obj["metadata"].get("managedFields", [])
    return found


def owners(obj: Object) -> dict[str, list[str]]:
    """The data keys that each manager owns."""
    return {
        entry["manager"]: sorted(key.removeprefix("f:") for key in fields if key != ".")
        for entry in entries(obj)
        if (fields := entry["fieldsV1"].get("f:data", {}))
    }


def test_the_creator_owns_what_it_wrote_but_not_what_names_the_object() -> None:
    obj = write(
        None, {**config_map(a="1"), "metadata": {"name": "x", "uid": "u", "labels": {"l": "m"}}}
    )
    assert entries(obj) == [
        {
            "manager": "me",
            "operation": "Update",
            "apiVersion": "v1",
            "time": AT[0],
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:data": {".": {}, "f:a": {}},
                "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
            },
        }
    ]
    assert list(entries(obj)[0]) == [
        "manager",
        "operation",
        "apiVersion",
        "time",
        "fieldsType",
        "fieldsV1",
    ]


def test_a_deployments_creator_owns_what_a_cluster_says_it_does() -> None:
    """Fields as a cluster records them for the same manifest."""
    obj = {
        "metadata": {"name": "web", "generation": 1, "creationTimestamp": AT[0]},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxSurge": "25%"}, "type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [
                        {
                            "name": "c",
                            "image": "i",
                            "ports": [{"containerPort": 80, "protocol": "TCP"}],
                            "resources": {},
                        }
                    ],
                    "securityContext": {},
                },
            },
        },
    }
    tracked = managedfields.track(
        DEPLOYMENTS, None, obj, manager="kubectl-create", subresource="", now=START
    )
    port = 'k:{"containerPort":80,"protocol":"TCP"}'
    assert entries(tracked)[0]["fieldsV1"] == {
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}},
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {
                    "f:containers": {
                        'k:{"name":"c"}': {
                            ".": {},
                            "f:image": {},
                            "f:name": {},
                            "f:ports": {
                                ".": {},
                                port: {".": {}, "f:containerPort": {}, "f:protocol": {}},
                            },
                            "f:resources": {},
                        }
                    },
                    "f:securityContext": {},
                },
            },
        }
    }


def test_whoever_changes_a_field_takes_it() -> None:
    one = write(None, config_map(a="1", b="1"), "one")
    two = write(one, changed(one, b="2", c="2"), "two", 1)
    assert owners(two) == {"one": ["a"], "two": ["b", "c"]}
    assert [entry["time"] for entry in entries(two)] == [AT[0], AT[1]]


def test_a_field_that_goes_is_nobodys() -> None:
    one = write(None, config_map(a="1", b="1"), "one")
    two = write(one, changed(one, b="2"), "two", 1)
    three = write(two, changed(two, a=None, b=None, c="3"), "three", 2)
    assert owners(three) == {"three": ["c"]}
    assert [entry["manager"] for entry in entries(three)] == ["one", "three"]
    assert entries(three)[0]["fieldsV1"] == {"f:data": {}}, "one still has the map it made"


def test_a_manager_with_nothing_left_goes() -> None:
    one = write(None, config_map(a="1"), "one")
    two = write(one, changed(one, b="2"), "two", 1)
    three = write(two, changed(two, b="3"), "three", 2)
    assert list(owners(three)) == ["one", "three"]


def test_a_manager_keeps_what_it_had_and_its_time_moves_with_what_it_takes() -> None:
    one = write(None, config_map(a="1"))
    two = write(one, changed(one, b="2"), second=1)
    assert owners(two) == {"me": ["a", "b"]}
    assert [entry["time"] for entry in entries(two)] == [AT[1]]


def test_writing_the_same_again_moves_nothing() -> None:
    one = write(None, config_map(a="1"))
    again = write(one, changed(one), second=1)
    assert again == one
    other = write(one, changed(one), "other", 1)
    assert other == one


def test_removing_only_does_not_move_the_time() -> None:
    one = write(None, config_map(a="1", b="1"))
    two = write(one, changed(one, b=None), second=1)
    assert owners(two) == {"me": ["a"]}
    assert entries(two)[0]["time"] == AT[0]


def test_a_subresource_has_an_entry_of_its_own() -> None:
    one = write(None, config_map(a="1"))
    two = write(one, changed(one, a="2"), second=1, subresource="status")
    first, second = entries(two)
    assert "subresource" not in first
    assert second["subresource"] == "status"
    assert second["fieldsV1"] == {"f:data": {"f:a": {}}}


def test_server_fields_are_nobodys_and_change_nothing() -> None:
    one = write(None, config_map(a="1"))
    new = copied(one)
    new["metadata"].update(resourceVersion="7", generation=2, deletionTimestamp=AT[1])
    assert entries(write(one, new, "two", 1)) == entries(one)


def test_a_client_that_leaves_them_out_does_not_lose_them() -> None:
    one = write(None, config_map(a="1"))
    sent: list[Object] | None
    for sent in (None, []):
        new = changed(one, b="2")
        del new["metadata"]["managedFields"]
        if sent is not None:
            new["metadata"]["managedFields"] = sent
        assert owners(write(one, new, "two", 1)) == {"me": ["a"], "two": ["b"]}


def test_a_client_may_write_them() -> None:
    one = write(None, config_map(a="1"))
    new = copied(one)
    new["metadata"]["managedFields"][0]["manager"] = "renamed"
    assert owners(write(one, new, "two", 1)) == {"renamed": ["a"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"operation": "Destroy"},
        {"apiVersion": ""},
        {"fieldsType": "FieldsV2"},
        {"fieldsV1": {"data": {}}},
        {"fieldsV1": None},
    ],
    ids=str,
)
def test_unreadable_ones_are_passed_over(wrong: Object) -> None:
    one = write(None, config_map(a="1"))
    new = copied(one)
    new["metadata"]["managedFields"][0].update(wrong)
    assert entries(write(one, new)) == entries(one)


def test_a_subresource_cannot_write_them() -> None:
    one = write(None, config_map(a="1"))
    new = copied(one)
    new["metadata"]["managedFields"][0]["manager"] = "renamed"
    assert owners(write(one, new, subresource="status")) == {"me": ["a"]}


def test_one_empty_entry_clears_them_and_nothing_is_tracked_from_there_on() -> None:
    one = write(None, config_map(a="1"))
    new = changed(one, b="2")
    new["metadata"]["managedFields"] = [{}]
    cleared = write(one, new)
    assert "managedFields" not in cleared["metadata"]
    later = write(cleared, changed(cleared, c="3"))
    assert "managedFields" not in later["metadata"]


def test_appliers_lose_what_others_change() -> None:
    one = write(None, config_map(a="1", b="1"))
    one["metadata"]["managedFields"][0]["operation"] = "Apply"
    two = write(one, changed(one, b="2"), second=1)
    assert [(entry["operation"], entry["manager"]) for entry in entries(two)] == [
        ("Apply", "me"),
        ("Update", "me"),
    ]
    assert entries(two)[0]["fieldsV1"] == {"f:data": {".": {}, "f:a": {}}}


def test_the_oldest_updaters_are_merged() -> None:
    obj = write(None, config_map(k0="x"), "m0")
    for number in range(1, MAX_UPDATERS + 5):
        obj = write(obj, changed(obj, **{f"k{number}": "x"}), f"m{number}", number)
        assert len(entries(obj)) == min(number + 1, MAX_UPDATERS)
    assert [entry["manager"] for entry in entries(obj)] == [
        ANCIENT,
        *(f"m{number}" for number in range(6, MAX_UPDATERS + 5)),
    ]
    assert owners(obj)[ANCIENT] == [f"k{number}" for number in range(6)]
    assert entries(obj)[0]["time"] == "2023-11-14T22:13:25Z", "the newest of those merged"


DATA = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"), max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), DATA), min_size=1, max_size=6))
def test_every_field_has_exactly_one_owner_whoever_writes(
    writes: list[tuple[str, dict[str, str]]],
) -> None:
    obj: Object | None = None
    for second, (manager, data) in enumerate(writes):
        new = {**(obj or config_map()), "data": data}
        obj = managedfields.track(
            CONFIG_MAPS, obj, new, manager=manager, subresource="", now=START + second
        )
        if not entries(obj):  # a creator of nothing: nothing is tracked from there on
            return
        owned = [key for keys in owners(obj).values() for key in keys]
        assert sorted(owned) == sorted(data)
