"""One file's objects, applied and pruned as ``netemu watch`` asks."""

from typing import Any

from netemu.api.registry import Registry
from netemu.daemon.declared import apply, prune
from tests.support.api import registry_with_default


def config(name: str, value: str = "1", **metadata: Any) -> str:
    extra = "".join(f", {key}: {text}" for key, text in metadata.items())
    return (
        "apiVersion: v1\nkind: ConfigMap\n"
        f"metadata: {{name: {name}{extra}}}\ndata: {{x: '{value}'}}\n"
    )


def stored(registry: Registry, name: str) -> Any:
    return registry.lookup("configmaps", "default", name)


async def test_only_what_changes_is_told() -> None:
    async with registry_with_default() as registry:
        first = await apply(registry, "f", config("a") + "---\n" + config("b"))
        assert first["lines"] == ["configmap/a created", "configmap/b created"]
        assert [each[:3] for each in first["objects"]] == [
            ["configmaps", "default", "a"],
            ["configmaps", "default", "b"],
        ]
        again = await apply(registry, "f", config("a") + "---\n" + config("b"))
        assert (again["lines"], again["errors"]) == ([], [])
        changed = await apply(registry, "f", config("a", "2") + "---\n" + config("b"))
        assert changed["lines"] == ["configmap/a configured"]


async def test_what_a_file_no_longer_says_goes_and_what_others_added_stays() -> None:
    async with registry_with_default() as registry:
        await apply(registry, "f", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
                    "data: {x: '1', y: '1'}\n")  # fmt: skip
        obj = stored(registry, "a")
        await registry.client("other").update(
            "configmaps", {**obj, "data": {**obj["data"], "x": "theirs", "z": "theirs"}}
        )
        await apply(registry, "f", config("a", "2"))
        assert stored(registry, "a")["data"] == {"x": "2", "z": "theirs"}


async def test_one_mistake_keeps_back_only_its_own_object() -> None:
    async with registry_with_default() as registry:
        told = await apply(registry, "f", config("A") + "---\n" + config("b"))
        assert told["lines"] == ["configmap/b created"]
        [error] = told["errors"]
        assert error.startswith("f: configmap/A: ConfigMap")
        assert len(told["objects"]) == 1


async def test_a_file_that_cannot_be_read_changes_nothing() -> None:
    async with registry_with_default() as registry:
        for text in ("a: [", config("a") + "---\n[1]\n", config("a") + "---\nkind: Nope\n"):
            told = await apply(registry, "f", text)
            assert told["objects"] is None
            assert len(told["errors"]) == 1
        assert stored(registry, "a") is None


async def test_pruning_takes_what_was_applied_and_nothing_else() -> None:
    async with registry_with_default() as registry:
        told = await apply(registry, "f", config("a") + "---\n" + config("b"))
        client = registry.client("other")
        await client.delete("configmaps", "default", "b")
        await client.create(
            "configmaps",
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "b", "namespace": "default"},
            },
        )
        assert await prune(registry, told["objects"]) == ["configmap/a pruned"]
        assert stored(registry, "a") is None
        assert stored(registry, "b") is not None
        assert await prune(registry, told["objects"]) == []
        assert await prune(registry, [["gone.example.com", "", "x", "u", "gone/x"]]) == []
