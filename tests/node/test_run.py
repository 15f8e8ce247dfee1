from netemu.node.pod import pod_from
from netemu.node.probe import Exec
from netemu.node.run import hook_of
from tests.support.node import container, pod


def test_hooks_by_name() -> None:
    lifecycle = {"preStop": {"exec": {"command": ["sync"]}}}
    spec = pod_from(pod(container(lifecycle=lifecycle))).containers[0]
    assert hook_of(spec, "preStop") == Exec(("sync",))
    assert hook_of(spec, "postStart") is None
