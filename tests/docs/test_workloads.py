"""docs/workloads.md speaks of what there is."""

import re
from pathlib import Path

from netemu.cli import COMMANDS
from netemu.config.loading import load
from netemu.controllers import reload
from netemu.model.service import WEIGHTS
from netemu.model.weights import parse

TEXT = (Path(__file__).parents[2] / "docs" / "workloads.md").read_text()


def test_its_commands_exist() -> None:
    used = set(re.findall(r"netemu ([a-z]+)\b", TEXT))
    assert {"weights", "rollout", "watch", "node", "clock"} <= used
    assert used <= set(COMMANDS) | {"adds"}, used - set(COMMANDS)


def test_its_annotations_are_those_of_the_code() -> None:
    used = set(re.findall(r"netemu\.dev/[a-z-]+", TEXT))
    assert used == {WEIGHTS, reload.HELD, reload.SEEN, reload.RELOADED}


def test_its_example_of_weights_can_be_read() -> None:
    [text] = re.findall(r"netemu\.dev/weights=(\S+)", TEXT)
    assert [share.weight for share in parse(text)] == [90, 10]


def test_its_settings_exist_with_those_values(tmp_path: Path) -> None:
    settings = load({}, source="", state_dir=tmp_path)
    assert "`controllers.nodeGraceSeconds` (50)" in TEXT
    assert settings.controllers.node_grace_seconds == 50
    assert re.search(r"`api\.evictionSeconds`, 300\b", TEXT)
    assert settings.api.eviction_seconds == 300
    assert "controllers.jobBackoffSeconds" in TEXT
    assert settings.controllers.job_backoff_seconds > 0
