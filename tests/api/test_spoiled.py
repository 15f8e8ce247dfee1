"""Whatever a client makes of a good object, the server has an answer, and can still show it all.

Good manifests of every kind are spoiled in up to three places and sent in every way there is. What
upstream refuses with 500, too (what can't be typed or merged), is no error of the server's own.
"""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from netemu.api.request import Answer
from netemu.model.catalog import BUILT_IN
from netemu.model.meta import Object, copied
from tests.support.api import Cluster, add_namespace
from tests.support.manifests import manifests

ROUNDS = 350
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
VALUES: list[Any] = [
    None, 0, -1, 1, 2**31, 2**63, 1.5, True, False, "", "a", "A_B", "x" * 300, "10.0.0.1", "1Gi",
    "-5", "%", "100%", "a b", [], {}, ["a"], {"a": "b"}, [None], [[]], [{}], {"": None}, "\x00",
    "é", "2020-01-01T00:00:00Z", "None", "In", "Exists",
]  # fmt: skip
PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
    "json": "application/json-patch+json",
}
STEPS = ["add", "replace", "remove", "test", "move", "copy"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items: dict[Any, Any] = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        items = dict(enumerate(value))
    for key, item in items.items():
        yield from places(item, (*path, key))


def spoiled(obj: Object, rng: random.Random) -> Object:
    result: Object = copied(obj)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        found = [path for path in places(result) if path[0] not in ("apiVersion", "kind")]
        if not found:
            break
        *parents, last = rng.choice(found)
        target: Any = result
        for key in parents:
            target = target[key]
        match rng.randrange(8):
            case 0 | 1:
                del target[last]
            case 2 if isinstance(target, list):
                target.append(copied(target[last]))
            case _:
                target[last] = copied(rng.choice(VALUES))
    return result


def collection(obj: Object) -> str:
    kind = BUILT_IN.by_kind[obj["apiVersion"], obj["kind"]]
    root = f"/apis/{kind.group}" if kind.group else "/api"
    home = "/namespaces/default" if kind.namespaced else ""
    return f"{root}/{kind.version}{home}/{kind.plural}"


def json_patch(obj: Object, rng: random.Random) -> list[Object]:
    def pointer() -> str:
        return "/" + "/".join(map(str, rng.choice(list(places(obj)))))

    step = {"op": rng.choice(STEPS), "path": pointer(), "from": pointer()}
    return [{**step, "value": rng.choice(VALUES)}]


async def sent(cluster: Cluster, obj: Object, rng: random.Random) -> Answer:
    bad, path = spoiled(obj, rng), f"{collection(obj)}/{obj['metadata']['name']}"
    how = rng.choice(["create", "replace", "replace", "status", *PATCHES])
    if how == "create":
        return await cluster.whole("POST", collection(obj), bad, dryRun="All")
    if how == "replace":
        return await cluster.whole("PUT", path, bad, dryRun=rng.choice(["", "All"]))
    if how == "status":
        status = rng.choice([bad.get("spec"), bad, rng.choice(VALUES)])
        return await cluster.whole("PUT", f"{path}/status", {**obj, "status": status})
    body = json_patch(obj, rng) if how == "json" else bad
    query = {"fieldManager": rng.choice("ab")} | ({"force": "true"} if how == "apply" else {})
    return await cluster.whole("PATCH", path, body, content_type=PATCHES[how], **query)


@pytest.mark.parametrize("seed", range(4))
async def test_spoiled_objects_break_nothing(seed: int) -> None:
    rng, cluster, good = random.Random(seed), Cluster(), manifests()
    await add_namespace(cluster.registry)
    for obj in good:
        await cluster.json("POST", collection(obj), obj)
    for _ in range(ROUNDS):
        obj = rng.choice(good)
        found = await sent(cluster, obj, rng)
        said = msgspec.json.decode(found.body).get("message", "")
        assert not str(said).startswith("Internal error occurred"), said
    for path in {collection(obj) for obj in good}:
        assert (await cluster.whole("GET", path, accept=TABLE)).status == 200
        assert (await cluster.whole("GET", path)).status == 200
