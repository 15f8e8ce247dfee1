"""debug: a container beside those of a pod, a copy of a pod, a pod on a node."""

from tests.contract.manifests import POD
from tests.contract.step import Step

STATE = ".status.ephemeralContainerStatuses[0].state"

DEBUGGING = (
    Step("apply -f -", "pod/p created", stdin=POD),
    Step("wait --for=condition=Ready pod/p --timeout=20s", "condition met"),
    # 1.20 asks for what servers have not had since 1.22.
    Step("debug p --image=busybox --target=c --container=look -- sh -c 'echo looked'", since=23),
    Step(
        f"wait --for=jsonpath={{{STATE}.terminated.exitCode}}=0 pod/p --timeout=20s",
        "met",
        since=23,
    ),
    Step("logs p -c look", "^looked$", since=23),
    Step(
        "debug p -i --image=busybox --target=c -- sh -c 'read line; echo got $line; sleep 0.5'",
        "^got typed$",
        stdin="typed\n",
        since=25,
    ),
    Step("debug p --copy-to=p2 --image=busybox --container=look -- sleep 100"),
    Step("wait --for=condition=Ready pod/p2 --timeout=20s", "condition met"),
    Step("get pod p2 -o jsonpath={.spec.containers[*].name}", "^c look$"),
    Step("logs p2 -c c", "^started$"),
    Step("exec p2 -c look -- hostname", "^p2$"),
    Step("debug p --copy-to=p3 --set-image=c=alpine", since=21),
    Step("wait --for=condition=Ready pod/p3 --timeout=20s", "condition met", since=21),
    Step("get pod p3 -o jsonpath={.spec.containers[*].image}", "^alpine$", since=21),
    Step(
        "debug node/node-1 -i --image=busybox -- sh -c 'sleep 0.5; ls -d /host/etc'",
        "^/host/etc$",
    ),
    Step("get pods -o jsonpath={.items[*].metadata.name}", "node-debugger-node-1-"),
)
