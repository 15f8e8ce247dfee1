"""A Deployment and its ReplicaSets, both by their plans, while pods live and die at random."""

import math
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from netemu.controllers import deploymentplan, replicasetplan
from netemu.controllers.pods import is_active, is_ready
from netemu.model import resources
from netemu.model.meta import Object, controller_of, copied, is_deleting, name_of, uid_of
from tests.support.pile import Pile
from tests.support.samples import NOW, deployment, template

MOST_TURNS = 400


class Rolling(RuleBasedStateMachine):
    """What users and pods do, with the controllers' turns in between."""

    def __init__(self) -> None:
        super().__init__()
        self.pile = Pile()
        self.pods: dict[str, Object] = {}
        self.names = count(1)
        spec = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}
        self.pile.put(resources.DEPLOYMENTS, deployment(3, strategy=spec))

    @property
    def deployment(self) -> Object:
        return self.pile.one(resources.DEPLOYMENTS)

    @property
    def wanted(self) -> int:
        return int(self.deployment["spec"]["replicas"])

    @property
    def bounds(self) -> tuple[int, int]:
        """How many pods there may be, and how many must be available."""
        rolling = self.deployment["spec"]["strategy"]["rollingUpdate"]
        surge, unavailable = rolling["maxSurge"], rolling["maxUnavailable"]
        more = math.ceil(self.wanted * int(surge[:-1]) / 100) if isinstance(surge, str) else surge
        fewer = unavailable
        if isinstance(unavailable, str):
            fewer = math.floor(self.wanted * int(unavailable[:-1]) / 100)
        if not more and not fewer:
            fewer = 1
        return self.wanted + more, self.wanted - fewer

    def change(self, **spec: Any) -> None:
        obj = self.deployment
        metadata = {**obj["metadata"], "generation": obj["metadata"]["generation"] + 1}
        changed = {**obj, "metadata": metadata, "spec": {**obj["spec"], **spec}}
        self.pile.put(resources.DEPLOYMENTS, changed)

    def of(self, item: Object) -> list[Object]:
        uid = uid_of(item)
        return [p for p in self.pods.values() if (controller_of(p) or {}).get("uid") == uid]

    def active(self) -> list[Object]:
        return [pod for pod in self.pods.values() if is_active(pod)]

    def available(self) -> int:
        return sum(map(is_ready, self.active()))

    # What happens

    @rule(number=st.integers(1, 4))
    def image(self, number: int) -> None:
        self.change(template=template(f"v{number}"))

    @rule(replicas=st.integers(0, 8))
    def scale(self, replicas: int) -> None:
        self.change(replicas=replicas)

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.change(paused=paused)

    @rule(strategy=st.sampled_from([(1, 0), (0, 1), ("25%", "25%"), (3, "50%"), ("0%", "0%")]))
    def strategy(self, strategy: tuple[Any, Any]) -> None:
        surge, unavailable = strategy
        rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
        if strategy == ("0%", "0%"):
            rolling["maxUnavailable"] = "1%"  # 0 and 0 is refused; this rounds down to it
        self.change(strategy={"type": "RollingUpdate", "rollingUpdate": rolling})

    @rule(number=st.integers(0, 99), what=st.sampled_from(["ready", "unready", "fail", "delete"]))
    def pod(self, number: int, what: str) -> None:
        if not self.pods:
            return
        name = sorted(self.pods)[number % len(self.pods)]
        pod = copied(self.pods[name])
        match what:
            case "ready" | "unready" if pod["status"]["phase"] != "Failed":
                status = "True" if what == "ready" else "False"
                pod["status"]["conditions"] = [{"type": "Ready", "status": status}]
            case "fail":
                pod["status"] = {"phase": "Failed", "conditions": []}
            case "delete":
                pod["metadata"]["deletionTimestamp"] = "now"
            case _:
                pass
        self.pods[name] = pod

    @rule()
    def ends(self) -> None:
        self.pods = {n: p for n, p in self.pods.items() if not is_deleting(p)}

    @rule(turns=st.integers(1, 6))
    def controllers(self, turns: int) -> None:
        for _ in range(turns):
            self.turn()

    # The controllers

    def turn(self) -> bool:
        """One step of each; whether anything changed."""
        before = {name_of(s): s["spec"]["replicas"] for s in self.pile.all(resources.REPLICA_SETS)}
        changed = [self.replica_set(item) for item in self.pile.all(resources.REPLICA_SETS)]
        sets = self.pile.all(resources.REPLICA_SETS)
        actions = deploymentplan.plan(
            deploymentplan.Observed(
                deployment=self.deployment,
                sets=sets,
                taken=frozenset(map(name_of, sets)),
                now=NOW,
            )
        )
        self.pile.apply(actions)
        after = {name_of(s): s["spec"]["replicas"] for s in self.pile.all(resources.REPLICA_SETS)}
        most = max(self.bounds[0], sum(before.values()))
        assert sum(after.values()) <= most, "more than the surge allows"
        return any(changed) or bool(actions)

    def replica_set(self, item: Object) -> bool:
        """The ReplicaSet's own turn: its pods, and what it says of them."""
        what = replicasetplan.plan(
            replicasetplan.Observed(
                replica_set=item,
                pods=list(self.pods.values()),
                related=lambda: self.pods.values(),
                now=NOW,
            )
        )
        for pod in (*what.adopt, *what.release):
            self.pods[name_of(pod)] = pod
        for leaving in what.delete:
            pod = copied(leaving)
            pod["metadata"]["deletionTimestamp"] = "now"
            self.pods[name_of(pod)] = pod
        for _ in range(what.create):
            made = copied(replicasetplan.new_pod(item))
            name = f"{made['metadata'].pop('generateName')}{next(self.names)}"
            made["metadata"] |= {"name": name, "uid": name}
            made["status"] = {"phase": "Pending", "conditions": []}
            self.pods[name] = made
        status = replicasetplan.status_of(item, self.of(item), None, NOW)
        if status != item.get("status"):
            self.pile.put(resources.REPLICA_SETS, {**item, "status": status})
        return what != replicasetplan.Plan() or status != item.get("status")

    def serve(self) -> None:
        """Every pod becomes ready, every one that ends is gone."""
        self.ends()
        self.pods = {
            name: {**pod, "status": {"phase": "Running", "conditions": [READY]}}
            for name, pod in self.pods.items()
            if is_active(pod)
        }

    @rule()
    def comes_to_rest(self) -> None:
        """With nothing more happening the rollout ends, and on the way never breaks its bounds."""
        self.change(paused=False)
        for _ in range(MOST_TURNS):
            self.serve()
            enough = min(self.available(), self.bounds[1])
            moved = self.turn()
            assert self.available() >= enough, "fewer than must be available"
            if not moved:
                break
        assert not self.turn(), "planning on its own result gives something"
        images = {p["spec"]["containers"][0]["image"] for p in self.active()}
        wanted = self.deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        assert images <= {wanted}
        assert len(self.active()) == self.wanted
        assert self.deployment["status"].get("updatedReplicas", 0) == self.wanted


READY = {"type": "Ready", "status": "True"}

TestRolling = Rolling.TestCase
TestRolling.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
