from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from netemu.api.request import Stream, Upgrade
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.streams import LogOptions
from tests.support.api import Cluster, FixedLogs, add_namespace

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
POD: Object = {
    "metadata": {"name": "p", "labels": {"app": "x"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


async def test_an_object_is_read_as_it_is_stored(cluster: Cluster) -> None:
    created = await cluster.whole("POST", PODS, POD)
    found = await cluster.whole("GET", f"{PODS}/p")
    assert found.body == created.body
    record = cluster.store.get("pods", ("default", "p"))
    assert record is not None
    assert found.body == record.raw + b"\n"


async def test_what_is_not_there_is_not_found(cluster: Cluster) -> None:
    status = await cluster.refused("GET", f"{DEPLOYMENTS}/x")
    assert status["message"] == 'deployments.apps "x" not found'
    assert status["details"] == {"name": "x", "group": "apps", "kind": "deployments"}


async def test_a_list_has_the_stores_version(cluster: Cluster) -> None:
    await cluster.json("POST", PODS, POD)
    listed = await cluster.json("GET", "/api/v1/pods", labelSelector="app=x")
    assert listed["metadata"] == {"resourceVersion": str(cluster.store.revision)}
    assert [item["metadata"]["name"] for item in listed["items"]] == ["p"]
    assert (await cluster.json("GET", PODS, labelSelector="app=y"))["items"] == []


async def test_a_table_is_for_humans(cluster: Cluster) -> None:
    await cluster.json("POST", PODS, POD)
    table = await cluster.json("GET", PODS, accept=TABLE)
    assert table["rows"][0]["cells"][:4] == ["p", "0/1", "Pending", "0"]
    whole = await cluster.json("GET", PODS, accept=TABLE, includeObject="Object")
    assert whole["rows"][0]["object"]["spec"]["containers"][0]["image"] == "i"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"fieldSelector": "foo=bar"}, "field label not supported: foo"),
        ({"labelSelector": "a=b=c"}, "found '=', expected: ',' or 'end of string'"),
        ({"limit": "x"}, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
async def test_bad_parameters_are_bad_requests(
    cluster: Cluster, query: dict[str, str], message: str
) -> None:
    status = await cluster.refused("GET", PODS, **query)
    assert (status["code"], status["message"]) == (400, message)


async def test_a_client_that_reads_no_json_is_told(cluster: Cluster) -> None:
    status = await cluster.refused("GET", PODS, accept="text/html")
    assert (status["code"], status["reason"]) == (406, "NotAcceptable")


async def test_a_watch_is_a_stream(cluster: Cluster) -> None:
    stream = await cluster.ask("GET", MAPS, watch="true")
    assert isinstance(stream, Stream)
    await cluster.json("POST", MAPS, {"metadata": {"name": "m"}})
    event = msgspec.json.decode(await anext(stream.pieces))
    await stream.pieces.aclose()
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "m")


async def test_an_object_of_a_version_still_to_come_is_not_there_yet(cluster: Cluster) -> None:
    made = await cluster.json("POST", MAPS, {"metadata": {"name": "m"}})
    version = int(made["metadata"]["resourceVersion"])
    found = await cluster.json("GET", f"{MAPS}/m", resourceVersion=str(version))
    assert found == made
    status = await cluster.refused("GET", f"{MAPS}/m", resourceVersion="9999")
    assert (status["code"], status["reason"]) == (504, "Timeout")
    assert status["message"] == f"Too large resource version: 9999, current: {version}"


async def test_a_workloads_scale(cluster: Cluster) -> None:
    await cluster.json(
        "POST",
        DEPLOYMENTS,
        {
            "metadata": {"name": "d"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "x"}},
                "template": {"metadata": {"labels": {"app": "x"}}, "spec": POD["spec"]},
            },
        },
    )
    scale = await cluster.json("GET", f"{DEPLOYMENTS}/d/scale")
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 2})
    assert scale["status"]["selector"] == "app=x"
    shown = await cluster.json("GET", f"{DEPLOYMENTS}/d/scale", accept=TABLE)
    names = [column["name"] for column in shown["columnDefinitions"]]
    assert names == ["Name", "Desired", "Available", "Age"]
    assert shown["rows"][0]["cells"][:3] == ["d", 2, 0]


async def log_of(cluster: Cluster, **query: Any) -> bytes:
    stream = await cluster.ask("GET", f"{PODS}/p/log", **query)
    assert isinstance(stream, Stream)
    assert stream.content_type.startswith("text/plain")
    return b"".join([piece async for piece in stream.pieces])


async def test_a_log_comes_from_the_pods_node() -> None:
    logs = FixedLogs(b"one\n", b"two\n")
    cluster = Cluster(streams=logs)
    await add_namespace(cluster.registry)
    await cluster.json("POST", PODS, {**POD, "spec": {**POD["spec"], "nodeName": "n"}})
    assert await log_of(cluster, tailLines="2") == b"one\ntwo\n"
    assert logs.asked == [LogOptions(container="c", tail_lines=2)]


async def test_the_log_of_a_pod_that_nobody_runs_is_empty(cluster: Cluster) -> None:
    await cluster.json("POST", PODS, POD)
    answer = await cluster.whole("GET", f"{PODS}/p/log")
    assert (answer.status, answer.body) == (200, b"")


class NoLogs(FixedLogs):
    async def logs(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        if options.container:
            raise BadRequest("container is waiting to start")
        yield b""


async def test_a_log_may_be_refused() -> None:
    cluster = Cluster(streams=NoLogs())
    await add_namespace(cluster.registry)
    await cluster.json("POST", PODS, {**POD, "spec": {**POD["spec"], "nodeName": "n"}})
    stream = await cluster.ask("GET", f"{PODS}/p/log")
    assert isinstance(stream, Stream)
    assert stream.may_refuse
    with pytest.raises(BadRequest):
        await anext(stream.pieces)


@pytest.mark.parametrize(
    ("protocols", "sent"),
    [((), b"one\n"), (("binary.k8s.io",), b"one\n"), (("base64.binary.k8s.io",), b"b25lCg==")],
)
async def test_a_log_comes_in_web_socket_messages(protocols: tuple[str, ...], sent: bytes) -> None:
    cluster = Cluster(streams=FixedLogs(b"one\n"))
    await add_namespace(cluster.registry)
    await cluster.json("POST", PODS, POD)
    await cluster.json("POST", f"{PODS}/p/binding", {"target": {"name": "node-1"}})
    found = await cluster.ask("GET", f"{PODS}/p/log", upgrade="websocket", protocols=protocols)
    assert isinstance(found, Upgrade)
    told: list[bytes] = []

    class Client:
        async def receive(self) -> bytes | None:
            return None

        async def send(self, data: bytes, *, text: bool = False) -> None:
            told.append(data)

    await found.run(Client())
    assert told == [sent]
    assert found.protocol == (protocols[0] if protocols else "")
