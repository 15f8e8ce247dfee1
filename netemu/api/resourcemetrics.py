"""The group metrics.k8s.io: what pods and nodes use, measured when somebody asks.

Its objects are made on the spot and stored nowhere, so they can be read and nothing else.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from netemu.api import metricstable, negotiation
from netemu.api.context import Context
from netemu.api.negotiation import Form, Shape
from netemu.api.request import Answer, Request, json_answer
from netemu.clock import rfc3339
from netemu.model.errors import BadRequest, MethodNotAllowed, NotFound, UnknownPath
from netemu.model.meta import Object, labels_of, name_of, namespace_of, uid_of
from netemu.model.resources import NODES, PODS
from netemu.model.selector import Selector, matches
from netemu.model.selectorparser import parse
from netemu.model.usage import Amount, PodUsage

GROUP: Final = "metrics.k8s.io"
VERSION: Final = "v1beta1"
PREFIX: Final = f"/apis/{GROUP}/{VERSION}/"
_API_VERSION: Final = f"{GROUP}/{VERSION}"


async def answer(context: Context, request: Request) -> Answer:
    """A request below `PREFIX`. Raises BadRequest, MethodNotAllowed, NotFound, UnknownPath."""
    if request.method != "GET":
        raise MethodNotAllowed
    selector, shape = _selector(request), _shape(request)
    usage = await context.usage.pods()
    match request.path.removeprefix(PREFIX).strip("/").split("/"):
        case ["nodes"]:
            return _list("NodeMetricsList", _nodes(context, usage, selector), shape)
        case ["nodes", name]:
            _require(context, NODES, ("", name))
            return _one(name, _nodes(context, usage, selector), shape)
        case ["pods"]:
            return _list("PodMetricsList", _pods(context, usage, None, selector), shape)
        case ["namespaces", namespace, "pods"]:
            return _list("PodMetricsList", _pods(context, usage, namespace, selector), shape)
        case ["namespaces", namespace, "pods", name]:
            _require(context, PODS, (namespace, name))
            pods = _pods(context, usage, namespace, selector)
            return _one(name, pods, shape, f"{namespace}/{name}")
        case _:
            raise UnknownPath


def _selector(request: Request) -> Selector:
    try:
        return parse(request.query.get("labelSelector", ""))
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _require(context: Context, resource: str, key: tuple[str, str]) -> None:
    if context.registry.store.get(resource, key) is None:
        raise NotFound(resource, key[1])


def _shape(request: Request) -> Shape:
    return negotiation.shape(request.accept, request.query.get("includeObject", ""))


def _list(kind: str, items: Iterable[Object], shape: Shape) -> Answer:
    if shape.form is Form.TABLE:
        return json_answer(metricstable.table(list(items), shape))
    head = {"kind": kind, "apiVersion": _API_VERSION, "metadata": {}}
    return json_answer({**head, "items": list(items)})


def _one(name: str, items: Iterable[Object], shape: Shape, missing: str = "") -> Answer:
    """One of them. Raises NotFound in metrics-server's words, `missing` for what isn't measured."""
    for item in items:
        if name_of(item) == name:
            table = shape.form is Form.TABLE
            return json_answer(metricstable.table([item], shape) if table else item)
    raise NotFound(f"podmetrics.{GROUP}" if missing else f"nodemetrics.{GROUP}", missing or name)


def _pods(
    context: Context, usage: Mapping[str, PodUsage], namespace: str | None, selector: Selector
) -> Iterable[Object]:
    for record in context.registry.store.list(PODS, namespace):
        pod = record.obj
        used = usage.get(uid_of(pod))
        if used is None or not matches(selector, labels_of(pod)):
            continue
        metadata = {"name": name_of(pod), "namespace": namespace_of(pod)}
        containers = [
            {"name": name, "usage": quantities(amount)}
            for name, amount in sorted(used.containers.items())
        ]
        yield {**_head("PodMetrics", metadata, pod, used), "containers": containers}


def _nodes(context: Context, usage: Mapping[str, PodUsage], selector: Selector) -> Iterable[Object]:
    """A node uses what its pods use: the rest of the machine is no node's."""
    by_node: dict[str, list[PodUsage]] = {}
    for record in context.registry.store.list(PODS):
        used = usage.get(uid_of(record.obj))
        if used is not None:
            by_node.setdefault(record.obj["spec"].get("nodeName", ""), []).append(used)
    now = context.registry.clock.now()
    for record in context.registry.store.list(NODES):
        node = record.obj
        if not matches(selector, labels_of(node)):
            continue
        found = by_node.get(name_of(node), [])
        amounts = [amount for used in found for amount in used.containers.values()]
        total = Amount(sum(a.cpu for a in amounts), sum(a.memory for a in amounts))
        last = found[0] if found else PodUsage(containers={}, at=now, window=1.0)
        head = _head("NodeMetrics", {"name": name_of(node)}, node, last)
        yield {**head, "usage": quantities(total)}


def _head(kind: str, metadata: Object, about: Object, used: PodUsage) -> Object:
    stamp = rfc3339(used.at)
    labels = labels_of(about)
    return {
        "kind": kind,
        "apiVersion": _API_VERSION,
        "metadata": {
            **metadata,
            "creationTimestamp": stamp,
            **({"labels": labels} if labels else {}),
        },
        "timestamp": stamp,
        "window": f"{used.window:.3f}s",
    }


def quantities(amount: Amount) -> Object:
    """As metrics-server writes them: nanocores and kibibytes."""
    cpu = math.ceil(amount.cpu * 1e9)
    return {"cpu": f"{cpu}n" if cpu else "0", "memory": f"{math.ceil(amount.memory / 1024)}Ki"}
