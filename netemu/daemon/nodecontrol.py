"""What the control socket does with nodes."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from netemu.api.evicting import evict
from netemu.api.registry import Registry
from netemu.api.writeoptions import WriteOptions
from netemu.daemon.asking import Refused
from netemu.model.client import DeleteOptions
from netemu.model.errors import ApiError, Conflict, NotFound, TooManyRequests
from netemu.model.meta import Object, controller_of, is_deleting, key_of, name_of, namespace_of
from netemu.model.resources import NODES, PODS
from netemu.node.power import NoSuchNode, Power

MANAGER = "netemu"
_ENDED = ("Succeeded", "Failed")


class NodeControl:
    """Adds, stops, starts, cuts, heals and drains nodes."""

    def __init__(self, registry: Registry, power: Power, changed: Callable[[], None]) -> None:
        """`changed` is called when there are more nodes, or others of them are silent."""
        self._registry = registry
        self._client = registry.client(MANAGER)
        self._power = power
        self._changed = changed
        self._acts: dict[str, Callable[[str], Awaitable[None]]] = {
            "stop": power.stop,
            "start": power.start,
            "cut": power.cut,
            "heal": power.heal,
        }

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked to a node. Raises Refused."""
        what, name = str(question.get("do", "")), str(question.get("name", ""))
        try:
            if what == "add":
                return {"name": await self._power.add()}
            if what == "drain":
                return await self._drain(name)
            if what not in self._acts:
                raise Refused(f'"{what}" can\'t be done to a node')
            await self._acts[what](name)
        except (NoSuchNode, ApiError) as error:
            raise Refused(str(error)) from None
        except OSError as error:
            raise Refused(f"cannot {what} {name}: {error.strerror or error}") from None
        finally:
            self._changed()
        return {"name": name}

    async def _drain(self, name: str) -> dict[str, Any]:
        """Cordon a node and evict what may go now; what is still there, and why."""
        await self._cordon(name)
        evicted, left, blocked = [], [], {}
        for pod in self._client.list(PODS):
            if pod["spec"].get("nodeName") != name or _stays(pod):
                continue
            where = f"{namespace_of(pod)}/{name_of(pod)}"
            left.append(where)
            if is_deleting(pod):
                continue
            try:
                await evict(
                    self._registry, key_of(pod), DeleteOptions(), WriteOptions(manager=MANAGER)
                )
                evicted.append(where)
            except TooManyRequests as error:
                blocked[where] = error.message
            except NotFound:
                left.remove(where)
        return {"evicted": evicted, "left": left, "blocked": blocked}

    async def _cordon(self, name: str) -> None:
        while True:
            node = self._client.get(NODES, "", name)
            if node is None:
                raise NotFound(NODES, name)
            if node["spec"].get("unschedulable"):
                return
            with contextlib.suppress(Conflict):
                spec = {**node["spec"], "unschedulable": True}
                await self._client.update(NODES, {**node, "spec": spec})


def _stays(pod: Object) -> bool:
    """A DaemonSet's pod would only come back; one that has ended is in nobody's way."""
    owner = controller_of(pod)
    if owner is not None and owner["kind"] == "DaemonSet":
        return True
    return (pod.get("status") or {}).get("phase") in _ENDED and not is_deleting(pod)
