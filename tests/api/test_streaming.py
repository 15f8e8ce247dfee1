"""What is asked before a connection is upgraded, and what the client is told."""

import json
from typing import Any

import pytest

from netemu.api.request import Answer, Transport, Upgrade
from netemu.model.resources import PODS
from tests.support.api import Cluster
from tests.support.duplex import MemoryDuplex
from tests.support.node import container, pod

PODS_PATH = "/api/v1/namespaces/default/pods"
V5 = "v5.channel.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"


class Running(Cluster):
    """A cluster in which every container runs."""

    def __init__(self) -> None:
        super().__init__()
        streams: Any = self.context.streams
        streams.require_running = lambda pod, container: None
        streams.exec = streams.attach = lambda pod, options: options


async def with_pods(cluster: Cluster) -> Cluster:
    client = cluster.registry.client("tests")
    if client.get("namespaces", "", "default") is None:
        await client.create("namespaces", {"metadata": {"name": "default"}})
    for obj in (
        pod(name="web"),
        pod(container("a"), container("b"), name="two"),
        pod(name="nowhere", nodeName=""),
    ):
        obj["metadata"].pop("uid")
        obj["spec"] = {key: value for key, value in obj["spec"].items() if value != ""}
        await client.create(PODS, {"metadata": obj["metadata"], "spec": obj["spec"]})
    return cluster


async def asked(cluster: Cluster, path: str, *parameters: tuple[str, str], **more: Any) -> Any:
    given = {"upgrade": "websocket", "protocols": [V5], "parameters": parameters, **more}
    return await cluster.ask("GET", f"{PODS_PATH}/{path}", **given)


EXEC = (("command", "echo"), ("command", "hi"), ("stdout", "true"))


async def test_a_command_may_have_several_words(cluster: Cluster) -> None:
    running = await with_pods(Running())
    found = await asked(running, "web/exec", *EXEC)
    assert isinstance(found, Upgrade)
    assert (found.transport, found.protocol) == (Transport.WEBSOCKET, V5)


AGREED = [
    ("websocket", [V5, "v4.channel.k8s.io"], V5),
    ("websocket", ["v3.channel.k8s.io", "channel.k8s.io"], "channel.k8s.io"),
    ("websocket", [], ""),
    ("WebSocket", ["v4.base64.channel.k8s.io"], "v4.base64.channel.k8s.io"),
    ("SPDY/3.1", [V5, "v4.channel.k8s.io"], "v4.channel.k8s.io"),
    ("SPDY/3.1", [], "channel.k8s.io"),
]


@pytest.mark.parametrize(("upgrade", "offered", "agreed"), AGREED)
async def test_the_first_protocol_that_both_know(
    upgrade: str, offered: list[str], agreed: str
) -> None:
    running = await with_pods(Running())
    found = await asked(running, "web/exec", *EXEC, upgrade=upgrade, protocols=offered)
    assert found.protocol == agreed


REFUSED = [
    ("web/exec", EXEC, {"upgrade": ""}, 400, "Upgrade request required"),
    ("web/exec", EXEC, {"upgrade": "h2c"}, 400, "Upgrade request required"),
    ("web/exec", EXEC[2:], {}, 400, "you must specify at least one command for the container"),
    ("web/exec", EXEC[:2], {}, 400, "you must specify at least 1 of stdin, stdout, stderr"),
    (
        "web/exec",
        (*EXEC, ("container", "nope")),
        {},
        400,
        "container nope is not valid for pod web",
    ),
    (
        "two/attach",
        EXEC,
        {},
        400,
        "a container name must be specified for pod two, choose one of: [a b]",
    ),
    ("nope/exec", EXEC, {}, 404, 'pods "nope" not found'),
    ("nowhere/exec", EXEC, {}, 400, "pod nowhere does not have a host assigned"),
    ("nowhere/portforward", (), {}, 400, "pod nowhere does not have a host assigned"),
    ("web/portforward", (), {"protocols": []}, 400, 'query parameter "port" is required'),
    (
        "web/portforward",
        (("ports", "x"),),
        {"protocols": ["v4.channel.k8s.io"]},
        400,
        "unable to parse ['x'] as ports: strconv.ParseUint: parsing \"x\": invalid syntax",
    ),
]


@pytest.mark.parametrize(("path", "parameters", "more", "code", "said"), REFUSED)
async def test_refusals_are_statuses(
    path: str, parameters: Any, more: dict[str, Any], code: int, said: str
) -> None:
    running = await with_pods(Running())
    given = {"upgrade": "websocket", "protocols": [V5], "parameters": parameters, **more}
    for method, upgrade in (("GET", given["upgrade"]), ("POST", given["upgrade"] and "SPDY/3.1")):
        if method == "POST" and path == "web/portforward":
            continue  # there ports come with the streams
        if given["upgrade"] == "h2c":
            upgrade = "h2c"
        offered = given["protocols"] if method == "GET" else []
        tried = {**given, "upgrade": upgrade, "protocols": offered}
        status = await running.refused(method, f"{PODS_PATH}/{path}", **tried)
        assert (status["code"], status["message"]) == (code, said)


async def test_what_the_kubelet_says_is_passed_on_as_text(cluster: Cluster) -> None:
    await with_pods(cluster)
    for upgrade in ("websocket", "SPDY/3.1"):
        offered = ["v4.channel.k8s.io"]
        found = await asked(cluster, "web/exec", *EXEC, upgrade=upgrade, protocols=offered)
        assert isinstance(found, Answer)
        assert (found.status, found.body) == (500, b'container not found ("main")\n')


async def test_in_version_5_the_api_server_upgrades_before_it_hears_from_the_kubelet(
    cluster: Cluster,
) -> None:
    await with_pods(cluster)
    for command in ("exec", "attach"):
        found = await asked(cluster, f"web/{command}", *EXEC)
        assert isinstance(found, Upgrade)
        duplex = MemoryDuplex()
        await found.run(duplex)
        message = await duplex.heard()
        status = json.loads(message[1:])
        assert (message[0], status["code"], status["reason"]) == (3, 500, "InternalError")
        assert status["message"] == (
            'Internal error occurred: unable to upgrade connection: container not found ("main")'
        )


async def test_protocols_that_nobody_knows_are_refused_with_those_that_are() -> None:
    running = await with_pods(Running())
    for path, offered in (("web/exec", ["v9"]), ("web/portforward", ["v9"])):
        for upgrade in ("websocket", "SPDY/3.1"):
            found = await asked(running, path, *EXEC, upgrade=upgrade, protocols=offered)
            assert isinstance(found, Answer)
            assert found.status == 403
            assert found.body.startswith(b"unable to upgrade: unable to negotiate protocol: ")
            assert ("X-Accepted-Stream-Protocol-Versions") in dict(found.headers)


async def test_port_forward_has_three_dialects() -> None:
    running = await with_pods(Running())
    ports = ("ports", "80")
    for upgrade, offered, agreed in (
        ("websocket", [TUNNEL], TUNNEL),
        ("websocket", [V5, "v4.channel.k8s.io"], "v4.channel.k8s.io"),
        ("websocket", [], ""),
        ("SPDY/3.1", ["portforward.k8s.io"], "portforward.k8s.io"),
    ):
        found = await asked(running, "web/portforward", ports, upgrade=upgrade, protocols=offered)
        assert isinstance(found, Upgrade)
        assert found.protocol == agreed
