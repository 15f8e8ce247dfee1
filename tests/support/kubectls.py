"""Every kubectl on this machine: the one on PATH, those of other releases beside it, and what
`make tools` fetched.
"""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from netemu.config.version import MINOR

FETCHED = Path(__file__).parents[2] / ".tools"
"""Where `make tools` puts Debian's, the oldest that is still shipped, as kubectl.1.NN."""


@cache
def kubectls() -> dict[int, str]:
    """Programs by minor version, the oldest first."""
    found = shutil.which("kubectl")
    if found is None:
        return {}
    named: dict[int, str] = {}
    for folder in (FETCHED, Path(found).resolve().parent):
        for path in folder.glob("kubectl.1.*"):
            if match := re.fullmatch(r"kubectl\.1\.(\d+)", path.name):
                named[int(match[1])] = str(path)
    named.setdefault(_minor(found), found)
    return dict(sorted(named.items()))


def _minor(program: str) -> int:
    said = subprocess.run(
        # A dispatcher asks a server which one to be: there is none.
        [program, "version", "--client", "-o", "json"],
        env={**os.environ, "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    match = re.search(r'"minor": "(\d+)', said.stdout)
    assert match, said.stdout
    return int(match[1])


def versions() -> list[Any]:
    """Parameters: every minor version; all but the one that netemu reports are slow."""
    found = list(kubectls())
    quick = MINOR if MINOR in found else max(found, default=0)
    return [
        pytest.param(minor, marks=() if minor == quick else pytest.mark.slow) for minor in found
    ]
