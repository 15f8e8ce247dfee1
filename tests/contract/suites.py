"""Runs other projects' test suites, unmodified, against a cluster of ours.

They have an environment of their own (`make contract` makes it), because some bring pytest plugins
that every run beside them would load.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

import pytest

from netemu.testing import Instance

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "clients"
"""What users of a client library do: programs for the environment of the suites."""
PLAIN = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


def environment() -> Path:
    """The folder that has the suites and clients; without it tests are skipped, in CI they fail."""
    found = os.environ.get("CONTRACT_ENV")
    if not found:
        unavailable("CONTRACT_ENV names no environment; `make contract` makes one")
    return Path(found)


def unavailable(why: str) -> NoReturn:
    """Skip the test; in CI, where everything can be had, that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def python() -> str:
    """The interpreter that has the suites."""
    return str(environment() / "bin" / "python")


def output_of(code: str, *arguments: str) -> str:
    """What a piece of Python prints there."""
    argv = [python(), "-c", code, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def outcomes(
    cluster: Instance, folder: Path, report: Path, *arguments: str, seconds: float
) -> dict[str, str]:
    """How each test of a suite ended: "" for well, else the first line of why not.

    Skipped tests are left out. A suite that has no settings for pytest gets `PLAIN`: ours, which it
    would find above its folder, make errors of warnings.
    """
    argv = [python(), "-m", "pytest", *arguments, "-q", "-p", "no:cacheprovider"]
    if not (folder / "pyproject.toml").exists():
        (folder / "pytest.ini").write_text(PLAIN)
        argv += ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
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
