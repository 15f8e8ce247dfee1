import json

import pytest

from netemu.daemon.asking import Refused
from netemu.daemon.manifests import apply
from tests.support.api import registry_with_default

TWO = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {x: "1"}
---
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: s}
  spec: {ports: [{port: 80}]}
"""


def file(text: str, source: str = "f.yaml") -> dict[str, str]:
    return {"source": source, "text": text}


async def test_objects_are_created_then_configured_then_left_alone() -> None:
    async with registry_with_default() as registry:
        assert await apply(registry, [file(TWO)]) == ["configmap/a created", "service/s created"]
        assert await apply(registry, [file(TWO)]) == [
            "configmap/a unchanged",
            "service/s unchanged",
        ]
        changed = TWO.replace('"1"', '"2"')
        assert await apply(registry, [file(changed)]) == [
            "configmap/a configured",
            "service/s unchanged",
        ]
        stored = registry.client("test").get("configmaps", "default", "a")
        assert stored is not None
        assert stored["data"] == {"x": "2"}


async def test_json_is_yaml() -> None:
    async with registry_with_default() as registry:
        obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
        assert await apply(registry, [file(json.dumps(obj))]) == ["namespace/n created"]


REFUSED = [
    ("a: [", "f.yaml is not YAML"),
    ("[1]", "f.yaml: every object needs apiVersion and kind"),
    ("apiVersion: apps/v1\nkind: Nope", 'no matches for kind "Nope" in version "apps/v1"'),
    ("apiVersion: v1\nkind: Pod\nmetadata: {}", "a Pod needs metadata.name"),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {x: 1}", 'unknown field "spec.x"'),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: P}\nspec: {containers: []}", "is invalid"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[said for _, said in REFUSED])
async def test_a_bad_manifest_is_one_line_that_names_the_file(text: str, said: str) -> None:
    async with registry_with_default() as registry:
        with pytest.raises(Refused) as caught:
            await apply(registry, [file(text)])
        assert said in str(caught.value)
        assert str(caught.value).startswith("f.yaml")
        assert "\n" not in str(caught.value)


async def test_a_mistake_in_the_last_file_leaves_nothing_half_done() -> None:
    async with registry_with_default() as registry:
        with pytest.raises(Refused, match=r"b\.yaml"):
            await apply(registry, [file(TWO), file("kind: Pod", "b.yaml")])
        assert registry.client("test").get("configmaps", "default", "a") is None
