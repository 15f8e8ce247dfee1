from pathlib import Path

from netemu.node.machine import stable_id, this_machine


def test_the_machine_is_described(tmp_path: Path) -> None:
    machine = this_machine(tmp_path)
    assert machine.cpus >= 1
    assert machine.memory > 10_000
    assert machine.disk > 10_000
    assert machine.architecture
    assert machine.kernel
    assert machine.os_image


def test_ids_are_stable_and_apart() -> None:
    assert stable_id("node-1") == stable_id("node-1") != stable_id("node-2")
