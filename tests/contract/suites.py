"""Runs other projects' test suites, unmodified, against a cluster of ours.

They have an environment of their own (`make contract` makes it), because some bring pytest plugins
that every run beside them would load.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netemu.testing import Instance

ROOT = Path(__file__).parents[2]


def python() -> str:
    """The interpreter that has the suites; without one the test is skipped."""
    found = os.environ.get("CONTRACT_PYTHON")
    if not found:
        pytest.skip("CONTRACT_PYTHON names no interpreter; `make contract` makes one")
    return found


def output_of(code: str, *arguments: str) -> str:
    """What a piece of Python prints there."""
    argv = [python(), "-c", code, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def outcomes(
    cluster: Instance, folder: Path, report: Path, *arguments: str, seconds: float
) -> dict[str, str]:
    """How each test of a suite ended: "" for well, else the first line of why not.

    Skipped tests are left out.
    """
    argv = [python(), "-m", "pytest", *arguments, "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*argv, f"--junitxml={report}"],
        cwd=folder,
        env={**cluster.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    return _read(report)


def _read(report: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        bad = next((part for part in case if part.tag in ("failure", "error")), None)
        name = case.get("name", "")
        if bad is not None:
            found[name] = bad.get("message", "").partition("\n")[0] or bad.tag
        else:
            found.setdefault(name, "")
    return found


def judge(found: Mapping[str, str], excused: Mapping[str, str], least: int) -> None:
    """Whatever isn't excused must pass, and what is excused must not: the list only shrinks.

    An excuse may end in "*", for all tests that begin so.
    """
    failed = {name: why for name, why in found.items() if why}
    surprises = {name: why for name, why in failed.items() if not _excused(name, excused)}
    assert not surprises, "\n".join(f"{name}: {why}" for name, why in surprises.items())
    stale = [pattern for pattern in excused if not any(_fits(name, pattern) for name in failed)]
    assert not stale, f"these pass now: {stale}"
    assert len(found) - len(failed) >= least


def _excused(name: str, excused: Mapping[str, str]) -> bool:
    return any(_fits(name, pattern) for pattern in excused)


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def without(patterns: Sequence[str]) -> str:
    """A -k expression that leaves out tests by parts of their names."""
    return " and ".join(f"not {pattern}" for pattern in patterns)
