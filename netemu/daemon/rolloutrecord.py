"""What is remembered of one rollout: pure, and bounded whatever happens in it.

A record begins with the change of a Deployment's template and is told of every object that changed
since: the Deployment, its ReplicaSets and their pods. What pods served comes as the proxy's sums by
address; since addresses go from pod to pod, each pod has its own beginning.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from netemu.model.conditions import condition, holds
from netemu.model.meta import Key, Object, annotations_of, is_deleting, name_of

REVISION: Final = "deployment.kubernetes.io/revision"
STEPS: Final = 1_000
"""Steps of one rollout; what comes later is counted only."""
SAMPLES: Final = 240
"""Looks at the versions' shares; when they are full every other one goes, and the rest of the
rollout is looked at half as often."""
PODS: Final = 1_000
"""Pods of one rollout whose connections are told apart by version."""
SAMPLE_SECONDS: Final = 0.5
"""Between two looks, at first."""


class Counts(NamedTuple):
    """What the proxy saw at one address, or of one version."""

    connections: int = 0
    broken: int = 0
    """Connections that ended by a reset."""
    redialed: int = 0
    """Dials that failed, after which another endpoint was tried."""

    def since(self, before: "Counts") -> "Counts":
        """What came since then; a counter that is smaller began anew."""
        return Counts(*(a - b if a >= b else a for a, b in zip(self, before, strict=True)))

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


NONE: Final = Counts()


class Traffic(NamedTuple):
    """The proxy's sums for the Services of a Deployment."""

    by_address: Mapping[str, Counts]
    unserved: int = 0
    """Connections for which no endpoint could be reached."""


@dataclass(slots=True)
class Pod:
    """One pod of the rollout."""

    owner: str
    """Its ReplicaSet."""
    word: str
    """How it is."""
    address: str = ""
    base: Counts = NONE
    """What its address had served before it."""
    served: Counts = NONE


@dataclass(slots=True)
class Version:
    """One ReplicaSet."""

    revision: int
    images: tuple[str, ...]
    sizes: tuple[int, ...]
    """Wanted, ready and available pods."""
    pods: int = 0
    """How many it has had in this rollout."""


class Sample(NamedTuple):
    """The versions at one moment."""

    at: float
    ready: Mapping[str, int]
    served: Mapping[str, int]
    """Connections since the beginning."""


