import base64
from typing import Any

import pytest

from netemu.model.meta import Object
from netemu.node.field_values import Place
from netemu.node.volume_files import File, FileSources, VolumeError, files_of
from tests.support.node import container, pod

STORED: dict[tuple[str, str], Object] = {
    ("configmaps", "conf"): {
        "data": {"a": "1", "b": "2"},
        "binaryData": {"c": base64.b64encode(b"\0\1").decode()},
    },
    ("secrets", "pass"): {"data": {"word": base64.b64encode(b"x").decode()}},
}


def files(volume: Object, **tokens: Any) -> dict[str, File] | None:
    obj = pod(container(resources={"limits": {"memory": "64Mi"}}))
    obj["metadata"]["labels"] = {"app": "web", "tier": "x"}
    sources = FileSources(
        lookup=lambda resource, name: STORED.get((resource, name)),
        place=Place(pod_ips=("",), host_ips=("172.30.0.11",), allocatable={}),
        **tokens,
    )
    found = files_of(obj, volume, sources)
    return None if found is None else dict(found)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"emptyDir": {}}, None),
        ({"configMap": {"name": "conf"}}, {"a": b"1", "b": b"2", "c": b"\0\1"}),
        (
            {"configMap": {"name": "conf", "items": [{"key": "a", "path": "sub/x"}]}},
            {"sub/x": b"1"},
        ),
        ({"configMap": {"name": "none", "optional": True}}, {}),
        (
            {"configMap": {"name": "conf", "optional": True, "items": [{"key": "z", "path": "z"}]}},
            {},
        ),
        ({"secret": {"secretName": "pass"}}, {"word": b"x"}),
        (
            {
                "downwardAPI": {
                    "items": [
                        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                        {
                            "path": "memory",
                            "resourceFieldRef": {
                                "containerName": "main",
                                "resource": "limits.memory",
                                "divisor": "1Mi",
                            },
                        },
                    ]
                }
            },
            {"labels": b'app="web"\ntier="x"', "memory": b"64"},
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"configMap": {"name": "conf", "items": [{"key": "a", "path": "a"}]}},
                        {"secret": {"name": "pass"}},
                        {"serviceAccountToken": {"path": "token"}},
                    ]
                }
            },
            {"a": b"1", "word": b"x"},
        ),
    ],
    ids=[
        "not of files", "a whole ConfigMap", "chosen keys", "optional and absent",
        "an optional key", "a Secret", "the downward API", "projected",
    ],
)  # fmt: skip
def test_what_a_volume_holds(volume: Object, expected: dict[str, bytes] | None) -> None:
    found = files(volume)
    contents = None if found is None else {path: file.data for path, file in found.items()}
    assert contents == expected


def test_modes_are_the_items_own_else_the_volumes() -> None:
    items = [{"key": "a", "path": "a"}, {"key": "b", "path": "b", "mode": 0o400}]
    found = files({"configMap": {"name": "conf", "defaultMode": 0o600, "items": items}})
    assert found == {"a": File(b"1", 0o600), "b": File(b"2", 0o400)}


def test_a_token_is_made_where_somebody_makes_tokens() -> None:
    source = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    assert files(source, tokens=lambda _pod, _source: b"t") == {"token": File(b"t")}


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        (
            {"configMap": {"name": "conf", "items": [{"key": "z", "path": "z"}]}},
            "configmap references non-existent config key: z",
        ),
        (
            {"secret": {"secretName": "pass", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent secret key: z",
        ),
    ],
)
def test_what_is_missing_is_told_in_the_kubelets_words(volume: Object, words: str) -> None:
    with pytest.raises(VolumeError, match=words):
        files(volume)
