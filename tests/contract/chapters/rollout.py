"""Rollouts: their status, history, undoing, and waiting for them."""

from tests.contract.manifests import WEB
from tests.contract.step import Step

ROLLOUT = (
    Step("apply -f -", "created", stdin=WEB),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("set image deploy/web c=registry.k8s.io/e2e-test-images/agnhost:2.52", "image updated"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("rollout history deploy/web", r"REVISION +CHANGE-CAUSE\n1 .*\n2 "),
    Step("rollout history deploy/web --revision=1", "agnhost:2.53"),
    Step("rollout undo deploy/web", "deployment.apps/web rolled back"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("get rs -o name", r"^replicaset\S+\nreplicaset\S+$"),
    Step("rollout pause deploy/web", "deployment.apps/web paused"),
    Step("rollout resume deploy/web", "deployment.apps/web resumed"),
    Step("rollout restart deploy/web", "deployment.apps/web restarted"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("wait --for=condition=Available deploy/web --timeout=20s", "condition met"),
    Step("wait --for=jsonpath={.status.readyReplicas}=2 deploy/web --timeout=20s", "met", since=23),
    Step("wait --for=delete pod/nope --timeout=5s", "", since=22),
)