@dataclass(slots=True)
class Record:
    """One rollout of one Deployment."""

    deployment: Key
    uid: str
    started: float
    revision: int = 0
    ended: float | None = None
    state: str = "progressing"
    versions: dict[str, Version] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    steps: list[tuple[float, str]] = field(default_factory=list)
    dropped: int = 0
    samples: list[Sample] = field(default_factory=list)
    every: float = SAMPLE_SECONDS
    looked: float = 0.0
    """When a sample was last due, by the machine's monotonic clock."""
    ready: int = 0
    """Pods that are ready."""
    bare_seconds: float = 0.0
    """For how long no pod was ready."""
    bare_since: float | None = None
    begun_with: int | None = None
    unserved: int = 0
    conditions: tuple[str, ...] = ()
    past: dict[str, Counts] = field(default_factory=dict)
    """What pods that are no longer told apart served, by ReplicaSet."""

    @property
    def over(self) -> bool:
        """Whether nothing will come any more: it ended, and so did the pods of older versions."""
        new = self.newest
        if self.state in ("superseded", "deleted"):
            return True
        return self.ended is not None and all(
            pod.owner == new for pod in self.pods.values() if pod.word != "gone"
        )

    @property
    def newest(self) -> str:
        """The ReplicaSet it leads to."""
        found = [name for name, each in self.versions.items() if each.revision == self.revision]
        return found[-1] if found else ""

    def step(self, at: float, text: str) -> None:
        """Something happened."""
        if len(self.steps) < STEPS:
            self.steps.append((at, text))
        else:
            self.dropped += 1

    def follow(self, at: float, obj: Object) -> None:
        """The Deployment changed, before the rollout ended."""
        self.revision = int(annotations_of(obj).get(REVISION) or self.revision)
        found = condition(obj, "Progressing") or {}
        paused = bool(obj["spec"].get("paused"))
        now = (str(found.get("reason", "")), "paused" if paused else "")
        for word in now if self.conditions else ():
            if word and word not in self.conditions:
                self.step(at, f"Deployment {word}")
        if "paused" in self.conditions and not paused:
            self.step(at, "Deployment resumed")
        self.conditions = now
        if is_complete(obj):
            self.finish(at, "complete")
        else:
            stuck = found.get("reason") == "ProgressDeadlineExceeded"
            self.state = "stuck" if stuck else "paused" if paused else "progressing"

    def concerns(self, kind: str, name: str) -> bool:
        """Whether an object is the Deployment or of it."""
        return (
            (kind == "Deployment" and name == self.deployment[1])
            or (kind == "ReplicaSet" and name in self.versions)
            or (kind == "Pod" and name in self.pods)
        )

    def finish(self, at: float, state: str) -> None:
        """It came to an end."""
        if self.ended is None:
            self.ended, self.state = at, state
            self.step(at, f"rollout {state}")

    def follow_version(self, at: float, obj: Object, *, gone: bool = False) -> None:
        """One of its ReplicaSets changed."""
        name, status = name_of(obj), obj.get("status") or {}
        sizes = (
            obj["spec"].get("replicas", 1),
            status.get("readyReplicas", 0),
            status.get("availableReplicas", 0),
        )
        revision = int(annotations_of(obj).get(REVISION) or 0)
        known = self.versions.get(name)
        if gone:
            if known is not None:
                self.step(at, f"ReplicaSet {name} deleted")
            return
        if known is None:
            self.versions[name] = Version(revision, images(obj), sizes)
            if self.samples:  # else it was there at the beginning
                self.step(at, f"ReplicaSet {name} created")
                known = Version(revision, (), (0, 0, 0))
        if known is not None:
            moved = zip(_SIZES, known.sizes, sizes, strict=True)
            words = [f"{what} {one} to {other}" for what, one, other in moved if one != other]
            if words:
                self.step(at, f"ReplicaSet {name}: {', '.join(words)}")
        self.versions[name].revision, self.versions[name].sizes = revision, sizes

    def follow_pod(
        self, at: float, owner: str, obj: Object, look: Callable[[], Traffic], *, gone: bool
    ) -> None:
        """A pod of one of its ReplicaSets changed; `look` tells what the proxy has seen."""
        name, word = name_of(obj), "gone" if gone else how(obj)
        pod = self.pods.get(name)
        if pod is None:
            if gone or not self._room():
                return
            pod = self.pods[name] = Pod(owner, "")
            if owner in self.versions:
                self.versions[owner].pods += 1
        address = (obj.get("status") or {}).get("podIP") or ""
        if address and not pod.address:
            pod.address, pod.base = address, look().by_address.get(address, NONE)
        if word != pod.word:
            if self.samples:
                self.step(at, f"Pod {name}: {word}")
            self.ready += (word == "Ready") - (pod.word == "Ready")
            pod.word = word
            if gone:
                self._count(pod, look())
                pod.address = ""
            self._note_bare(at)

    def _room(self) -> bool:
        """Make room for a pod: those that are gone are remembered by version only."""
        if len(self.pods) < PODS:
            return True
        for name in [name for name, pod in self.pods.items() if pod.word == "gone"]:
            pod = self.pods.pop(name)
            self.past[pod.owner] = self.past.get(pod.owner, NONE).plus(pod.served)
        return len(self.pods) < PODS

    def _note_bare(self, at: float) -> None:
        if self.ready:
            if self.bare_since is not None:
                self.bare_seconds += at - self.bare_since
                self.bare_since = None
        elif self.bare_since is None and self.ended is None:
            self.bare_since = at

    def _count(self, pod: Pod, seen: Traffic) -> None:
        if pod.address:
            pod.served = seen.by_address.get(pod.address, NONE).since(pod.base)

    def sample(self, at: float, seen: Traffic) -> None:
        """Look at the versions' shares."""
        if self.begun_with is None:
            self.begun_with = seen.unserved
        self.unserved = max(0, seen.unserved - self.begun_with)
        for pod in self.pods.values():
            self._count(pod, seen)
        ready = dict.fromkeys(self.versions, 0)
        for pod in self.pods.values():
            if pod.word == "Ready":
                ready[pod.owner] = ready.get(pod.owner, 0) + 1
        served = {name: self.served(name).connections for name in self.versions}
        if len(self.samples) >= SAMPLES:
            del self.samples[1::2]
            self.every *= 2
        self.samples.append(Sample(at, ready, served))

    def served(self, version: str) -> Counts:
        """What a version's pods have served since the beginning."""
        total = self.past.get(version, NONE)
        for pod in self.pods.values():
            if pod.owner == version:
                total = total.plus(pod.served)
        return total


