import os

from netemu.node.pod import pod_from
from netemu.node.probe import Exec
from netemu.node.run import close_outputs, hook_of
from netemu.node.runtime import ProcessSpec
from tests.support.node import container, pod


def test_hooks_by_name() -> None:
    lifecycle = {"preStop": {"exec": {"command": ["sync"]}}}
    spec = pod_from(pod(container(lifecycle=lifecycle))).containers[0]
    assert hook_of(spec, "preStop") == Exec(("sync",))
    assert hook_of(spec, "postStart") is None


def test_our_copies_of_what_a_process_writes_to_are_closed() -> None:
    reading, writing = os.pipe()
    spec = ProcessSpec(sandbox="p", argv=["true"], env={}, stdout=writing)
    close_outputs(spec)
    assert os.read(reading, 1) == b""
    os.close(reading)
