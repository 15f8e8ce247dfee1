"""Commands that open streams, as far as they need no terminal."""

from tests.contract.manifests import POD, WEB
from tests.contract.step import Step

DEBUGGER = ".status.ephemeralContainerStatuses[0]"

STREAMS = (
    Step("apply -f -", "pod/p created", stdin=POD),
    Step("apply -f -", "created", stdin=WEB),
    Step("wait --for=condition=Ready pod/p --timeout=20s", "condition met"),
    Step("rollout status deploy/web --timeout=30s", "successfully rolled out"),
    Step("exec p -- sh -c 'echo out; echo err >&2; exit 3'", "^out$", code=3, err="^err\n"),
    Step("exec -i p -- cat", "^typed$", stdin="typed"),
    Step("exec p -c c -- hostname", "^p$"),
    Step("exec deploy/web -- hostname", "^web-"),
    Step("exec p -- no-such-program", code=1, err=r"executable file not found in \$PATH"),
    # What tar says of it is often not shown: kubectl may end before it has written that.
    Step("cp p:/no/such/file nowhere"),
    Step("exec p -c nope -- true", code=1, err="container nope is not valid for pod p"),
    Step("exec nope -- true", code=1, err='pods "nope" not found'),
    Step(
        "run once -i --rm --restart=Never --image=busybox -- sh -c 'cat; exit 4'",
        "typed",
        code=4,
        stdin="typed",
        since=21,
    ),
    Step(
        "run brief -i --rm --restart=Never --image=busybox -- sh -c 'echo early; sleep 1'",
        "early",
        since=21,
    ),
    Step(
        "debug p --image=busybox --target=c --container=look -- sh -c 'echo looked; sleep 1'",
        since=23,
    ),
    Step(
        f"wait --for=jsonpath={{{DEBUGGER}.state.terminated.exitCode}}=0 pod/p --timeout=20s",
        "met",
        since=31,
    ),
    Step("logs p -c look", "^looked$", since=31),
    Step("get --raw /api/v1/namespaces/{namespace}/services/web/proxy/hostname", "^web-"),
    Step("get --raw /api/v1/namespaces/{namespace}/pods/p/proxy/", code=1, err="trying to reach"),
)