_SIZES = ("replicas", "ready", "available")


def images(obj: Object) -> tuple[str, ...]:
    """Of a template's containers."""
    return tuple(each.get("image", "") for each in obj["spec"]["template"]["spec"]["containers"])


def how(pod: Object) -> str:
    """How a pod is, in one word."""
    if is_deleting(pod):
        return "Terminating"
    if holds(pod, "Ready"):
        return "Ready"
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    if phase == "Pending" and pod["spec"].get("nodeName"):
        return f"Scheduled to {pod['spec']['nodeName']}"
    return "not ready" if phase == "Running" else str(phase)


def is_complete(obj: Object) -> bool:
    """Whether a Deployment is what it should be (upstream's DeploymentComplete)."""
    status, wanted = obj.get("status") or {}, obj["spec"].get("replicas", 1)
    counts = [status.get(name, 0) for name in _COUNTS]
    seen = status.get("observedGeneration", 0) >= obj["metadata"].get("generation", 0)
    return seen and all(count == wanted for count in counts)


_COUNTS = ("replicas", "updatedReplicas", "availableReplicas")


def report(record: Record, now: float) -> dict[str, Any]:
    """All of it, as ``netemu rollout report -o json`` prints it; times count from its begin."""
    end = record.ended if record.ended is not None else now
    bare = 0.0 if record.bare_since is None else max(0.0, end - record.bare_since)
    return {
        "namespace": record.deployment[0],
        "deployment": record.deployment[1],
        "revision": record.revision,
        "state": record.state,
        "started": record.started,
        "seconds": round(end - record.started, 3),
        "withoutReadyPodSeconds": round(record.bare_seconds + bare, 3),
        "versions": list(_versions(record)),
        "failures": _failures(record),
        "redialed": sum(record.served(name).redialed for name in record.versions),
        "share": list(_shares(record)),
        "timeline": [
            {"at": round(at - record.started, 3), "what": what} for at, what in record.steps
        ],
        "droppedSteps": record.dropped,
    }


def _versions(record: Record) -> Iterator[dict[str, Any]]:
    newest = record.newest
    for name, version in record.versions.items():
        served = record.served(name)
        if not version.pods and name != newest:
            continue  # of an older rollout
        yield {
            "replicaSet": name,
            "revision": version.revision,
            "new": name == newest,
            "images": list(version.images),
            "pods": version.pods,
            "connections": served.connections,
            "broken": served.broken,
        }


def _failures(record: Record) -> dict[str, int]:
    """Requests that failed, by cause; a version's own are told with it, too."""
    broken = sum(record.served(name).broken for name in record.versions)
    return {"noEndpointReached": record.unserved, "endedByReset": broken}


def _shares(record: Record) -> Iterator[dict[str, Any]]:
    """At each look: the ready pods, and the connections since the look before."""
    before: Mapping[str, int] = {}
    told = {row["replicaSet"] for row in _versions(record)}
    for sample in record.samples:
        yield {
            "at": round(sample.at - record.started, 3),
            "ready": {name: sample.ready.get(name, 0) for name in record.versions if name in told},
            "connections": {
                name: sample.served.get(name, 0) - before.get(name, 0)
                for name in record.versions
                if name in told
            },
        }
        before = sample.served
