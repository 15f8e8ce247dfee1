"""kopf's end-to-end tests and examples, out of its source distribution."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from netemu.testing import Instance
from tests.contract.suites import judge, outcomes, output_of, python, unavailable

pytestmark = [pytest.mark.contract, pytest.mark.slow, pytest.mark.suite]

EXCUSED = {
    "test_all_examples_are_runnable[17-admission]": (
        "kopf has its certificate made by oscrypto, which doesn't know OpenSSL since 3.0.10"
    ),
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The folder of kopf's sources, as its package index has them."""
    installed = output_of("import importlib.metadata as m; print(m.version('kopf'))")
    argv = [python(), "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
    done = subprocess.run(
        [*argv, "-d", str(tmp_path), f"kopf=={installed}"],
        capture_output=True,
        check=False,
        timeout=120,
    )
    archives = list(tmp_path.glob("kopf-*.tar.gz"))
    if not archives:
        unavailable(f"its sources can't be had: {done.stderr.decode()[-200:]}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    return archives[0].with_name(archives[0].name.removesuffix(".tar.gz"))


@pytest.mark.timeout(400)
def test_kopf_end_to_end(cluster: Instance, sources: Path) -> None:
    arguments = (
        *("tests/e2e", "--only-e2e", "--timeout=60", "-o", "addopts="),
        # Its runner closes the loop at once, trusting aiohttp to abort connections since 3.12.4.
        # Those released just before (a watch's) say goodbye by TLS instead and may still wait for
        # the answer, however fast a server is; Python warns, and the suite makes that an error.
        *("-W", "ignore:unclosed:ResourceWarning"),
    )
    found = outcomes(cluster, sources, sources / "report.xml", *arguments, seconds=380)
    judge(found, EXCUSED, least=13)
