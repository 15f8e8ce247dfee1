"""Every kubectl on this machine: the one on PATH, those of other releases beside it, and those that
NETEMU_TEST_KUBECTLS names (paths, with colons between).
"""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path


@cache
def kubectls() -> dict[int, str]:
    """Programs by minor version, the oldest first."""
    found = shutil.which("kubectl")
    if found is None:
        return {}
    named = {_minor(path): path for path in _named()}
    for path in Path(found).resolve().parent.glob("kubectl.1.*"):
        match = re.fullmatch(r"kubectl\.1\.(\d+)", path.name)
        if match:
            named[int(match[1])] = str(path)
    if not any(path.startswith(str(Path(found).resolve())) for path in named.values()):
        named.setdefault(_minor(found), found)
    return dict(sorted(named.items()))


def _named() -> list[str]:
    return [path for path in os.environ.get("NETEMU_TEST_KUBECTLS", "").split(":") if path]


def _minor(program: str) -> int:
    said = subprocess.run(
        [program, "version", "--client", "-o", "json"], capture_output=True, text=True, check=True
    )
    match = re.search(r'"minor": "(\d+)', said.stdout)
    assert match, said.stdout
    return int(match[1])
