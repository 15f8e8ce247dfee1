"""What a record of a rollout tells, as ``netemu rollout report -o json`` prints it; pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from netemu.daemon.rolloutrecord import Record


def report(record: Record, now: float) -> dict[str, Any]:
    """All of it; times are seconds since the rollout began."""
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
