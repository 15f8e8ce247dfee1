"""@kubernetes/client-node, from npm, with cases of ours."""

import shutil
import subprocess
from pathlib import Path

import pytest

from netemu.testing import Instance
from tests.contract.suites import CASES, environment

pytestmark = [pytest.mark.contract, pytest.mark.slow, pytest.mark.suite]


@pytest.mark.timeout(180)
def test_what_its_users_do(cluster: Instance, tmp_path: Path) -> None:
    folder = environment()
    # Node looks for packages above the program.
    (tmp_path / "node_modules").symlink_to(folder / "node_modules")
    shutil.copy(CASES / "javascript.mjs", tmp_path)
    done = subprocess.run(
        [folder / "bin" / "node", "javascript.mjs"],
        cwd=tmp_path,
        env={**cluster.env, "TMPDIR": str(tmp_path)},  # where it makes folders
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass 13" in done.stdout
