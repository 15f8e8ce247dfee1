"""Nodes: cordoned, tainted, drained, labelled, looked into."""

from tests.contract.manifests import WEB
from tests.contract.step import Step

NODES = (
    Step("get nodes", r"node-1 +Ready"),
    Step("cordon node-2", "node/node-2 cordoned"),
    Step("get node node-2", "Ready,SchedulingDisabled"),
    Step("uncordon node-2", "node/node-2 uncordoned"),
    Step("taint node node-2 k=v:NoSchedule", "node/node-2 tainted"),
    Step("taint node node-2 k=v:NoSchedule-", "node/node-2 (un|modified|untainted)"),
    Step("label node node-2 disk=ssd", "node/node-2 labeled"),
    Step("label node node-2 disk-", "node/node-2 (un)?labeled"),
    Step("apply -f -", "created", stdin=WEB),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step(
        "drain node-2 --ignore-daemonsets --force --delete-emptydir-data --timeout=60s",
        r"node/node-2 (cordoned|already cordoned)\n(.*\n)*node/node-2 (drained|evicted)",
    ),
    Step("get pods --field-selector=spec.nodeName=node-2 -o name", "^$"),
    Step("uncordon node-2", "node/node-2 uncordoned"),
)
