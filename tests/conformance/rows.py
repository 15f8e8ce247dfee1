"""The rows of the catalogue of upstream's end-to-end tests that each have a test here.

Those of sig-apps, probes, lifecycle, environment, volumes and scheduling that need plain processes
("direct") or a stand-in for an image; others can't be had without an image registry, third-party
databases or storage drivers.
"""

from collections.abc import Iterator

SECTIONS = {
    8: 12,  # Deployment
    9: 15,  # ReplicaSet, ReplicationController
    10: 19,  # StatefulSet, ControllerRevision
    11: 10,  # DaemonSet
    12: 25,  # Job, CronJob
    13: 7,  # PodDisruptionBudget
    14: 23,  # probes
    15: 35,  # lifecycle, pods, runtime
    16: 10,  # environment, ConfigMap, Secret, downward API
    17: 11,  # volumes
    18: 18,  # scheduling
}
"""Section -> how many rows it has."""

NOT_HERE = {
    (9, 2): "a private image registry",
    (9, 10): "a private image registry",
    (10, 14): "a volume bound to a node",
    (10, 18): "third-party databases",
    (17, 11): "storage drivers",
}
"""Rows that the catalogue itself leaves out, and why."""


def rows() -> Iterator[tuple[int, int]]:
    """Every row that must have a test."""
    for section, count in SECTIONS.items():
        for number in range(1, count + 1):
            if (section, number) not in NOT_HERE:
                yield section, number
