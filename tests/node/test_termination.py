from pathlib import Path
from typing import Any

import pytest

from netemu.node.termination import (
    LOG_BYTES,
    LOG_LINES,
    LONGEST,
    killed_reason,
    message,
    message_file,
    mount_of,
    oom_kills,
)
from tests.support.node import shell, world

FALLBACK = {"terminationMessagePolicy": "FallbackToLogsOnError"}
STAMP = "2023-11-14T22:13:20.000000000Z stderr"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "0.log"


def test_the_message_is_what_was_written_to_the_file(log: Path) -> None:
    [mount] = mount_of({"terminationMessagePath": "/dev/termination-log"}, log)
    assert mount.target == "/dev/termination-log"
    Path(mount.source).write_text("DONE")
    assert message({}, log, 0) == "DONE"
    assert not message_file(log).exists()


def test_it_is_cut(log: Path) -> None:
    message_file(log).write_text("x" * 2 * LONGEST)
    assert len(message({}, log, 0)) == LONGEST


@pytest.mark.parametrize(
    ("container", "code", "expected"),
    [
        (FALLBACK, 1, "first\nsecond half\n"),
        (FALLBACK, 0, ""),
        ({}, 1, ""),
    ],
    ids=["failed", "succeeded", "another policy"],
)
def test_the_log_stands_in_for_the_message(
    log: Path, container: dict[str, Any], code: int, expected: str
) -> None:
    log.write_text(f"{STAMP} F first\n{STAMP} P second\n{STAMP} F  half\n")
    assert message(container, log, code) == expected


def test_of_a_long_log_the_end_is_told(log: Path) -> None:
    log.write_text("".join(f"{STAMP} F {number}\n" for number in range(500)))
    told = message(FALLBACK, log, 1).splitlines()
    assert told[-1] == "499"
    assert len(told) <= LOG_LINES
    log.write_text(f"{STAMP} F {'x' * 5000}\n")
    assert len(message(FALLBACK, log, 1)) == LOG_BYTES


async def test_a_failed_container_tells_its_last_words(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("echo last words; exit 3", **FALLBACK), restartPolicy="Never")
        await it.phase("Failed")
        ended = it.main()["state"]["terminated"]
        assert (ended["exitCode"], ended["message"]) == (3, "last words\n")


def test_a_kill_that_the_kernel_counts_was_for_want_of_memory(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    assert oom_kills(vmstat) == 0
    vmstat.write_text("pgfault 12\noom_kill 4\n")
    assert oom_kills(vmstat) == 4
    assert killed_reason(3, vmstat) == "OOMKilled"
    assert killed_reason(4, vmstat) == "Error"
